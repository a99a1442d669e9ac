/* Reasons to refuse an answer, so that none looks more certain than it is. The first that applies
 * goes into `reason`, with a remedy. */
#include "search/accept.h"

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include "lrsearch/count.h"
#include "lrsearch/memory.h"
#include "search/posterior.h"

#define UNKNOWN 0.6931    /* standard error of ln lr: a factor 2 */
#define TYPICAL_ERROR 0.2 /* of ln lr, if none is known */
#define WIDER 8.0         /* factor by which to widen a range whose edge is best: three octaves */

__attribute__((format(printf, 2, 3))) static bool refuse(struct answer *answer, const char *format,
                                                         ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(answer->reason, sizeof(answer->reason), format, args);
    va_end(args);
    answer->status = ANSWER_NOT_IDENTIFIED;
    return true;
}

bool horizon_counts(const struct horizon_answer *horizon)
{
    return isfinite(horizon->lr_opt) && !horizon->at_edge && horizon->se_ln_lr <= UNKNOWN;
}

static bool nothing_trained(struct answer *answer, const struct search_space *space,
                            uint32_t trials, uint32_t diverged)
{
    if (trials == 0)
        return refuse(answer, "no trial has finished");
    if (diverged == trials)
        return refuse(answer,
                      "every trial diverged: the range [%.3g, %.3g] is too high; try search.lr: "
                      "[%.3g, %.3g]",
                      space->lr_low, space->lr_high, space->lr_low * 1e-4, space->lr_low * 1e-1);
    return false;
}

static bool nothing_seen(struct answer *answer, const struct observations *obs)
{
    uint32_t trials = 0, diverged = 0;
    for (size_t h = 0; h < obs->horizon_count; h++) {
        if (obs->basins[h].optimum)
            return false;
        trials += obs->basins[h].trials;
        diverged += obs->basins[h].diverged;
    }
    return nothing_trained(answer, obs->space, trials, diverged);
}

static bool edge_refused(struct answer *answer, const struct observations *obs, size_t h)
{
    const struct horizon_answer *horizon = &answer->horizons[h];
    const struct search_space *space = obs->space;
    const struct basin *basin = &obs->basins[h];
    double best = exp2(basin->points[basin->best].x);
    bool below = false, above = false; /* something was tried there */
    for (size_t i = 0; i < basin->count; i++) {
        bool tells = basin->points[i].losses + basin->points[i].diverged > 0;
        below |= tells && (int)i < basin->best;
        above |= tells && (int)i > basin->best;
    }
    bool low = below == above ? best < sqrt(space->lr_low * space->lr_high) : above;
    char tokens[COUNT_TEXT];
    return refuse(answer,
                  "at the longest horizon tried, %s tokens, the best learning rate (%.3g) lies at "
                  "the %s edge of what was tried: widen search.lr to [%.3g, %.3g]",
                  format_count(tokens, sizeof(tokens), (double)horizon->tokens), best,
                  low ? "lower" : "upper", low ? space->lr_low / WIDER : space->lr_low,
                  low ? space->lr_high : space->lr_high * WIDER);
}

/* A policy need not try every horizon; the longest one tried has the most influence on the
 * target. */
static bool longest_refused(struct answer *answer, const struct observations *obs)
{
    size_t h = obs->horizon_count - 1;
    while (h > 0 && obs->basins[h].trials == 0 && !obs->basins[h].optimum)
        h--;
    const struct horizon_answer *longest = &answer->horizons[h];
    char text[COUNT_TEXT];
    const char *tokens = format_count(text, sizeof(text), (double)longest->tokens);
    if (obs->basins[h].optimum)
        return false;
    if (longest->diverged == longest->trials)
        return refuse(
            answer,
            "every trial of the longest horizon tried, %s tokens, diverged: lower search.lr, to "
            "[%.3g, %.3g] say",
            tokens, obs->space->lr_low / WIDER, obs->space->lr_high / WIDER);
    if (obs->basins[h].best < 0)
        return refuse(answer,
                      "at the longest horizon tried, %s tokens, some seed diverged at each "
                      "learning rate: lower search.lr, to [%.3g, %.3g] say",
                      tokens, obs->space->lr_low / WIDER, obs->space->lr_high / WIDER);
    if (longest->at_edge)
        return edge_refused(answer, obs, h);
    if (!(longest->se_ln_lr <= UNKNOWN))
        return refuse(answer,
                      "at the longest horizon tried, %s tokens, the basin is not deeper than the "
                      "noise: raise search.seeds, or widen search.lr",
                      tokens);
    return false;
}

