/* lrsearch predict: the law of a campaign at another horizon, and at another width where the
 * parametrization carries the learning rate over. The campaign's losses are fitted again with the
 * other target, so that every reason to refuse an answer is asked for this one. */
#include <stdio.h>
#include "cli/options.h"
#include "cli/outcome.h"
#include "cli/past_run.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
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

static int aim_at_width(struct plan *plan, uint32_t width, struct lr_error *err)
{
    struct trial_spec target = plan_trial(plan);
    if (width == plan->model.d_model) {
        plan->target.d_model = width;
        return 0;
    }
    if (plan->model.d_model == 0)
        return lr_fail(err, LR_EPLAN,
                       "--width %u: the campaign's losses are those of another program, whose "
                       "widths are not known here",
                       width);
    if (plan->model.parametrization == PARAM_SP)
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

/* mup and lvp: what the target's hidden matrices train with. */
static void explain_width(char *text, size_t capacity, const struct plan *plan,
                          const struct answer *answer)
{
    char lr[16];
    uint32_t width = plan->target.d_model, base = plan->model.base_width;
    text[0] = '\0';
    if (plan->model.parametrization == PARAM_SP || width == base)
        return;
    snprintf(text, capacity,
             "the learning rate is that at base_width %u and holds at each width: %s divides it by "
             "%.4g for the hidden matrices of width %u, which train with %s",
             base, parametrization_name(plan->model.parametrization), (double)width / base, width,
             format_lr(lr, sizeof(lr), 2, answer->target.lr * base / width));
}

static int predict(const struct options *options, struct plan *plan, struct campaign **campaign,
                   struct answer *answer, struct lr_error *err)
{
    uint64_t hash;
    int rc = past_plan(plan, &hash, options->operand, err);
    if (!rc)
        rc = aim_at_tokens(plan, options->tokens, err);
    if (!rc && options->width)
        rc = aim_at_width(plan, options->width, err);
    if (!rc)
        rc = past_campaign(campaign, plan, hash, options->operand, err);
    if (!rc)
        rc = campaign_fit(*campaign, answer, err);
    if (!rc && !campaign_finished(*campaign))
        answer_warn(answer, "the campaign is not finished: more trials may move this");
    return rc;
}

int command_predict(const struct options *options)
{
    struct plan *plan = lr_calloc(1, sizeof(*plan));
    struct answer *answer = lr_calloc(1, sizeof(*answer));
    struct campaign *campaign = NULL;
    struct lr_error err = {0};
    int rc = plan && answer ? predict(options, plan, &campaign, answer, &err)
                            : lr_fail(&err, LR_ENOMEM, "out of memory");
    if (rc) {
        lr_log(LR_LOG_ERROR, "%s", err.text);
    } else if (options->json) {
        outcome_print(options, plan->name, answer);
    } else {
        char width[320];
        explain_width(width, sizeof(width), plan, answer);
        summary_print_prediction(stdout, plan->name, answer, width);
    }
    int status = outcome_status(rc, answer);
    campaign_destroy(campaign);
    lr_free(answer);
    lr_free(plan);
    return status;
}
