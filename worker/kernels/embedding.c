/* Token and position embedding: rows picked and added; on the way back rows scattered, in the order
 * of the tokens, so that equal tokens are always summed alike. */
#include "kernels/kernels.h"

#include "kernels/simd.h"

KERNEL_CLONES void embedding_forward(float *out, const uint32_t *tokens, size_t stride,
                                     const float *token_weight, const float *position_weight,
                                     size_t B, size_t T, size_t C)
{
    for (size_t b = 0; b < B; b++) {
        for (size_t t = 0; t < T; t++) {
            const float *token = token_weight + (size_t)tokens[b * stride + t] * C;
            const float *position = position_weight + t * C;
            float *row = out + (b * T + t) * C;
            for (size_t c = 0; c < C; c++)
                row[c] = token[c] + position[c];
        }
    }
}

KERNEL_CLONES void embedding_backward(float *d_token_weight, float *d_position_weight,
                                      const float *d_out, const uint32_t *tokens, size_t stride,
                                      size_t B, size_t T, size_t C)
{
    for (size_t b = 0; b < B; b++) {
        for (size_t t = 0; t < T; t++) {
            float *token = d_token_weight + (size_t)tokens[b * stride + t] * C;
            float *position = d_position_weight + t * C;
            const float *row = d_out + (b * T + t) * C;
            for (size_t c = 0; c < C; c++) {
                token[c] += row[c];
                position[c] += row[c];
            }
        }
    }
}
