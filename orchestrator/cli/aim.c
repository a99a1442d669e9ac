/* What is asked here is whether the campaign knows what it was trained on, and whether any way
 * leads from there; how far that way bears is told by the answer (campaign/campaign_transfer.c). */
#include "cli/aim.h"

#include "report/summary.h"

static int aim_at_tokens(struct plan *plan, uint64_t tokens, struct lr_error *err)
{
    char wanted[24], shortest[24];
    if (tokens < plan->search.horizons[0])
        return lr_fail(err, LR_EDATA,
                       "--tokens %s: is less than the shortest horizon of the campaign, %s; the "
                       "law is not drawn on to shorter ones",
                       format_count(wanted, sizeof(wanted), (double)tokens),
                       format_count(shortest, sizeof(shortest), (double)plan->search.horizons[0]));
    plan->target.tokens = tokens;
    return 0;
}

/* The model that the trials trained must be known; one axis of it is by its values. */
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

static int aim_at_width(struct plan *plan, uint32_t width, struct lr_error *err)
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

static int aim_at_schedule(struct plan *plan, const struct options *options, struct lr_error *err)
{
    if (plan->training.batch_tokens == 0)
        return lr_fail(err, LR_EPLAN,
                       "--schedule %s: the campaign's losses are not from trainings of its own, "
                       "and their schedule is not known here",
                       schedule_name(options->schedule));
    if (plan->training.schedule == SCHEDULE_CONSTANT && options->schedule != SCHEDULE_CONSTANT)
        return lr_fail(err, LR_EPLAN,
                       "--schedule %s: the campaign trained with a constant learning rate, from "
                       "whose losses no optimum of another schedule can be read; give "
                       "training.schedule what the target has",
                       schedule_name(options->schedule));
    plan->target.schedule = options->schedule;
    plan->target.cooldown = options->cooldown;
    return 0;
}

int aim_plan(struct plan *plan, const struct options *options, struct lr_error *err)
{
    int rc = aim_at_tokens(plan, options->tokens, err);
    if (!rc && options->width)
        rc = aim_at_width(plan, options->width, err);
    if (!rc && options->layers) {
        rc = must_know("--layers", &plan->axes.n_layers, plan->model.n_layers, err);
        plan->target.n_layers = options->layers;
    }
    if (!rc && options->vocab) {
        rc = must_know("--vocab", &plan->axes.vocab, plan->model.vocab, err);
        plan->target.vocab = options->vocab;
    }
    if (!rc && options->batch) {
        rc = must_know("--batch", &plan->axes.batch_tokens, plan->training.batch_tokens, err);
        plan->target.batch_tokens = options->batch;
    }
    if (!rc && options->schedule_given)
        rc = aim_at_schedule(plan, options, err);
    return rc;
}
