#ifndef LRSEARCH_EVALUATE_H
#define LRSEARCH_EVALUATE_H

#include "data/source.h"
#include "model/model.h"

/* Mean loss over the tokens of the whole validation set, nats, and its standard error over
 * sequences (NaN for a single one), each of which weighs as many tokens as it has. tokens: room for
 * model_micro_batch() sequences of context + 1; losses: as many doubles. `keep_going` is called
 * between batches; nonzero cancels. Returns 0, or what keep_going returned. */
int evaluate(struct model *model, const struct source *source, uint32_t context, uint32_t *tokens,
             double *losses, int (*keep_going)(void *context_of_caller), void *context_of_caller,
             double *mean, double *standard_error);

#endif
