/* Validation: every sequence once, in order, so that the same weights give the same bytes. */
#include "train/evaluate.h"

#include <math.h>

int evaluate(struct model *model, const struct source *source, uint32_t context, uint32_t *tokens,
             double *losses, int (*keep_going)(void *context_of_caller), void *context_of_caller,
             double *mean, double *standard_error)
{
    uint64_t count = source_val_count(source);
    uint32_t at_once = model_micro_batch(model);
    double n = 0, average = 0, squares = 0; /* Welford 1962: no large numbers to cancel */
    for (uint64_t first = 0; first < count; first += at_once) {
        uint32_t sequences = count - first < at_once ? (uint32_t)(count - first) : at_once;
        for (uint32_t s = 0; s < sequences; s++)
            source_val(source, first + s, tokens + (size_t)s * (context + 1));
        model_losses(model, tokens, sequences, losses);
        for (uint32_t s = 0; s < sequences; s++) {
            double off = losses[s] - average;
            average += off / ++n;
            squares += off * (losses[s] - average);
        }
        int stop = keep_going(context_of_caller);
        if (stop)
            return stop;
    }
    *mean = n > 0 ? average : NAN;
    *standard_error = n > 1 ? sqrt(squares / (n - 1) / n) : NAN;
    return 0;
}
