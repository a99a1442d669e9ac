/* Softmax and cross-entropy of each row in one pass over the vocabulary and back; the gradient
 * takes the place of the logits. The z-loss (Chowdhery et al. 2022) z ln(Z)^2 adds 2 z ln(Z) times
 * the softmax to it. */
#include "kernels/kernels.h"

#include "kernels/pieces.h"
#include "kernels/simd.h"

enum { ROWS = 8 }; /* a piece: rows are as long as the vocabulary */

KERNEL_CLONES static void rows_of(float *losses, float *logits, const uint32_t *labels,
                                  float logit_scale, float z_loss, float gradient_scale,
                                  size_t rows, size_t V)
{
    for (size_t n = 0; n < rows; n++) {
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
        float log_z = logf(sum) + logit_scale * largest;
        float factor = gradient_scale * logit_scale;
        float each = factor * (1.0f + 2.0f * z_loss * log_z) / sum;
        for (size_t i = 0; i < V; i++)
            row[i] *= each;
        row[labels[n]] -= factor;
    }
}

void cross_entropy(float *losses, float *logits, const uint32_t *labels, float logit_scale,
                   float z_loss, float gradient_scale, size_t N, size_t V)
{
    FOR_PIECES(n, N, ROWS)
    rows_of(losses + n, logits + n * V, labels + n, logit_scale, z_loss, gradient_scale,
            piece_length(N, n, ROWS), V);
}
