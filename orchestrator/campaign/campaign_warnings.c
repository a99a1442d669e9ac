/* Warnings that do not follow from the losses: the plan leaves the range in which learning rates
 * are known to transfer, or something happened to the trials. */
#include "campaign/campaign_warnings.h"

#include <math.h>
#include <string.h>
#include "campaign/campaign_state.h"

/* Step Law (arXiv 2503.04715): the best batch for D tokens is .58 D^.571 tokens. In its own runs
 * the optimum falls with the horizon up to about 1.6 times that batch, and rises beyond. */
#define BATCH_FACTOR 0.58
#define BATCH_EXPONENT 0.571
#define BATCH_TOO_LARGE 2.0
#define WARMUP_TOO_LONG 0.2 /* of a horizon */
#define TOKENS_A_PARAMETER 1.0

static double longest_horizon(const struct plan *plan)
{
    return (double)plan->search.horizons[plan->search.horizon_count - 1];
}

static void warn_width(const struct plan *plan, struct answer *answer)
{
    if (plan->model.parametrization == PARAM_SP && plan->target.d_model != plan->model.d_model &&
        plan->axes.d_model.count < 2) /* otherwise the law over widths is measured */
        answer_warn(answer,
                    "the target's width is %u, the trials' is %u: with parametrization sp the "
                    "learning rate does not carry over to another width (mup and lvp do)",
                    plan->target.d_model, plan->model.d_model);
}

static void warn_batch(const struct plan *plan, struct answer *answer)
{
    double batch = plan_largest_batch(plan);
    double best = BATCH_FACTOR * pow(longest_horizon(plan), BATCH_EXPONENT);
    if (batch > BATCH_TOO_LARGE * best)
        answer_warn(answer,
                    "training.batch_tokens, %.3g, is %.1f times what is best for the longest "
                    "horizon (Step Law: %.2g): above the critical batch the optimum may rise with "
                    "the horizon instead of falling",
                    batch, batch / best, best);
}

static void warn_warmup(const struct plan *plan, struct answer *answer)
{
    double fixed = (double)plan->training.warmup_tokens +
                   (double)plan->training.warmup_steps * plan_largest_batch(plan);
    double share = fixed > 0 ? fixed / (double)plan->search.horizons[0] : plan->training.warmup;
    if (share > WARMUP_TOO_LONG)
        answer_warn(answer,
                    "the warm-up takes %.0f %% of the shortest horizon%s: its best learning rate "
                    "depends on the warm-up too",
                    100 * share,
                    fixed > 0 ? " and less of the others (training.warmup is a share of each)"
                              : "");
}

static void warn_size(const struct plan *plan, struct answer *answer)
{
    uint64_t params = 0; /* of the largest model */
    for (size_t i = 0; i < plan_cell_count(plan); i++) {
        struct trial_spec spec = plan_cell(plan, i);
        params = trial_params(&spec) > params ? trial_params(&spec) : params;
    }
    double each = longest_horizon(plan) / (double)params;
    if (each < TOKENS_A_PARAMETER)
        answer_warn(answer,
                    "the longest horizon has %.2g tokens a parameter: published slopes are from "
                    "trainings with twenty and more",
                    each);
}

static void warn_epochs(const struct campaign *campaign, struct answer *answer)
{
    double fresh = (double)campaign->opening.train_tokens;
    size_t cells = plan_cell_count(&campaign->plan);
    for (size_t i = 0; i < campaign->data_count; i++) /* the cell with the fewest tokens */
        if (campaign->data[i].cell < cells)           /* not the target, whose horizon differs */
            fresh = fmin(fresh, (double)campaign->data[i].train_tokens);
    if (fresh > 0 && longest_horizon(&campaign->plan) > fresh)
        answer_warn(answer,
                    "the longest horizon reads its %.3g training tokens %.1f times: the optimum of "
                    "repeated text may not be that of fresh text",
                    fresh, longest_horizon(&campaign->plan) / fresh);
}

static void warn_vocabularies(const struct campaign *campaign, struct answer *answer)
{
    bool known = campaign->opening.val_bytes > 0;
    if (campaign->plan.axes.vocab.count > 1)
        answer_warn(answer,
                    "losses at different vocabularies are in nats per token and do not compare%s",
                    known ? "; in bits per byte (trials.csv) they do" : "");
}

/* Our own matrix products ("o", "h", "x") have the same bits on every CPU; a library's do not. */
static void warn_cpus(const struct campaign *campaign, struct answer *answer)
{
    const char *products = campaign->opening.products;
    if (campaign->cpu_count > 1 && strspn(products, "ohx") < strlen(products))
        answer_warn(answer,
                    "the trials ran on %zu kinds of CPU (%.80s and %.80s); products of a library "
                    "(trainer.matmul) have other bits on each, and so may the losses; own products "
                    "have the same bits on all",
                    campaign->cpu_count, campaign->cpus[0], campaign->cpus[1]);
}

static void warn_failed(const struct campaign *campaign, struct answer *answer)
{
    size_t failed = 0;
    const struct trial *last = NULL;
    for (size_t i = 0; i < campaign->trial_count; i++)
        if (campaign->trials[i]->state == TRIAL_FAILED) {
            last = campaign->trials[i];
            failed++;
        }
    if (failed)
        answer_warn(answer,
                    "%zu trial%s failed after all retries and gave no loss; the last, trial %u: %s",
                    failed, failed == 1 ? "" : "s", last->id, last->result.message);
}

void campaign_warn(const struct campaign *campaign, struct answer *answer)
{
    const struct plan *plan = &campaign->plan;
    if (plan->model.d_model > 0)
        warn_width(plan, answer);
    if (plan->training.batch_tokens > 0)
        warn_batch(plan, answer);
    if (plan->trainer.kind == TRAINER_TRANSFORMER) {
        warn_warmup(plan, answer);
        warn_size(plan, answer);
    }
    warn_epochs(campaign, answer);
    warn_vocabularies(campaign, answer);
    warn_cpus(campaign, answer);
    warn_failed(campaign, answer);
}
