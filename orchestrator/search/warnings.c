/* What a reader must know before trusting the answer, as far as the numbers show it. */
#include "search/accept.h"

#include <math.h>
#include <stdio.h>
#include "lrsearch/count.h"
#include "search/prior_lr.h"

#define Z90 1.6448536269514722
#define MOSTLY_PRIOR 0.5
#define SEEDS_APART 1.0 /* octaves between the best LRs of two seeds */

/* ---- of one horizon ---- */

/* The best LR of each seed alone: the lowest and the highest of these, log2. */
static void best_of_seeds(const struct basin *basin, double *lowest, double *highest)
{
    *lowest = INFINITY;
    *highest = -INFINITY;
    if (basin->best < 0)
        return;
    const struct point *model = &basin->points[basin->best];
    for (size_t j = 0; j < model->seen_count; j++) {
        double loss = INFINITY, x = NAN;
        for (size_t i = 0; i < basin->count; i++) {
            const struct point *point = &basin->points[i];
            for (size_t k = 0; k < point->seen_count; k++) {
                const struct observation *seen = &point->seen[k];
                if (seen->seed == model->seen[j].seed && seen->kind == OBSERVED_LOSS &&
                    seen->loss < loss) {
                    loss = seen->loss;
                    x = point->x;
                }
            }
        }
        *lowest = fmin(*lowest, x);
        *highest = fmax(*highest, x);
    }
}

static void warn_seeds(struct answer *answer, const struct basin *basin, const char *tokens)
{
    double lowest, highest;
    for (size_t i = 0; i < basin->count; i++) {
        const struct point *point = &basin->points[i];
        if (point->losses > 0 && point->diverged > 0) {
            answer_warn(answer,
                        "%s tokens: at learning rate %.3g %u of %u seeds diverged: seeds disagree "
                        "where it becomes unstable",
                        tokens, exp2(point->x), point->diverged, point->losses + point->diverged);
            break;
        }
    }
    best_of_seeds(basin, &lowest, &highest);
    if (highest - lowest > SEEDS_APART + 1e-9)
        answer_warn(answer,
                    "%s tokens: seeds disagree: alone, one has its best loss at learning rate "
                    "%.3g, another at %.3g",
                    tokens, exp2(lowest), exp2(highest));
}

static void warn_horizon(struct answer *answer, const struct basin *basin,
                         const struct horizon_answer *horizon)
{
    char text[COUNT_TEXT];
    const char *tokens = format_count(text, sizeof(text), (double)horizon->tokens);
    if (horizon->trials == 0)
        return;
    if (basin->best < 0) {
        answer_warn(answer, "%s tokens: no learning rate was found at which every seed trains",
                    tokens);
        return;
    }
    if (horizon->at_edge)
        answer_warn(answer,
                    "%s tokens: the best learning rate lies at the edge of what was tried; its "
                    "optimum is known from one side only",
                    tokens);
    else if (horizon->flat)
        answer_warn(answer,
                    "%s tokens: the basin is not deeper than the noise; its optimum rests on the "
                    "other horizons",
                    tokens);
    double best = basin->points[basin->best].x;
    size_t above = (size_t)basin->best + 1;
    if (above < basin->count && basin->points[above].diverged > 0)
        answer_warn(answer,
                    "%s tokens: the trial next above the best learning rate (%.3g) diverged, at "
                    "%.3g: the cliff is near",
                    tokens, exp2(best), exp2(basin->points[above].x));
    for (int i = 0; i < basin->best; i++)
        if (basin->points[i].diverged > 0) {
            answer_warn(answer,
                        "%s tokens: learning rate %.3g diverged, although %.3g, above it, trained",
                        tokens, exp2(basin->points[i].x), exp2(best));
            break;
        }
    warn_seeds(answer, basin, tokens);
}

/* ---- of the law ---- */

static size_t measured_horizons(const struct answer *answer)
{
    size_t known = 0;
    for (size_t h = 0; h < answer->horizon_count; h++)
        known += horizon_counts(&answer->horizons[h]);
    return known;
}

void warnings_direction(struct answer *answer)
{
    const struct law_answer *shown = &answer->law;
    size_t known = measured_horizons(answer);
    if (known >= 2 && shown->beta < 0)
        answer_warn(answer,
                    "the optimum rises with the horizon (beta %.2f, 90 %% interval %.2f to %.2f), "
                    "against the rule: is the batch above the critical one?",
                    shown->beta, shown->beta_ci90[0], shown->beta_ci90[1]);
    else if (known >= 2 && !(shown->beta_ci90[0] > 0))
        answer_warn(answer,
                    "the data do not say that the optimum falls with the horizon (beta %.2f, 90 %% "
                    "interval %.2f to %.2f)",
                    shown->beta, shown->beta_ci90[0], shown->beta_ci90[1]);
}

static void warn_mostly_prior(struct answer *answer)
{
    if (measured_horizons(answer) >= 1 && answer->law.prior_weight > MOSTLY_PRIOR)
        answer_warn(answer,
                    "beta is mostly the prior (%.0f %%): horizons further apart would tell more",
                    100 * answer->law.prior_weight);
}

static void warn_prior(struct answer *answer, const struct search_space *space)
{
    for (size_t h = 0; h < answer->horizon_count && space->prior_lr > 0; h++)
        if (horizon_counts(&answer->horizons[h])) {
            double ln = answer->law.b - answer->law.beta * log((double)space->prior_tokens);
            warn_prior_lr(answer, space, ln / log(2.0));
            return;
        }
}

static void warn_holdout(struct answer *answer, size_t horizon_count)
{
    const struct law_answer *law = &answer->law;
    double measured = law->holdout.lr_measured, predicted = law->holdout.lr_predicted;
    if (law->holdout.tokens == 0 || horizon_count == 0)
        return;
    /* the measurement has an error too */
    double error = Z90 * answer->horizons[horizon_count - 1].se_ln_lr;
    double side = log(law->holdout.ci90[measured > predicted] / predicted);
    if (!(fabs(log(measured / predicted)) <= hypot(side, error)))
        answer_warn(answer,
                    "the law through the shorter horizons missed the longest: it predicts %.3g "
                    "(90 %% interval %.3g to %.3g), measured is %.3g",
                    predicted, law->holdout.ci90[0], law->holdout.ci90[1], measured);
}

void warnings_add(struct answer *answer, const struct observations *obs)
{
    warnings_direction(answer);
    warn_mostly_prior(answer);
    warn_prior(answer, obs->space);
    warn_holdout(answer, obs->horizon_count);
    for (size_t h = obs->horizon_count; h-- > 0;) /* the longest first: it weighs most */
        warn_horizon(answer, &obs->basins[h], &answer->horizons[h]);
    bool any = false;
    for (size_t h = 0; h < obs->horizon_count; h++)
        any |= obs->basins[h].trials > 0;
    if (obs->space->seeds == 1 && any)
        answer_warn(answer, "one seed: its noise is known only from how losses scatter around the "
                            "parabolas");
}
