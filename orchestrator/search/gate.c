/* No answer may look surer than it is. Each rule here is a reason to give none; the first that
 * holds is told, together with what would mend it. */
#include "search/gate.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

/* An interval wider than this each way spans four octaves: at a curvature of .012 nats per octave^2
 * its ends cost .05, more than a careful guess would. */
#define WIDEST_FACTOR 4.0
#define WIDER 8.0 /* how far to widen a range whose edge is best: three octaves */

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

const char *tokens_text(double tokens, char out[TOKENS_TEXT])
{
    static const char *const suffixes[] = {"", "k", "M", "B", "T"};
    int thousands = 0;
    while (thousands < 4 && tokens >= 999.95) {
        tokens /= 1000;
        thousands++;
    }
    snprintf(out, TOKENS_TEXT, "%.4g%s", tokens, suffixes[thousands]);
    return out;
}

static bool nothing_seen(struct answer *answer, const struct survey *survey)
{
    const struct search_space *space = survey->space;
    uint32_t trials = 0, diverged = 0;
    for (size_t h = 0; h < survey->horizon_count; h++) {
        trials += survey->basins[h].trials;
        diverged += survey->basins[h].diverged;
    }
    if (trials == 0)
        return refuse(answer, "no trial has finished");
    if (diverged == trials)
        return refuse(answer,
                      "every trial diverged: the range [%.3g, %.3g] is too high; try search.lr: "
                      "[%.3g, %.3g]",
                      space->lr_low, space->lr_high, space->lr_low * 1e-4, space->lr_low * 1e-1);
    return false;
}

static bool edge_refused(struct answer *answer, const struct survey *survey)
{
    const struct horizon_answer *longest = &answer->horizons[survey->horizon_count - 1];
    const struct basin *basin = &survey->basins[survey->horizon_count - 1];
    const struct search_space *space = survey->space;
    double best = exp2(basin->points[basin->best].x), middle = sqrt(space->lr_low * space->lr_high);
    char tokens[TOKENS_TEXT];
    bool by_best = basin->at_edge || !isfinite(longest->lr_opt); /* or the vertex is outside */
    bool low = by_best ? best < middle : longest->lr_opt < best;
    return refuse(answer,
                  "at the longest horizon, %s tokens, the best learning rate (%.3g) lies at the %s "
                  "edge of what was tried: widen search.lr to [%.3g, %.3g]",
                  tokens_text((double)longest->tokens, tokens), best, low ? "lower" : "upper",
                  low ? space->lr_low / WIDER : space->lr_low,
                  low ? space->lr_high : space->lr_high * WIDER);
}

static bool longest_refused(struct answer *answer, const struct survey *survey)
{
    const struct horizon_answer *longest = &answer->horizons[survey->horizon_count - 1];
    const struct basin *basin = &survey->basins[survey->horizon_count - 1];
    char text[TOKENS_TEXT];
    const char *tokens = tokens_text((double)longest->tokens, text);
    if (longest->trials == 0)
        return refuse(answer, "no trial of the longest horizon, %s tokens, has ended with a loss",
                      tokens);
    if (longest->diverged == longest->trials)
        return refuse(
            answer,
            "every trial of the longest horizon, %s tokens, diverged: lower search.lr, to "
            "[%.3g, %.3g] say",
            tokens, survey->space->lr_low / WIDER, survey->space->lr_high / WIDER);
    if (basin->best < 0)
        return refuse(answer,
                      "at the longest horizon, %s tokens, some seed diverged at each learning rate "
                      "tried: lower search.lr, to [%.3g, %.3g] say",
                      tokens, survey->space->lr_low / WIDER, survey->space->lr_high / WIDER);
    if (longest->at_edge)
        return edge_refused(answer, survey);
    if (!isfinite(longest->lr_opt))
        return refuse(answer,
                      "the longest horizon, %s tokens, has too few losses for a parabola (three "
                      "learning rates at least)",
                      tokens);
    if (longest->flat)
        return refuse(answer,
                      "at the longest horizon, %s tokens, the basin is not deeper than the noise: "
                      "raise search.seeds, or widen search.lr",
                      tokens);
    return false;
}

static double widest(const double ci90[2], double lr)
{
    return fmax(ci90[1] / lr, lr / ci90[0]);
}

/* The shortest further horizon that would make the target's interval narrow enough, measured as
 * well as the longest so far; 0: none short of the target. */
static double horizon_needed(const struct answer *answer, const struct survey *survey,
                             const struct law *law)
{
    struct horizon_answer horizons[ANSWER_HORIZONS + 1];
    size_t count = survey->horizon_count;
    double target = (double)survey->space->target_tokens, ci90[2];
    for (size_t h = 0; h < count; h++)
        horizons[h] = answer->horizons[h];
    struct horizon_answer *further = &horizons[count];
    *further = horizons[count - 1];
    for (double tokens = (double)further->tokens * 2; tokens < target; tokens *= 1.25) {
        struct law longer;
        further->tokens = (uint64_t)tokens;
        further->lr_opt = law_predict(law, further->tokens, ci90);
        law_fit(&longer, horizons, count + 1, survey->space);
        double lr = law_predict(&longer, survey->space->target_tokens, ci90);
        if (widest(ci90, lr) <= WIDEST_FACTOR)
            return tokens;
    }
    return 0;
}

static bool target_refused(struct answer *answer, const struct survey *survey,
                           const struct law *law)
{
    const struct target_answer *target = &answer->target;
    double longest = (double)survey->space->horizons[survey->horizon_count - 1];
    double times = (double)target->tokens / longest, factor = widest(target->ci90, target->lr);
    char mend[96] = "measure the optimum more closely (search.seeds)", tokens[TOKENS_TEXT];
    char times_text[32];
    snprintf(times_text, sizeof(times_text), times < 10 ? "%.3g" : "%.0f", times);
    if (law->count < 2 && times > 1)
        return refuse(answer,
                      "only one horizon has a clear optimum: no law can be drawn to the target, "
                      "%s times as long; add search.horizons",
                      times_text);
    if (factor <= WIDEST_FACTOR)
        return false;
    double needed = times > 1 ? horizon_needed(answer, survey, law) : 0;
    if (needed > 0)
        snprintf(mend, sizeof(mend), "add a horizon of about %s tokens",
                 tokens_text(needed, tokens));
    return refuse(answer,
                  "extrapolation refused: the target is %s times as long as the longest horizon, "
                  "and its 90 %% interval reaches a factor %.1f from the answer (at most %.0f): %s",
                  times_text, factor, WIDEST_FACTOR, mend);
}

void gate_decide(struct answer *answer, const struct survey *survey, const struct law *law)
{
    answer->status = ANSWER_IDENTIFIED;
    answer->reason[0] = 0;
    if (nothing_seen(answer, survey) || longest_refused(answer, survey))
        return;
    target_refused(answer, survey, law);
}
