/* The loss over the log of the batch is a basin, whose vertex follows a power law over the tokens:
 * the model of the LR (docs/search-model.md) holds with the batch in the LR's place. So
 * best_batch_fit() is a search's answer over batches: shapes that are steeper to one side, noise
 * beside the known errors of the losses, and a random effect of each horizon. Only the prior of the
 * exponent differs. */
#include "search/laws/best_batch.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lrsearch/count.h"
#include "lrsearch/memory.h"
#include "search/flat.h"
#include "search/search_answer.h"

/* Best batch ~ tokens^exponent: Power Lines .38 (arXiv 2505.13738), nanochat .383, Scion .45 (arXiv
 * 2510.03871), Step Law .571 (arXiv 2503.04715). Student with 3 degrees of freedom: center and
 * scale that have all four within about one scale. */
#define EXPONENT 0.45
#define EXPONENT_SCALE 0.12

__attribute__((format(printf, 2, 3))) static void refuse(struct best_batch_answer *best,
                                                         const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(best->reason, sizeof(best->reason), format, args);
    va_end(args);
    best->known = false;
}

/* ---- the losses ---- */

static int by_tokens(const void *left, const void *right)
{
    const struct observation *a = left, *b = right;
    return (a->tokens > b->tokens) - (a->tokens < b->tokens);
}

/* The losses as observations, in the order of their tokens; returns their number. */
static size_t observe(struct observation *seen, const struct batch_loss *losses, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (isfinite(losses[i].loss) && isfinite(losses[i].se) && losses[i].batch_tokens > 0)
            seen[kept++] = (struct observation){
                .tokens = losses[i].tokens,
                .lr = losses[i].batch_tokens,
                .kind = OBSERVED_LOSS,
                .loss = losses[i].loss,
                .loss_se = losses[i].se,
            };
    qsort(seen, kept, sizeof(*seen), by_tokens);
    return kept;
}

static size_t different_batches(const struct observation *seen, size_t count)
{
    size_t different = 0;
    for (size_t i = 0; i < count; i++) {
        size_t earlier = 0;
        while (earlier < i && (seen[earlier].lr < seen[i].lr || seen[earlier].lr > seen[i].lr))
            earlier++;
        different += earlier == i;
    }
    return different;
}

/* Fills the space of a search over batches: horizons, and the range that was tried. */
static void fill_space(struct search_space *space, uint64_t horizons[ANSWER_HORIZONS],
                       const struct observation *seen, size_t count, uint64_t tokens)
{
    *space = (struct search_space){
        .lr_low = INFINITY,
        .horizons = horizons,
        .seeds = 1,
        .resolution = 1,
        .precision = 1,
        .target_tokens = tokens,
        .seed = 1,
        .prior_beta = -EXPONENT,
        .prior_beta_sd = EXPONENT_SCALE,
    };
    for (int r = 0; r < RATIO_COUNT; r++)
        space->ratios[r] = (struct ratio_range){1, 1};
    for (size_t i = 0; i < count; i++) {
        space->lr_low = fmin(space->lr_low, seen[i].lr);
        space->lr_high = fmax(space->lr_high, seen[i].lr);
        if (space->horizon_count > 0 && horizons[space->horizon_count - 1] == seen[i].tokens)
            continue;
        if (space->horizon_count == ANSWER_HORIZONS)
            memmove(horizons, horizons + 1, --space->horizon_count * sizeof(*horizons));
        horizons[space->horizon_count++] = seen[i].tokens;
    }
}

/* ---- the answer ---- */

static void fill(struct best_batch_answer *best, const struct answer *fit)
{
    best->batch_tokens = fit->target.lr;
    best->exponent = -fit->law.beta;
    best->prior_weight = fit->law.prior_weight;
    for (int i = 0; i < 2; i++) {
        best->ci90[i] = fit->target.ci90[i];
        best->exponent_ci90[i] = -fit->law.beta_ci90[1 - i];
    }
    for (size_t h = 0; h < fit->horizon_count; h++) {
        const struct horizon_answer *horizon = &fit->horizons[h];
        best->horizons[best->horizon_count++] = (struct best_batch_horizon){
            .tokens = horizon->tokens,
            .batch_tokens = horizon->lr_opt,
            .ci90 = {horizon->ci90[0], horizon->ci90[1]},
            .batches = horizon->trials,
            .at_edge = horizon->at_edge,
        };
    }
}

