/* Detects divergence from the training losses, and computes the validation loss. The losses are
 * added in the order of the sequences, so that the same weights give the same bytes. */
#include "trainers/transformer/losses.h"

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

void validation_losses(struct model *model, const struct source *source, uint32_t context,
                       uint64_t batch, uint32_t *tokens, double *losses)
{
    uint32_t at_once = model_micro_batch(model);
    uint64_t first = batch * at_once, count = source_val_count(source);
    uint32_t sequences = count - first < at_once ? (uint32_t)(count - first) : at_once;
    uint32_t last = context; /* only the very last may be shorter */
    for (uint32_t s = 0; s < sequences; s++)
        last = source_val(source, first + s, tokens + (size_t)s * (context + 1));
    model_losses(model, tokens, sequences, last, losses + first);
}

void validation_mean(const double *losses, uint64_t count, double last_weight, double *mean,
                     double *standard_error)
{
    /* Weighted mean and variance (Welford 1962, West 1979) without cancellation of large sums. A
     * whole sequence has weight 1. */
    double n = 0, n2 = 0, average = 0, squares = 0;
    for (uint64_t i = 0; i < count; i++) {
        double weight = i + 1 == count ? last_weight : 1;
        double off = losses[i] - average;
        n += weight;
        n2 += weight * weight;
        average += off * weight / n;
        squares += weight * off * (losses[i] - average);
    }
    *mean = n > 0 ? average : NAN;
    *standard_error = count > 1 ? sqrt(squares / (n - n2 / n) / (n * n / n2)) : NAN;
}
