/* Checks that the campaign's model and batch are known and that a rule leads from them to the
 * target. How reliable that rule is becomes part of the answer. */
#include "cli/predict_target.h"

#include "report/summary.h"

_Static_assert(SCHEDULE_COSINE == 0 && SCHEDULE_LINEAR == 1 && SCHEDULE_WSD == 2 &&
                   SCHEDULE_CONSTANT == 3,
               "the words of --schedule are in the order of the enum");

static int set_tokens(struct plan *plan, uint64_t tokens, struct lr_error *err)
{
    char wanted[24], shortest[24];
    if (tokens < plan->search.horizons[0])
        return lr_fail(
            err, LR_EDATA,
            "--tokens %s: is less than the shortest horizon of the campaign, %s; nothing "
            "is extrapolated to shorter ones",
            format_count(wanted, sizeof(wanted), (double)tokens),
            format_count(shortest, sizeof(shortest), (double)plan->search.horizons[0]));
    plan_set_target(plan, tokens, 0);
    return 0;
}

/* Refuses the option unless the trials' value is known, or several are given as an axis. */
static int must_know(const char *option, const struct plan_axis *axis, uint32_t value,
                     struct lr_error *err)
{
    if (value > 0 || axis->count > 1)
        return 0;
    return lr_fail(err, LR_EPLAN,
                   "%s: the campaign's losses are those of another program, whose model and batch "
                   "are not known here",
                   option);
}

static int set_width(struct plan *plan, uint32_t width, struct lr_error *err)
{
    struct trial_spec target = plan_trial(plan);
    bool axis = plan->axes.d_model.count > 1;
    if (width == plan->model.d_model) {
        plan->target.d_model = width;
        return 0;
    }
    if (plan->model.d_model == 0)
        return lr_fail(err, LR_EPLAN,
                       "--width %u: the campaign's losses are those of another program, whose "
                       "widths are not known here",
                       width);
    if (plan->model.parametrization == PARAM_SP && !axis)
        return lr_fail(err, LR_EPLAN,
                       "--width %u: the campaign trained width %u with parametrization sp, whose "
                       "learning rate does not carry over to another width; a campaign with mup or "
                       "lvp gives one that does",
                       width, plan->model.d_model);
    if (!trial_set_width(&target, width, plan->model.heads_grow))
        return lr_fail(err, LR_EPLAN,
                       "--width %u: cannot be shared out among model.%s %u; use a multiple of it",
                       width, plan->model.heads_grow ? "head_size" : "n_heads",
                       plan->model.heads_grow ? plan->model.head_size : plan->model.n_heads);
    plan->target.d_model = width;
    return 0;
}

static int set_schedule(struct plan *plan, const struct predict_target *target,
                        struct lr_error *err)
{
    uint32_t schedule = target->schedule - 1;
    if (plan->training.batch_tokens == 0)
        return lr_fail(err, LR_EPLAN,
                       "--schedule %s: the campaign's losses are not from trainings of its own, "
                       "and their schedule is not known here",
                       schedule_name(schedule));
    if (plan->training.schedule == SCHEDULE_CONSTANT && schedule != SCHEDULE_CONSTANT)
        return lr_fail(err, LR_EPLAN,
                       "--schedule %s: the campaign trained with a constant learning rate, from "
                       "whose losses no optimum of another schedule can be read; give "
                       "training.schedule what the target has",
                       schedule_name(schedule));
    plan->target.schedule = schedule;
    plan->target.cooldown = target->cooldown;
    return 0;
}

int predict_target_set(struct plan *plan, const struct predict_target *target, struct lr_error *err)
{
    int rc;
    if ((rc = set_tokens(plan, target->tokens, err)))
        return rc;
    if (target->width && (rc = set_width(plan, target->width, err)))
        return rc;
    if (target->layers) {
        plan->target.n_layers = target->layers;
        if ((rc = must_know("--layers", &plan->axes.n_layers, plan->model.n_layers, err)))
            return rc;
    }
    if (target->vocab) {
        plan->target.vocab = target->vocab;
        if ((rc = must_know("--vocab", &plan->axes.vocab, plan->model.vocab, err)))
            return rc;
    }
    if (target->batch && target->batch != PREDICT_BATCH_AUTO) {
        plan_set_target(plan, plan->target.tokens, target->batch);
        if ((rc = must_know("--batch", &plan->axes.batch_tokens, plan->training.batch_tokens, err)))
            return rc;
    }
    return target->schedule ? set_schedule(plan, target, err) : 0;
}

int predict_target_check(const struct predict_target *target, const struct command_line *line,
                         struct lr_error *err)
{
    const char *command = line->command->name;
    if (target->width && line->operand_count == 0)
        return lr_fail(err, LR_EUSAGE, "%s --width: is of a run's model; name the run's directory",
                       command);
    if (target->cooldown > 0 && target->schedule != 1 + SCHEDULE_WSD)
        return lr_fail(err, LR_EUSAGE, "%s --cooldown: is of --schedule wsd", command);
    return 0;
}
