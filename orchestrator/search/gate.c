/* No answer may look surer than it is: every rule here is a reason to say so. */
#include "search/gate.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

/* An interval wider than this each way spans four octaves: at a curvature of .012 nats per octave^2
 * its ends cost .05, more than a careful guess would. */
#define WIDEST_FACTOR 4.0

__attribute__((format(printf, 2, 3))) static void refuse(struct answer *answer, const char *format,
                                                         ...)
{
    if (answer->status == ANSWER_NOT_IDENTIFIED)
        return; /* the first reason stands */
    va_list args;
    va_start(args, format);
    vsnprintf(answer->reason, sizeof(answer->reason), format, args);
    va_end(args);
    answer->status = ANSWER_NOT_IDENTIFIED;
}

static void judge_longest(struct answer *answer, const struct basin *basin,
                          const struct search_space *space)
{
    const struct horizon_answer *longest = &answer->horizons[answer->horizon_count - 1];
    if (basin->best < 0) {
        refuse(answer, "the longest horizon has no trial with a loss");
    } else if (longest->at_edge) {
        double best = exp2(basin->points[basin->best].x);
        bool low = basin->best == 0 || (basin->fit_count && basin->b > 0);
        refuse(
            answer,
            "at the longest horizon the best learning rate, %.3g, lies at the %s edge of what was "
            "tried: widen search.lr to [%.3g, %.3g]",
            best, low ? "lower" : "upper", low ? space->lr_low / 8 : space->lr_low,
            low ? space->lr_high : space->lr_high * 8);
    } else if (!isfinite(longest->lr_opt)) {
        refuse(answer, "the longest horizon has too few losses for a parabola");
    } else if (longest->flat) {
        refuse(answer,
               "at the longest horizon the basin is not deeper than the noise: widen search.lr, or "
               "raise search.seeds");
    }
}

void gate_decide(struct answer *answer, const struct basin *basins, const struct law *law,
                 const struct search_space *space)
{
    uint32_t trials = 0, diverged = 0;
    size_t last = answer->horizon_count - 1;
    answer->status = ANSWER_IDENTIFIED;
    answer->reason[0] = 0;
    for (size_t h = 0; h < answer->horizon_count; h++) {
        trials += answer->horizons[h].trials;
        diverged += answer->horizons[h].diverged;
    }
    if (trials == 0)
        refuse(answer, "no trial has finished");
    else if (diverged == trials)
        refuse(answer,
               "every trial diverged: the range [%.3g, %.3g] is too high; try search.lr: "
               "[%.3g, %.3g]",
               space->lr_low, space->lr_high, space->lr_low * 1e-4, space->lr_low * 1e-1);
    judge_longest(answer, &basins[last], space);
    if (law->count < 2 && space->target_tokens > space->horizons[last])
        refuse(answer, "only %zu horizon%s a clear optimum: no law can be fitted", law->count,
               law->count == 1 ? " has" : "s have");
    double factor = answer->target.ci90[1] / answer->target.lr;
    if (!(factor <= WIDEST_FACTOR))
        refuse(answer,
               "extrapolation refused: the target is %.0f times the longest horizon, and its 90 %% "
               "interval a factor %.1f each way (at most %.0f): add a longer horizon",
               (double)space->target_tokens / (double)space->horizons[last], factor, WIDEST_FACTOR);
}

static void warn_horizon(struct answer *answer, const struct basin *basin,
                         const struct horizon_answer *horizon)
{
    double millions = (double)horizon->tokens / 1e6;
    if (basin->best < 0)
        return;
    if (horizon->at_edge)
        answer_warn(answer,
                    "horizon %.3gM: the best learning rate lies at the edge of what was tried",
                    millions);
    else if (horizon->flat)
        answer_warn(answer, "horizon %.3gM: the basin is not deeper than the noise", millions);
    size_t right = (size_t)basin->best + 1;
    if (right < basin->count && basin->points[right].diverged)
        answer_warn(answer,
                    "horizon %.3gM: the trial next above the best diverged: the cliff is near",
                    millions);
}

void gate_warn(struct answer *answer, const struct basin *basins, const struct law *law,
               const struct search_space *space)
{
    const struct law_answer *shown = &answer->law;
    for (size_t h = 0; h < answer->horizon_count; h++)
        warn_horizon(answer, &basins[h], &answer->horizons[h]);
    if (law->count >= 2 && !(shown->beta_ci90[0] > 0))
        answer_warn(answer,
                    "the data do not say that the optimum falls with the horizon (beta %.2f, 90 %% "
                    "interval %.2f to %.2f)",
                    shown->beta, shown->beta_ci90[0], shown->beta_ci90[1]);
    if (law->count >= 1 && shown->prior_weight > 0.5)
        answer_warn(answer,
                    "beta is mostly prior (%.0f %%): longer or more horizons would tell more",
                    100 * shown->prior_weight);
    if (shown->holdout.tokens && !(shown->holdout.lr_measured >= shown->holdout.ci90[0] &&
                                   shown->holdout.lr_measured <= shown->holdout.ci90[1]))
        answer_warn(answer,
                    "the law of the shorter horizons missed the longest: predicted %.3g, measured "
                    "%.3g",
                    shown->holdout.lr_predicted, shown->holdout.lr_measured);
    if (space->seeds == 1)
        answer_warn(answer, "one seed: differences between seeds are seen only as scatter");
}