/* Why the search refused the fit: its rules, in the words of batches. */
static void refuse_fit(struct best_batch_answer *best, const struct answer *fit)
{
    char tokens[COUNT_TEXT], batch[COUNT_TEXT];
    const struct horizon_answer *longest = NULL;
    for (size_t h = 0; h < fit->horizon_count; h++)
        if (isfinite(fit->horizons[h].lr_opt))
            longest = &fit->horizons[h];
    double factor =
        fmax(fit->target.ci90[1] / fit->target.lr, fit->target.lr / fit->target.ci90[0]);
    if (fit->target.no_basin > FLAT_MOST) {
        refuse(best,
               "the losses do not show that the batch matters (probability that it does not: "
               "%.0f %%): more seeds, or batches further apart, could show it",
               100 * fit->target.no_basin);
        return;
    }
    format_count(tokens, sizeof(tokens), longest ? (double)longest->tokens : NAN);
    bool shown = longest && longest->trials >= BEST_BATCH_LEAST; /* two have no lowest between */
    bool low = shown && longest->lowest_lr <= best->tried[0],
         high = shown && longest->lowest_lr >= best->tried[1];
    if (longest && (longest->at_edge || low || high)) {
        low = low || (!high && longest->lr_opt < longest->lowest_lr);
        refuse(best,
               "at %s tokens, the longest horizon, the loss still falls towards the %s batch "
               "tried, %s: try %s ones",
               tokens, low ? "smallest" : "largest",
               format_count(batch, sizeof(batch), best->tried[low ? 0 : 1]),
               low ? "smaller" : "larger");
    } else if (factor > ACCEPT_WIDEST) {
        refuse(best,
               "its 90 %% interval reaches a factor %.1f from %s (at most %.0f): more batches near "
               "the best one, or a longer horizon, would narrow it",
               factor, format_count(batch, sizeof(batch), fit->target.lr), ACCEPT_WIDEST);
    } else if (longest) {
        refuse(best,
               "at %s tokens, the longest horizon with several, the losses of %" PRIu32
               " batches do not show the best one clearly enough: train more batches, or more "
               "seeds, there",
               tokens, longest->trials);
    } else {
        refuse(best, "at no horizon have two batches a fitted best learning rate");
    }
}

int best_batch_fit(struct best_batch_answer *best, const struct batch_loss *losses, size_t count,
                   uint64_t tokens, struct lr_error *err)
{
    uint64_t horizons[ANSWER_HORIZONS];
    struct search_space space;
    int rc = 0;
    memset(best, 0, sizeof(*best));
    best->batch_tokens = best->ci90[0] = best->ci90[1] = best->lr[0] = best->lr[1] = NAN;
    best->exponent = best->exponent_ci90[0] = best->exponent_ci90[1] = best->prior_weight = NAN;
    best->tried[0] = best->tried[1] = NAN;
    struct observation *seen = lr_calloc(count + 1, sizeof(*seen));
    struct answer *fit = lr_calloc(1, sizeof(*fit));
    if (!seen || !fit) {
        rc = lr_nomem(err);
        goto out;
    }
    count = observe(seen, losses, count);
    size_t batches = different_batches(seen, count);
    if (batches < BEST_BATCH_LEAST) {
        refuse(best,
               "%zu batch%s with a fitted best learning rate cannot show a lowest loss; %d can",
               batches, batches == 1 ? "" : "es", BEST_BATCH_LEAST);
        goto out;
    }
    fill_space(&space, horizons, seen, count, tokens);
    best->tried[0] = space.lr_low;
    best->tried[1] = space.lr_high;
    if ((rc = search_answer(fit, &space, seen, count, err)))
        goto out;
    fill(best, fit);
    best->known = fit->status == ANSWER_IDENTIFIED;
    if (!best->known)
        refuse_fit(best, fit);
out:
    lr_free(fit);
    lr_free(seen);
    return rc;
}
