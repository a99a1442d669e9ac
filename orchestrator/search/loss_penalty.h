#ifndef LRSEARCH_LOSS_PENALTY_H
#define LRSEARCH_LOSS_PENALTY_H

#include "lrsearch/error.h"

/* Loss penalty of a learning rate when optimum and curvature of the basin are uncertain: nats above
 * the loss at the optimum, median and 90 % interval over both. */

/* Nats per octave^2. Published basins: .0045 (215M, 100B tokens), .009 to .013 (124M, 5B), .043
 * (215M, 4B, a batch above critical). The spread is one standard deviation of ln curvature. */
#define PUBLISHED_CURVATURE 0.012
#define PUBLISHED_CURVATURE_SPREAD 0.5
/* The spread for a basin that the campaign fitted at shorter horizons. */
#define FITTED_CURVATURE_SPREAD 0.35

struct loss_penalty {
    double nats, ci90[2];
};

/* `optimum` and `ci90`: LR* and its 90 % interval, whose two sides may differ; `curvature`: nats
 * per octave^2, `spread`: standard deviation of its logarithm. Penalty: curvature t^2 (1 + a tanh
 * t) with t = log2(lr / optimum) and both asymmetries a, .1 and .45, equally likely. NaN in,
 * NaN out. 0 or LR_ENOMEM. */
int loss_penalty_find(struct loss_penalty *penalty, double lr, double optimum, const double ci90[2],
                      double curvature, double spread, struct lr_error *err);

#endif