/* Other sweeps give a prior of a basin's shape, but the data must show that there is a minimum. */
static bool no_basin_refused(struct answer *answer, const struct observations *obs)
{
    const struct search_space *space = obs->space;
    for (size_t h = 0; h < obs->horizon_count; h++) {
        const struct basin *basin = &obs->basins[h];
        if (basin->optimum || (basin->best >= 0 && !basin->at_edge))
            return false;
    }
    return refuse(answer,
                  "at no horizon does the best learning rate lie between two others, so that "
                  "nothing shows a minimum: try more than the range [%.3g, %.3g] has, or widen it",
                  space->lr_low, space->lr_high);
}

static double widest(const double ci90[2], double lr)
{
    return fmax(ci90[1] / lr, lr / ci90[0]);
}

/* *factor: reach of the target's interval if a further horizon of `tokens` had its optimum known as
 * well as the longest one's; INFINITY: there is no room for one. 0 or LR_ENOMEM. */
static int widest_with(const struct answer *answer, const struct observations *obs, uint64_t tokens,
                       double *factor)
{
    const struct horizon_answer *last = &answer->horizons[obs->horizon_count - 1];
    struct search_space space = *obs->space;
    uint64_t horizons[ANSWER_HORIZONS];
    struct observations *with = NULL;
    struct posterior *posterior = NULL;
    int rc = LR_ENOMEM;
    *factor = INFINITY;
    if (obs->horizon_count == ANSWER_HORIZONS)
        return 0;
    memcpy(horizons, space.horizons, obs->horizon_count * sizeof(*horizons));
    horizons[obs->horizon_count] = tokens;
    space.horizons = horizons;
    space.horizon_count = obs->horizon_count + 1;
    struct observation *seen = lr_calloc(obs->count + 1, sizeof(*seen));
    if (!seen)
        goto out;
    memcpy(seen, obs->seen, obs->count * sizeof(*seen));
    seen[obs->count] = (struct observation){
        .tokens = tokens,
        .kind = OBSERVED_OPTIMUM,
        .lr = exp(answer->law.b - answer->law.beta * log((double)tokens)),
        .loss = isfinite(last->se_ln_lr) ? last->se_ln_lr : TYPICAL_ERROR,
    };
    if (!(with = observations_create(&space, seen, obs->count + 1)))
        goto out;
    if (!(posterior = posterior_create(with, with->horizon_count, space.target_tokens)))
        goto out;
    struct spread target = posterior_spread(posterior, offsetof(struct sample, target));
    const double ci90[2] = {exp2(target.ci90[0]), exp2(target.ci90[1])};
    *factor = widest(ci90, exp2(target.mean));
    rc = 0;
out:
    lr_free(posterior);
    observations_destroy(with);
    lr_free(seen);
    return rc;
}

/* *needed: the shortest further horizon, by doubling, that would make the target's interval narrow
 * enough; 0: none shorter than the target. Returns 0 or LR_ENOMEM. */
static int horizon_needed(const struct answer *answer, const struct observations *obs,
                          uint64_t *needed)
{
    *needed = 0;
    for (uint64_t tokens = obs->space->horizons[obs->horizon_count - 1] * 2;
         tokens < obs->space->target_tokens; tokens *= 2) {
        double factor;
        if (widest_with(answer, obs, tokens, &factor))
            return LR_ENOMEM;
        if (factor <= ACCEPT_WIDEST) {
            *needed = tokens;
            return 0;
        }
    }
    return 0;
}

