#ifndef LRSEARCH_LOSSES_H
#define LRSEARCH_LOSSES_H

#include <stdbool.h>
#include "data/source.h"
#include "model/model.h"

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

/* Mean loss over the tokens of the whole validation set, nats, and its standard error over
 * sequences (NaN for a single one), each of which weighs as many tokens as it has. tokens: room for
 * model_micro_batch() sequences of context + 1; losses: as many doubles. `keep_going` is called
 * between batches; nonzero cancels. Returns 0, or what keep_going returned. */
int evaluate(struct model *model, const struct source *source, uint32_t context, uint32_t *tokens,
             double *losses, int (*keep_going)(void *context_of_caller), void *context_of_caller,
             double *mean, double *standard_error);

#endif
