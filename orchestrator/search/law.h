#ifndef LRSEARCH_LAW_H
#define LRSEARCH_LAW_H

#include "search/policy.h"

/* ln LR* = level - beta (ln D - center), fitted with a prior on beta. */
struct law {
    size_t count; /* horizons that took part; 0: there is no law */
    double center, level, beta;
    double level_variance, beta_variance, covariance;
    double misfit, r2, prior_weight, freedom;
};

/* Horizons with a usable optimum (not at an edge, not flat) take part. */
bool law_uses(const struct horizon_answer *horizon);
void law_fit(struct law *law, const struct horizon_answer *horizons, size_t count,
             const struct search_space *space);
/* LR* at `tokens`, with a 90 % interval that includes the misfit of a horizon. */
double law_predict(const struct law *law, uint64_t tokens, double ci90[2]);
void law_answer_fill(struct law_answer *answer, const struct law *law);

#endif
