/* lrsearch predict: the law of a campaign at another horizon, and for another width, depth,
 * vocabulary, batch or schedule as far as rules carry the learning rate over. The campaign's losses
 * are fitted again with the other target, so that every reason to refuse an answer is asked for
 * this one. */
#include <stdio.h>
#include "cli/aim.h"
#include "cli/options.h"
#include "cli/outcome.h"
#include "history/run_reader.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "report/summary.h"

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

/* A size alone says nothing of width and depth: the campaign must have a law over sizes. */
static int aim_at_size(const struct campaign *campaign, struct answer *answer, uint64_t params,
                       struct lr_error *err)
{
    char size[24];
    if (!answer->joint.known)
        return lr_fail(err, LR_EPLAN,
                       "--params %s: the campaign has no law over sizes, as one with several "
                       "model.d_model or model.n_layers has; give --width and --layers",
                       format_count(size, sizeof(size), (double)params));
    campaign_transfer_size(campaign, answer, (double)params);
    answer->target.width = answer->target.n_layers = 0; /* of that size there are many */
    return 0;
}

static int predict(const struct options *options, struct plan *plan, struct campaign **campaign,
                   struct answer *answer, struct lr_error *err)
{
    uint64_t hash;
    int rc = run_plan_read(plan, &hash, options->operand, err);
    if (!rc)
        rc = aim_plan(plan, options, err);
    if (!rc)
        rc = run_campaign_read(campaign, plan, hash, options->operand, err);
    if (!rc)
        rc = campaign_fit(*campaign, answer, err);
    if (!rc && options->params)
        rc = aim_at_size(*campaign, answer, options->params, err);
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
    int rc = plan && answer ? predict(options, plan, &campaign, answer, &err) : lr_nomem(&err);
    if (rc) {
        lr_log(LR_LOG_ERROR, "%s", err.text);
    } else if (options->json) {
        outcome_print(options, plan->name, answer);
    } else {
        char width[320] = "";
        if (answer->target.width > 0)
            explain_width(width, sizeof(width), plan, answer);
        summary_print_prediction(stdout, plan->name, answer, width);
    }
    int status = outcome_status(rc, answer);
    campaign_destroy(campaign);
    lr_free(answer);
    lr_free(plan);
    return status;
}
