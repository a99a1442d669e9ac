/* Softmax and cross-entropy of each row over the vocabulary; the gradient replaces the logits. The
 * z-loss (Chowdhery et al. 2022) z ln(Z)^2 adds 2 z ln(Z) times the softmax to it. */
#include "kernels/kernels.h"

#include "kernels/pieces.h"
#include "kernels/simd.h"

enum {
    ROWS = 8,    /* rows of a piece: few, since a row has the vocabulary's length */
    PART = 1024, /* elements of a row per partial sum */
};

KERNEL_512(rows_of,
           (float *losses, float *logits, const uint32_t *labels, float logit_scale, float z_loss,
            float gradient_scale, size_t rows, size_t V),
           (losses, logits, labels, logit_scale, z_loss, gradient_scale, rows, V))
{
    for (size_t n = 0; n < rows; n++) {
        float *row = logits + n * V;
        float largest = simd_max(row, V);
        float of_label = row[labels[n]];
        float sum = 0;
        if (gradient_scale == 0.0f) {
            for (size_t v = 0; v < V; v += PART) {
                float part[PART];
                size_t count = piece_length(V, v, PART);
                for (size_t i = 0; i < count; i++)
                    part[i] = simd_exp(logit_scale * (row[v + i] - largest));
                sum += simd_sum(part, count);
            }
        } else {
            for (size_t i = 0; i < V; i++) /* unnormalised probabilities, kept for the gradient */
                row[i] = simd_exp(logit_scale * (row[i] - largest));
            for (size_t v = 0; v < V; v += PART)
                sum += simd_sum(row + v, piece_length(V, v, PART));
        }
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
