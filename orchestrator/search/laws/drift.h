#ifndef LRSEARCH_DRIFT_H
#define LRSEARCH_DRIFT_H

#include "lrsearch/answer.h"

/* Change between two answers to the same question.
 *
 * Learning rate at the target: ratio now / then. Its 90 % interval treats both answers' intervals
 * as independent: on each side their half widths in ln LR are added in quadrature. What both runs
 * share (seeds, the prior, the error of extrapolation) moves both alike, so that this interval is
 * too wide rather than too narrow; most of its width is extrapolation. Therefore the ratio is also
 * given at one horizon: of those that both runs measured, the one where it is known best, with an
 * interval from both standard errors (horizon_answer.se_ln_lr), added in quadrature.
 *
 * Loss at the best learning rate of the horizon where it is known best: difference now - then, with
 * an interval from both standard errors (horizon_answer.se_loss) in the same way. These include the
 * scatter of the trials around their basin; the validation set is the same in both runs.
 *
 * A change is beyond its limit if it exceeds the limit, up or down, and its interval excludes zero.
 * For the learning rate, the target or the horizon suffices. Without an interval no change is
 * beyond. */

struct drift_limits {
    double lr;   /* a factor above 1; 0: none */
    double loss; /* nats; 0: none */
};

/* lr_reason, loss_reason: why the runs are not comparable at the target and at the horizons; these
 * numbers are then NaN. "": they are comparable. */
void drift_measure(struct drift *out, const struct answer *then, const struct answer *now,
                   const char *lr_reason, const char *loss_reason,
                   const struct drift_limits *limits);

#endif
