/* Validation: every sequence once, in order, so that the same weights give the same bytes. */
#include "train/evaluate.h"

#include <math.h>

int evaluate(struct model *model, const struct source *source, uint32_t context, uint32_t *tokens,
             double *losses, int (*keep_going)(void *context_of_caller), void *context_of_caller,
             double *mean, double *standard_error)
{
    uint64_t count = source_val_count(source);
    uint32_t at_once = model_micro_batch(model);
    double sum = 0, squares = 0;
    for (uint64_t first = 0; first < count; first += at_once) {
        uint32_t sequences = count - first < at_once ? (uint32_t)(count - first) : at_once;
        for (uint32_t s = 0; s < sequences; s++)
            source_val(source, first + s, tokens + (size_t)s * (context + 1));
        model_losses(model, tokens, sequences, losses);
        for (uint32_t s = 0; s < sequences; s++) {
            sum += losses[s];
            squares += losses[s] * losses[s];
        }
        int stop = keep_going(context_of_caller);
        if (stop)
            return stop;
    }
    double n = (double)count;
    double variance = n > 1 ? (squares - sum * sum / n) / (n - 1) : NAN;
    *mean = n > 0 ? sum / n : NAN;
    *standard_error = sqrt((variance > 0 ? variance : variance * 0) / n);
    return 0;
}
