/* The best batch is fitted to the minima over the LR that a first fit gives for each batch and
 * horizon. Further fits give the LR at the best batch and at both ends of its interval, so that the
 * campaign's own law, its slope over the batch and the change of beta with it, carries the batch's
 * uncertainty into the LR's. */
#include "campaign/campaign_batch.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "campaign/campaign_answer.h"
#include "campaign/campaign_state.h"
#include "lrsearch/count.h"
#include "lrsearch/memory.h"
#include "search/laws/best_batch.h"
#include "search/search_answer.h"

#define BATCH_MOST 1e9 /* that a plan's batch may have */

/* Whether cells a and b differ in nothing but the batch. */
static bool same_but_batch(const struct search_space *space, size_t a, size_t b)
{
    bool same = space->cells[a].group == space->cells[b].group;
    for (int axis = 0; axis < AXIS_COUNT; axis++)
        if (axis != AXIS_BATCH)
            same = same && fabs(space->cells[a].axes[axis] - space->cells[b].axes[axis]) < 1e-9;
    return same;
}

/* The minima of the model nearest to the target, at each of its batches; returns their number. */
static size_t collect_losses(const struct plan *plan, const struct answer *answer,
                             struct batch_loss losses[ANSWER_BASINS])
{
    struct campaign_space asked;
    size_t count = 0;
    campaign_space_fill(&asked, plan);
    for (size_t b = 0; b < answer->basin_count; b++) {
        const struct basin_answer *basin = &answer->basins[b];
        if (same_but_batch(&asked.space, basin->cell, answer->nearest))
            losses[count++] = (struct batch_loss){
                .tokens = basin->horizon.tokens,
                .batch_tokens = answer->cells[basin->cell].batch_tokens,
                .loss = basin->horizon.loss_min,
                .se = basin->horizon.se_loss,
            };
    }
    return count;
}

/* A batch that the target can have: whole sequences. */
static uint32_t whole_batch(const struct plan *plan, double batch_tokens)
{
    double unit = plan->model.context > 0 ? plan->model.context : 1;
    return (uint32_t)(fmax(1, round(fmin(batch_tokens, BATCH_MOST) / unit)) * unit);
}

/* No LR: it would be that of another batch. */
static void clear_lr(struct target_answer *target)
{
    target->lr = target->ci90[0] = target->ci90[1] = target->embedding_lr = NAN;
    target->loss_penalty = target->loss_penalty_if_wrong_2x = target->keep_penalty = NAN;
    target->batch_tokens = 0;
    for (int r = 0; r < RATIO_COUNT; r++)
        target->ratio[r] = target->ratio_ci90[r][0] = target->ratio_ci90[r][1] = NAN;
}

static void refuse_batch(struct answer *answer, uint64_t tokens)
{
    char text[COUNT_TEXT];
    answer->status = ANSWER_NOT_IDENTIFIED;
    answer->confidence.word = CONFIDENCE_NONE;
    answer->advice.kind = ADVICE_NONE;
    snprintf(answer->reason, sizeof(answer->reason),
             "the best batch for %s tokens is not known: %.250s",
             format_count(text, sizeof(text), (double)tokens), answer->best_batch.reason);
    answer->step_count = 0;
    clear_lr(&answer->target);
}

/* Widens the LR's interval by its change over the batch's: half widths in ln LR add in
 * quadrature. */
static void widen(struct answer *answer)
{
    struct target_answer *target = &answer->target;
    const double *ends = answer->best_batch.lr;
    double change[2] = {fmax(0, log(target->lr / fmin(ends[0], ends[1]))),
                        fmax(0, log(fmax(ends[0], ends[1]) / target->lr))};
    double half[2] = {hypot(log(target->lr / target->ci90[0]), change[0]),
                      hypot(log(target->ci90[1] / target->lr), change[1])};
    target->ci90[0] = target->lr * exp(-half[0]);
    target->ci90[1] = target->lr * exp(half[1]);
    answer->confidence.interval_octaves = log2(target->ci90[1] / target->ci90[0]);
    double factor = exp(fmax(half[0], half[1]));
    if (answer->status != ANSWER_IDENTIFIED || factor <= ACCEPT_WIDEST)
        return;
    answer->status = ANSWER_NOT_IDENTIFIED;
    answer->confidence.word = CONFIDENCE_NONE;
    snprintf(
        answer->reason, sizeof(answer->reason),
        "the best batch is not known well enough: over its 90 %% interval the best LR changes, "
        "and its own reaches a factor %.1f (at most %.0f); name a batch",
        factor, ACCEPT_WIDEST);
}

static void warn_of_untried(struct answer *answer)
{
    const struct best_batch_answer *best = &answer->best_batch;
    char batch[COUNT_TEXT], low[COUNT_TEXT], high[COUNT_TEXT];
    if (best->batch_tokens < best->tried[0] || best->batch_tokens > best->tried[1])
        answer_warn(answer,
                    "the best batch, %s, lies beyond those that were trained, %s to %s: its LR is "
                    "extrapolated over the batch too",
                    format_count(batch, sizeof(batch), best->batch_tokens),
                    format_count(low, sizeof(low), best->tried[0]),
                    format_count(high, sizeof(high), best->tried[1]));
}

/* Fits at the best batch and at the ends of its interval. `at`: a copy of the campaign, whose
 * target is changed. */
static int fit_batches(struct campaign *at, struct answer *answer, struct lr_error *err)
{
    struct best_batch_answer best = answer->best_batch;
    uint64_t tokens = at->plan.target.tokens;
    int rc;
    for (int i = 0; i < 2; i++) {
        plan_set_target(&at->plan, tokens, whole_batch(&at->plan, best.ci90[i]));
        if ((rc = campaign_fit_for(at, NULL, tokens, at->plan.model.parametrization, answer, err)))
            return rc;
        best.lr[i] = answer->target.lr;
    }
    plan_set_target(&at->plan, tokens, whole_batch(&at->plan, best.batch_tokens));
    if ((rc = campaign_fit(at, answer, err)))
        return rc;
    answer->best_batch = best;
    widen(answer);
    warn_of_untried(answer);
    return 0;
}

int campaign_fit_best_batch(const struct campaign *campaign, struct answer *answer,
                            struct lr_error *err)
{
    const struct plan *plan = &campaign->plan;
    if (plan->axes.batch_tokens.count < 2)
        return lr_fail(
            err, LR_EPLAN,
            "--batch auto: the campaign trained one batch; the best one shows only where "
            "several were, by a list in training.batch_tokens");
    struct batch_loss *losses = lr_calloc(ANSWER_BASINS, sizeof(*losses));
    struct campaign *at = lr_calloc(1, sizeof(*at)); /* shares all but the target */
    int rc = losses && at ? campaign_fit(campaign, answer, err) : lr_nomem(err);
    if (rc)
        goto out;
    memcpy(at, campaign, sizeof(*at));
    size_t count = collect_losses(plan, answer, losses);
    if ((rc = best_batch_fit(&answer->best_batch, losses, count, plan->target.tokens, err)))
        goto out;
    if (answer->best_batch.known)
        rc = fit_batches(at, answer, err);
    else
        refuse_batch(answer, plan->target.tokens);
    answer->best_batch.asked = true;
out:
    lr_free(losses);
    lr_free(at);
    return rc;
}
