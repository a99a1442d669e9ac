#ifndef LRSEARCH_DIVERGE_H
#define LRSEARCH_DIVERGE_H

#include <stdbool.h>

/* Watches the training loss. Diverged: not finite, or its running mean (half-life about 10 steps)
 * more than DIVERGE_NATS above the first step's loss. The start is about ln(vocab), the loss of
 * knowing nothing: a model that is a whole nat worse than that for ten steps is broken. A bump at
 * the end of the warm-up stays below it, and so does a training that blew up and came back to the
 * unigram loss: that one runs to its end, and its final loss tells. */
#define DIVERGE_NATS 1.0

struct diverge {
    double first, mean;
    bool begun;
};

bool diverge_step(struct diverge *diverge, double train_loss); /* true: diverged */
/* Whether `loss` is not finite or far above the first step's. */
bool diverge_far(const struct diverge *diverge, double loss);

#endif
