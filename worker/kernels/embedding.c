/* Token and position embedding: the forward pass picks and adds rows; the backward pass scatters
 * them in the order of the tokens, so that equal tokens are always summed in the same order.
 * Threads share the channels. */
#include "kernels/kernels.h"

#include "kernels/pieces.h"
#include "kernels/simd.h"

KERNEL(pick,
       (float *out, const uint32_t *tokens, size_t stride, const float *token_weight,
        const float *position_weight, size_t first, size_t rows, size_t T, size_t C),
       (out, tokens, stride, token_weight, position_weight, first, rows, T, C))
{
    for (size_t n = first; n < first + rows; n++) {
        const float *token = token_weight + (size_t)tokens[n / T * stride + n % T] * C;
        float *row = out + n * C;
        if (!position_weight) {
            memcpy(row, token, C * sizeof(float));
            continue;
        }
        const float *position = position_weight + n % T * C;
        for (size_t c = 0; c < C; c++)
            row[c] = token[c] + position[c];
    }
}

KERNEL(scatter,
       (float *d_token_weight, float *d_position_weight, const float *d_out, const uint32_t *tokens,
        size_t stride, size_t N, size_t T, size_t C, size_t columns),
       (d_token_weight, d_position_weight, d_out, tokens, stride, N, T, C, columns))
{
    for (size_t n = 0; n < N; n++) {
        float *token = d_token_weight + (size_t)tokens[n / T * stride + n % T] * C;
        const float *row = d_out + n * C;
        for (size_t c = 0; c < columns; c++)
            token[c] += row[c];
        if (!d_position_weight)
            continue;
        float *position = d_position_weight + n % T * C;
        for (size_t c = 0; c < columns; c++)
            position[c] += row[c];
    }
}

void embedding_forward(float *out, const uint32_t *tokens, size_t stride, const float *token_weight,
                       const float *position_weight, size_t B, size_t T, size_t C)
{
    FOR_PIECES(n, B * T, PIECE_ROWS)
    pick(out, tokens, stride, token_weight, position_weight, n, piece_length(B * T, n, PIECE_ROWS),
         T, C);
}

void embedding_backward(float *d_token_weight, float *d_position_weight, const float *d_out,
                        const uint32_t *tokens, size_t stride, size_t B, size_t T, size_t C)
{
    FOR_PIECES(c, C, PIECE_COLUMNS)
    scatter(d_token_weight + c, d_position_weight ? d_position_weight + c : NULL, d_out + c, tokens,
            stride, B * T, T, C, piece_length(C, c, PIECE_COLUMNS));
}
