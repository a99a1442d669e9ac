/* Rotary positions (Su et al. 2021) on queries and keys, in the half-split order of Hugging Face's
 * llama: channels i and i + D/2 of a head are one plane, rotated by t * base^(-2i/D). The backward
 * pass rotates the other way. */
#include "kernels/kernels.h"

#include "kernels/pieces.h"
#include "kernels/simd.h"

#define ROPE_BASE 10000.0

void rope_table(float *cosines, float *sines, size_t T, size_t D)
{
    for (size_t t = 0; t < T; t++)
        for (size_t i = 0; i < D / 2; i++) {
            double angle = (double)t * pow(ROPE_BASE, -2.0 * (double)i / (double)D);
            cosines[t * (D / 2) + i] = (float)cos(angle);
            sines[t * (D / 2) + i] = (float)sin(angle);
        }
}

KERNEL(turn,
       (float *qkv, const float *cosines, const float *sines, float way, size_t first, size_t rows,
        size_t T, size_t C, size_t H),
       (qkv, cosines, sines, way, first, rows, T, C, H))
{
    size_t D = C / H, half = D / 2;
    for (size_t n = first; n < first + rows; n++) {
        const float *cosine = cosines + n % T * half, *sine = sines + n % T * half;
        for (size_t i = 0; i < 2 * H; i++) { /* queries, then keys */
            float *low = qkv + n * 3 * C + i * D, *high = low + half;
            for (size_t c = 0; c < half; c++) {
                float x = low[c], y = high[c], s = way * sine[c];
                low[c] = x * cosine[c] - y * s;
                high[c] = y * cosine[c] + x * s;
            }
        }
    }
}

void rope_forward(float *qkv, const float *cosines, const float *sines, size_t N, size_t T,
                  size_t C, size_t H)
{
    FOR_PIECES(n, N, PIECE_ROWS)
    turn(qkv, cosines, sines, 1.0f, n, piece_length(N, n, PIECE_ROWS), T, C, H);
}

void rope_backward(float *d_qkv, const float *cosines, const float *sines, size_t N, size_t T,
                   size_t C, size_t H)
{
    FOR_PIECES(n, N, PIECE_ROWS)
    turn(d_qkv, cosines, sines, -1.0f, n, piece_length(N, n, PIECE_ROWS), T, C, H);
}
