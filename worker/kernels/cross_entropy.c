/* Softmax and cross-entropy of each row in one pass over the vocabulary and back; the gradient
 * takes the place of the logits. */
#include "kernels/kernels.h"

#include "kernels/simd.h"

KERNEL_CLONES void cross_entropy(float *losses, float *logits, const uint32_t *labels,
                                 float logit_scale, float gradient_scale, size_t N, size_t V)
{
    for (size_t n = 0; n < N; n++) {
        float *row = logits + n * V;
        float largest = simd_max(row, V);
        float of_label = row[labels[n]];
        float lanes[LANES] = {0};
        size_t v = 0;
        if (gradient_scale == 0.0f) {
            for (; v + LANES <= V; v += LANES)
                for (size_t l = 0; l < LANES; l++)
                    lanes[l] += simd_exp(logit_scale * (row[v + l] - largest));
            for (size_t l = 0; v + l < V; l++)
                lanes[l] += simd_exp(logit_scale * (row[v + l] - largest));
        } else {
            for (size_t i = 0; i < V; i++) /* unnormalised probabilities, kept for the gradient */
                row[i] = simd_exp(logit_scale * (row[i] - largest));
            lanes[0] = simd_sum(row, V);
        }
        float sum = simd_fold(lanes);
        losses[n] = logf(sum) + logit_scale * (largest - of_label);
        if (gradient_scale == 0.0f)
            continue;
        float factor = gradient_scale * logit_scale;
        float each = factor / sum;
        for (size_t i = 0; i < V; i++)
            row[i] *= each;
        row[labels[n]] -= factor;
    }
}
