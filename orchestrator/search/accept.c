/* Reasons to refuse an answer, so that none looks more certain than it is. The first that applies
 * goes into `reason`, with a remedy that is also the answer's advice. */
#include "search/accept.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "lrsearch/count.h"
#include "search/flat.h"
#include "search/search_answer.h"

#define UNKNOWN 0.6931    /* standard error of ln lr: a factor 2 */
#define WIDER 8.0         /* factor by which to widen a range whose edge is best: three octaves */
#define LR_HIGHEST 100.0  /* that search.lr may have */
#define RATIO_HIGHEST 1e4 /* that a ratio may have, */
#define DECAY_HIGHEST 1e1 /* and search.weight_decay */
#define WITHIN 0.5        /* octaves from an end of the range to what lies within it */
#define LOWER_GAIN 4.0    /* factor by which to lower search.min_gain */
#define TYPICAL_ERROR 0.3 /* octaves: error of a further horizon's optimum, misfit included */

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

/* Sets the advice to search other LRs, as far as a plan takes them. */
static void advise_range(struct answer *answer, double low, double high)
{
    answer->advice =
        (struct advice_answer){.kind = ADVICE_RANGE, .lr = {low, fmin(high, LR_HIGHEST)}};
}

/* A bound that is none of the user's own, as one would write it. */
static double two_digits(double lr)
{
    char text[32];
    snprintf(text, sizeof(text), "%.2g", lr);
    return strtod(text, NULL);
}

static bool nothing_trained(struct answer *answer, const struct search_space *space,
                            uint32_t trials, uint32_t diverged)
{
    if (trials == 0)
        return refuse(answer, "no trial has finished");
    if (diverged == trials) {
        advise_range(answer, two_digits(space->lr_low * 1e-4), two_digits(space->lr_low * 1e-1));
        return refuse(answer,
                      "every trial diverged: the range [%.3g, %.3g] is too high; try search.lr: "
                      "[%.3g, %.3g]",
                      space->lr_low, space->lr_high, answer->advice.lr[0], answer->advice.lr[1]);
    }
    return false;
}

/* The longest horizon of the nearest cell with an optimum, or where nothing trained: it has the
 * most influence on the target. One loss alone shows no optimum and denies none. NULL: none. */
static const struct horizon_answer *longest_tried(const struct answer *answer)
{
    for (size_t h = answer->horizon_count; h-- > 0;) {
        const struct horizon_answer *horizon = &answer->horizons[h];
        bool trained = isfinite(horizon->lowest_loss);
        if (isfinite(horizon->lr_opt) || (horizon->trials > 0 && !trained))
            return horizon;
    }
    return NULL;
}

/* The lowest loss of the nearest cell at a horizon: -1, below all other LRs that trained; 1, above
 * them; 0, between. */
static int end_of_lowest(const struct answer *answer, const struct posterior *posterior,
                         const struct horizon_answer *horizon)
{
    size_t b = answer->nearest * answer->horizon_count + (size_t)(horizon - answer->horizons);
    const struct cell_basin *basin = &posterior->data->basins[b];
    const struct cell_point *best = cell_basin_best(basin);
    bool below = false, above = false; /* others are */
    for (size_t i = 0; best && i < basin->losses; i++) {
        below = below || basin->points[i].x[0] < best->x[0] - 1e-6;
        above = above || basin->points[i].x[0] > best->x[0] + 1e-6;
    }
    return below - above;
}

/* Sets the advice to go on where no trial was worth its tokens. */
static void advise_min_gain(struct answer *answer, const struct search_space *space)
{
    answer->advice = (struct advice_answer){.kind = ADVICE_MIN_GAIN,
                                            .min_gain = two_digits(space->min_gain / LOWER_GAIN)};
}

/* Octaves from an end of the range to the nearest LR that trained at a horizon of the nearest
 * cell. */
static double octaves_to_end(const struct answer *answer, const struct posterior *posterior,
                             const struct horizon_answer *horizon, double end)
{
    size_t b = answer->nearest * answer->horizon_count + (size_t)(horizon - answer->horizons);
    const struct cell_basin *basin = &posterior->data->basins[b];
    double nearest = INFINITY;
    for (size_t i = 0; i < basin->losses; i++)
        nearest = fmin(nearest, fabs(basin->points[i].x[0] - log2(end)));
    return nearest;
}

