/* Divergence of one training; see the header for the rule. */
#include "trainers/transformer/diverge.h"

#include <math.h>

#define KEEP 0.93 /* half-life ln(.5) / ln(.93) = 9.6 steps */

bool diverge_step(struct diverge *diverge, double train_loss)
{
    if (!diverge->begun) {
        diverge->begun = true;
        diverge->first = diverge->mean = train_loss;
    }
    diverge->mean = KEEP * diverge->mean + (1.0 - KEEP) * train_loss;
    return diverge_far(diverge, diverge->mean);
}

bool diverge_far(const struct diverge *diverge, double loss)
{
    return !isfinite(loss) || !(loss <= diverge->first + DIVERGE_NATS);
}
