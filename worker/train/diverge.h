#ifndef LRSEARCH_DIVERGE_H
#define LRSEARCH_DIVERGE_H

#include <stdbool.h>

/* Watches the training loss. Diverged: not finite, or its running mean (half-life about 10 steps)
 * more than DIVERGE_NATS above the first step's loss. The start is about ln(vocab), the loss of
 * knowing nothing; an ordinary warm-up bump stays below it, a training that blew up and recovered
 * ends above the best in any case and is told by its final loss. */
#define DIVERGE_NATS 1.0

struct diverge {
    double first, mean;
    bool begun;
};

bool diverge_step(struct diverge *diverge, double train_loss); /* true: diverged */

#endif
