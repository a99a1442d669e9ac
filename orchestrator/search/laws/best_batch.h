#ifndef LRSEARCH_BEST_BATCH_H
#define LRSEARCH_BEST_BATCH_H

#include <stddef.h>
#include <stdint.h>
#include "lrsearch/answer.h"
#include "lrsearch/error.h"

/* The batch with the lowest loss at equal tokens, from the losses of several batches, each at its
 * own best LR. */

struct batch_loss {
    uint64_t tokens;       /* horizon */
    uint32_t batch_tokens; /* tokens of a step, above 0 */
    double loss, se;       /* fitted minimum over the LR and its standard error, nats */
};

#define BEST_BATCH_LEAST 3 /* batches that can show a lowest loss */

/* Fits the best batch over tokens and predicts it at `tokens`, with 90 % intervals. If the losses
 * do not identify it, best->known is false and best->reason says why: fewer than BEST_BATCH_LEAST
 * batches, the lowest loss at the smallest or largest of them, losses that do not depend on the
 * batch, or an interval that reaches further than a factor ACCEPT_WIDEST. Fills all of *best but
 * `asked` and `lr`. Deterministic, for any order of `losses`. The longest ANSWER_HORIZONS horizons
 * count. 0 or LR_ENOMEM. */
int best_batch_fit(struct best_batch_answer *best, const struct batch_loss *losses, size_t count,
                   uint64_t tokens, struct lr_error *err);

#endif