static int target_decide(struct answer *answer, const struct observations *obs)
{
    const struct target_answer *target = &answer->target;
    double longest = (double)obs->space->horizons[obs->horizon_count - 1];
    double times = (double)target->tokens / longest, factor = widest(target->ci90, target->lr);
    char mend[96] = "measure the optimum more closely (search.seeds, search.min_gain)";
    char times_text[32], tokens[COUNT_TEXT];
    size_t known = 0;
    uint64_t needed = 0;
    for (size_t h = 0; h < answer->horizon_count; h++)
        known += horizon_counts(&answer->horizons[h]);
    snprintf(times_text, sizeof(times_text), times < 10 ? "%.3g" : "%.0f", times);
    if (known < 2 && times > 1) {
        refuse(answer,
               "only one horizon has a clear optimum: no law can be drawn to the target, %s times "
               "as long; add search.horizons",
               times_text);
        return 0;
    }
    if (factor <= ACCEPT_WIDEST)
        return 0;
    int rc = times > 1 ? horizon_needed(answer, obs, &needed) : 0;
    if (rc)
        return rc;
    if (needed > 0)
        snprintf(mend, sizeof(mend), "add a horizon of about %s tokens",
                 format_count(tokens, sizeof(tokens), (double)needed));
    refuse(answer,
           "extrapolation refused: the target is %s times as long as the longest horizon, and its "
           "90 %% interval reaches a factor %.1f from the answer (at most %.0f): %s",
           times_text, factor, ACCEPT_WIDEST, mend);
    return 0;
}

int accept_decide(struct answer *answer, const struct observations *obs)
{
    answer->status = ANSWER_IDENTIFIED;
    answer->reason[0] = 0;
    if (nothing_seen(answer, obs) || longest_refused(answer, obs) || no_basin_refused(answer, obs))
        return 0;
    return target_decide(answer, obs);
}

/* ---- many cells ---- */

static bool shows_minimum(const struct answer *answer)
{
    for (size_t i = 0; i < answer->basin_count; i++) {
        const struct horizon_answer *horizon = &answer->basins[i].horizon;
        if (horizon->trials - horizon->diverged > 2 && !horizon->at_edge &&
            isfinite(horizon->lr_opt))
            return true;
    }
    return false;
}

static void decide_cells_target(struct answer *answer, const struct posterior *posterior)
{
    double factor = widest(answer->target.ci90, answer->target.lr);
    uint64_t longest = posterior->data->space->horizons[posterior->data->space->horizon_count - 1];
    char times[64] = "", *mend = "search.min_gain, search.seeds";
    if (answer->target.tokens > longest) {
        snprintf(times, sizeof(times), "%.3g times as long as the longest horizon",
                 (double)answer->target.tokens / (double)longest);
        mend = "a longer horizon, search.min_gain, search.seeds";
    } else {
        snprintf(times, sizeof(times), "within the horizons");
    }
    if (!(factor <= ACCEPT_WIDEST))
        refuse(answer,
               "the target, %s%s, is not known well enough: the 90 %% interval reaches a factor "
               "%.1f from the answer (at most %.0f): measure more, or nearer to it (%s)",
               times, target_cell(posterior->data->space) < 0 ? " and none of the cells" : "",
               factor, ACCEPT_WIDEST, mend);
}

void accept_decide_cells(struct answer *answer, const struct posterior *posterior)
{
    const struct search_space *space = posterior->data->space;
    uint32_t trials = 0, diverged = 0;
    for (size_t b = 0; b < posterior->data->basin_count; b++) {
        trials += posterior->data->basins[b].trials;
        diverged += posterior->data->basins[b].diverged;
    }
    answer->status = ANSWER_IDENTIFIED;
    answer->reason[0] = 0;
    if (nothing_trained(answer, space, trials, diverged))
        return;
    if (!shows_minimum(answer))
        refuse(answer,
               "in no cell does the best learning rate lie between two others, so that nothing "
               "shows a minimum: try more than the range [%.3g, %.3g] has, or widen it",
               space->lr_low, space->lr_high);
    else
        decide_cells_target(answer, posterior);
}
