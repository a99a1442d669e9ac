#ifndef LRSEARCH_LOSS_PENALTY_H
#define LRSEARCH_LOSS_PENALTY_H

#include "lrsearch/error.h"

/* What a learning rate costs in loss when the optimum and the depth of the basin are known with an
 * error: nats above the loss at the optimum, the median and a 90 % interval over both. */

/* Published basins: .012 nats per octave^2, from .0045 (215M, 100B tokens) over .009 to .013 (124M,
 * 5B) to .043 (215M, 4B, a batch above critical); of the logarithm, one standard deviation. */
#define PUBLISHED_CURVATURE 0.012
#define PUBLISHED_CURVATURE_SPREAD 0.5
/* The same of a basin that a campaign fitted at shorter horizons. */
#define FITTED_CURVATURE_SPREAD 0.35

struct loss_penalty {
    double nats, ci90[2];
};

/* `optimum` and `ci90`: LR* and its 90 % interval, whose two sides may differ; `curvature`: nats
 * per octave^2, `spread`: standard deviation of its logarithm. The basin is steeper above the
 * optimum (basin_shape()). NaN in, NaN out. 0 or LR_ENOMEM. */
int loss_penalty_find(struct loss_penalty *penalty, double lr, double optimum, const double ci90[2],
                      double curvature, double spread, struct lr_error *err);

#endif
