#ifndef LRSEARCH_LAW_H
#define LRSEARCH_LAW_H

#include "search/policy.h"

/* ln LR* = level - beta (ln D - center), fitted with a prior on beta, for each of several sizes of
 * the misfit that each horizon has of its own; what the data make of these sizes is their weight.
 */

#define LAW_MISFITS 12

struct law_part { /* for one size of the misfit; variances given that size */
    double misfit, weight;
    double level, beta;
    double level_variance, beta_variance, covariance; /* of level and beta */
};

struct law {
    size_t count; /* horizons that took part; 0: there is no law */
    double center;
    struct law_part parts[LAW_MISFITS];
    /* means over the parts */
    double level, beta, misfit, prior_weight;
    double r2; /* NaN with fewer than three horizons */
};

/* Horizons with a usable optimum (not at an edge, not flat) take part. */
bool law_uses(const struct horizon_answer *horizon);
void law_fit(struct law *law, const struct horizon_answer *horizons, size_t count,
             const struct search_space *space);
/* LR* at `tokens`, with a 90 % interval that includes the misfit of a horizon. NaN without a law.
 */
double law_predict(const struct law *law, uint64_t tokens, double ci90[2]);
/* All but the hold-out, which is set to "not done". */
void law_answer_fill(struct law_answer *answer, const struct law *law);

#endif
