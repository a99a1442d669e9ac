#ifndef LRSEARCH_LOSSES_H
#define LRSEARCH_LOSSES_H

#include <stdbool.h>
#include "data/source.h"
#include "model/model.h"

/* Divergence by the training loss: not finite, or its running mean (half-life about 10 steps) more
 * than DIVERGE_NATS above the first step's loss. The first loss is about ln(vocab), that of an
 * untrained model: a model a whole nat worse for ten steps is broken. A bump at the end of the
 * warm-up stays below the limit, and so does a training that blew up and returned to the unigram
 * loss: it runs to its end and is judged by its final loss. */
#define DIVERGE_NATS 1.0

struct diverge {
    double first, mean;
    bool begun;
};

bool diverge_step(struct diverge *diverge, double train_loss); /* true: diverged */
/* Whether `loss` is not finite or far above the first step's. */
bool diverge_far(const struct diverge *diverge, double loss);

/* losses[i] of the validation sequences of a batch (0, 1, ...) of model_micro_batch() sequences,
 * the last of which may have fewer; losses: (source_val_count()). tokens: room for a batch of
 * context + 1. The losses of a batch do not depend on the others. */
void validation_losses(struct model *model, const struct source *source, uint32_t context,
                       uint64_t batch, uint32_t *tokens, double *losses);
/* Mean loss over the tokens of the whole validation set, nats, and its standard error over
 * sequences (NaN for a single one), weighted by their tokens: the last one's share of a whole
 * sequence is last_weight. */
void validation_mean(const double *losses, uint64_t count, double last_weight, double *mean,
                     double *standard_error);

#endif
