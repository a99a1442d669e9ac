#ifndef LRSEARCH_DRIFT_H
#define LRSEARCH_DRIFT_H

#include "lrsearch/answer.h"

/* What moved between two answers to the same question.
 *
 * The learning rate at the target: its ratio, now over then. The 90 % interval takes both answers'
 * intervals as independent: on each side their distances from the answers, in log LR, are added in
 * quadrature. What both runs share (seeds, the prior, how far the law reaches) moves both alike, so
 * that the interval is too wide rather than too narrow.
 *
 * The loss at the best learning rate of the longest horizon that both have: its difference, with an
 * interval from both losses' standard errors (horizon_answer.se_loss), added in quadrature. Those
 * hold the scatter of the trainings around their basin, seeds' included; that of the validation set
 * is the same in both.
 *
 * Beyond the limit is what exceeds it, up or down, when its interval excludes that nothing moved.
 * Without an interval nothing is beyond. */

struct drift_limits {
    double lr;   /* a factor above 1; 0: none */
    double loss; /* nats; 0: none */
};

/* The reasons say why the two runs are different questions, and that number is then left out; "":
 * they are the same. */
void drift_measure(struct drift *out, const struct answer *then, const struct answer *now,
                   const char *lr_reason, const char *loss_reason,
                   const struct drift_limits *limits);

#endif