/* The optimum seems to lie below or above all that trained; `lowest`: the lowest loss is there. */
static bool edge_refused(struct answer *answer, const struct posterior *posterior,
                         const struct horizon_answer *horizon, bool low, bool lowest)
{
    char tokens[COUNT_TEXT], mend[128];
    const struct search_space *space = &posterior->data->space;
    double end = low ? space->lr_low : space->lr_high;
    bool within = octaves_to_end(answer, posterior, horizon, end) > WITHIN;
    if (within && space->min_gain > 0) {
        advise_min_gain(answer, space);
        snprintf(mend, sizeof(mend),
                 "search.lr goes on to %.3g, and nothing else was worth its tokens; lower "
                 "search.min_gain to %.3g",
                 end, answer->advice.min_gain);
    } else if (within) {
        snprintf(mend, sizeof(mend), "try learning rates from there on to %.3g", end);
    } else {
        advise_range(answer, low ? end / WIDER : space->lr_low, low ? space->lr_high : end * WIDER);
        snprintf(mend, sizeof(mend), "widen search.lr to [%.3g, %.3g]", answer->advice.lr[0],
                 answer->advice.lr[1]);
    }
    format_count(tokens, sizeof(tokens), (double)horizon->tokens);
    if (!lowest)
        return refuse(answer,
                      "at %s tokens, the longest horizon tried, the optimum seems to lie %s "
                      "all learning rates that trained: %s",
                      tokens, low ? "below" : "above", mend);
    return refuse(
        answer,
        "at %s tokens, the longest horizon tried, the lowest loss (at learning rate %.3g) "
        "lies at the %s edge of what trained, and the optimum seems to lie beyond: %s",
        tokens, horizon->lowest_lr, low ? "lower" : "upper", mend);
}

static bool flat_refused(struct answer *answer, uint32_t seeds)
{
    answer->advice =
        (struct advice_answer){.kind = ADVICE_SEEDS, .seeds = seeds < 16 ? 2 * seeds : 32};
    return refuse(answer,
                  "the losses do not show that the learning rate matters within the range tried "
                  "(probability that it does not: %.0f %%): raise search.seeds to %u, or widen "
                  "search.lr",
                  100 * answer->target.no_basin, answer->advice.seeds);
}

static bool longest_refused(struct answer *answer, const struct posterior *posterior)
{
    const struct search_space *space = &posterior->data->space;
    const struct horizon_answer *longest = longest_tried(answer);
    char text[COUNT_TEXT];
    if (!longest)
        return refuse(answer, "no trial has finished in the model nearest to the target");
    const char *tokens = format_count(text, sizeof(text), (double)longest->tokens);
    if (longest->trials > 0 && !isfinite(longest->lowest_loss)) {
        advise_range(answer, space->lr_low / WIDER, space->lr_high / WIDER);
        return refuse(
            answer,
            "at %s tokens, the longest horizon tried, no learning rate trained with every "
            "seed: lower search.lr, to [%.3g, %.3g] say",
            tokens, answer->advice.lr[0], answer->advice.lr[1]);
    }
    int end = end_of_lowest(answer, posterior, longest);
    bool unknown = !(longest->se_ln_lr <= UNKNOWN);
    if (end == 0 && longest->at_edge)
        return edge_refused(answer, posterior, longest, longest->lr_opt < longest->lowest_lr,
                            false);
    if (end != 0 && (longest->at_edge || unknown)) /* the mean of an uncertain optimum misleads */
        return edge_refused(answer, posterior, longest, end < 0, true);
    if (unknown) {
        answer->advice = (struct advice_answer){.kind = ADVICE_SEEDS,
                                                .seeds = space->seeds < 16 ? 2 * space->seeds : 32};
        return refuse(answer,
                      "at %s tokens, the longest horizon tried, the losses do not tell the optimum "
                      "within a factor 2: raise search.seeds to %u, or lower search.min_gain",
                      tokens, answer->advice.seeds);
    }
    return false;
}

/* Other sweeps give a prior of a basin's shape, but the data must show that there is a minimum: at
 * some horizon of some cell a loss lies below others on both sides. */
static bool shows_minimum(const struct posterior *posterior)
{
    for (size_t b = 0; b < posterior->data->basin_count; b++) {
        const struct cell_basin *basin = &posterior->data->basins[b];
        struct tried_sides tried = cell_basin_tried(basin);
        if ((tried.below && tried.above) || basin->optimum)
            return true;
    }
    return false;
}

