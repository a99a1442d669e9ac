#ifndef LRSEARCH_DRIFT_H
#define LRSEARCH_DRIFT_H

#include "lrsearch/answer.h"

/* What moved between two answers to the same question.
 *
 * The learning rate at the target: its ratio, now over then. The 90 % interval takes both answers'
 * intervals as independent: on each side their distances from the answers, in log LR, are added in
 * quadrature. What both runs share (seeds, the prior, how far the law reaches) moves both alike, so
 * that this interval is too wide rather than too narrow; most of it is the reach of the law. Hence
 * also the ratio at one horizon, that of the horizons that both measured at which it is known best,
 * with an interval from both standard errors (horizon_answer.se_ln_lr), added in quadrature.
 *
 * The loss at the best learning rate of the horizon at which it is known best: its difference, with
 * an interval from both standard errors (horizon_answer.se_loss) in the same way. Those hold the
 * scatter of the trainings around their basin; the validation set is the same in both runs.
 *
 * Beyond the limit is what exceeds it, up or down, when its interval excludes that nothing moved;
 * the learning rate is when it is at the target or at the horizon. Without an interval nothing
 * is. */

struct drift_limits {
    double lr;   /* a factor above 1; 0: none */
    double loss; /* nats; 0: none */
};

/* The reasons say why the two runs are different questions at the target and at the horizons, and
 * those numbers are then left out; "": they are the same. */
void drift_measure(struct drift *out, const struct answer *then, const struct answer *now,
                   const char *lr_reason, const char *loss_reason,
                   const struct drift_limits *limits);

#endif