/* The shortest further horizon, by doubling, that would make the target's interval narrow enough if
 * its optimum became known as well as usual; 0: none shorter than the target. Least squares on the
 * law alone: the reach falls as the lever grows. */
static uint64_t horizon_needed(const struct answer *answer, double octaves)
{
    uint64_t longest = answer->horizons[answer->horizon_count - 1].tokens;
    for (uint64_t tokens = 2 * longest; tokens < answer->target.tokens; tokens *= 2) {
        double left = log2((double)answer->target.tokens / (double)tokens);
        double all = log2((double)answer->target.tokens / (double)longest);
        double reach = hypot(Z90 * TYPICAL_ERROR, octaves * left / fmax(all, 1e-9));
        if (reach <= log2(ACCEPT_WIDEST))
            return tokens;
    }
    return 0;
}

static bool target_refused(struct answer *answer, const struct posterior *posterior)
{
    const struct search_space *space = &posterior->data->space;
    const struct target_answer *target = &answer->target;
    double times = (double)target->tokens / (double)space->horizons[space->horizon_count - 1];
    double octaves = fmax(log2(target->ci90[1] / target->lr), log2(target->lr / target->ci90[0]));
    char mend[96] = "raise search.seeds", tokens[COUNT_TEXT];
    if (exp2(octaves) <= ACCEPT_WIDEST)
        return false;
    uint64_t needed = times > 1 ? horizon_needed(answer, octaves) : 0;
    if (needed > 0) {
        answer->advice = (struct advice_answer){.kind = ADVICE_HORIZON, .tokens = needed};
        snprintf(mend, sizeof(mend), "add a horizon of about %s tokens",
                 format_count(tokens, sizeof(tokens), (double)needed));
    } else if (space->min_gain > 0) {
        advise_min_gain(answer, space);
        snprintf(mend, sizeof(mend), "lower search.min_gain to %.3g, or raise search.seeds",
                 answer->advice.min_gain);
    }
    return refuse(
        answer,
        "the target is not known well enough: it is %.3g times as long as the longest "
        "horizon%s, and the 90 %% interval reaches a factor %.1f from the answer (at most "
        "%.0f): %s",
        times, target_cell(space) < 0 ? " and none of the models tried" : "", exp2(octaves),
        ACCEPT_WIDEST, mend);
}

/* Sets the advice to search the first ratio further whose best value lies beyond its range, as far
 * as a plan takes it. */
static void advise_ratio(struct answer *answer, const struct search_space *space)
{
    for (enum answer_ratio r = 0; r < RATIO_COUNT; r++) {
        const struct ratio_answer *ratio = &answer->ratios[r];
        const struct ratio_range *range = &space->ratios[r];
        double most = r == RATIO_DECAY ? DECAY_HIGHEST : RATIO_HIGHEST;
        bool low = ratio->optimum < ratio->value;
        if (!ratio->beyond || (!low && range->high >= most))
            continue;
        answer->advice =
            (struct advice_answer){.kind = ADVICE_RATIO,
                                   .ratio = r,
                                   .range = {low ? range->low / WIDER : range->low,
                                             low ? range->high : fmin(range->high * WIDER, most)}};
        return;
    }
}

void accept_decide(struct answer *answer, const struct posterior *posterior)
{
    const struct search_space *space = &posterior->data->space;
    uint32_t trials = 0, diverged = 0;
    bool imported = false;
    for (size_t b = 0; b < posterior->data->basin_count; b++) {
        trials += posterior->data->basins[b].trials;
        diverged += posterior->data->basins[b].diverged;
        imported = imported || posterior->data->basins[b].optimum;
    }
    answer->status = ANSWER_IDENTIFIED;
    answer->reason[0] = 0;
    if (!imported && nothing_trained(answer, space, trials, diverged))
        return;
    if (!imported && !shows_minimum(posterior)) {
        if (!longest_refused(answer, posterior))
            refuse(answer,
                   "nowhere does the best learning rate lie between two others, so that nothing "
                   "shows a minimum: try more than the range [%.3g, %.3g] has, or widen it",
                   space->lr_low, space->lr_high);
        return;
    }
    if (longest_refused(answer, posterior))
        return;
    if (!imported && answer->target.no_basin > FLAT_MOST) {
        flat_refused(answer, space->seeds);
        return;
    }
    if (!target_refused(answer, posterior))
        advise_ratio(answer, space);
}
