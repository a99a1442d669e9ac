/* SwiGLU (Shazeer 2020): silu(gate) * up, with silu(x) = x s(x) and s the logistic function. A row
 * of the input holds the F gates, then the F ups. */
#include "kernels/kernels.h"

#include "kernels/pieces.h"
#include "kernels/simd.h"

SIMD_INLINE float logistic(float x)
{
    return 1.0f / (1.0f + simd_exp(-x));
}

/* silu'(x) = s (1 + x (1 - s)) */
KERNEL(forward, (float *out, float *in, size_t rows, size_t F), (out, in, rows, F))
{
    for (size_t n = 0; n < rows; n++) {
        float *gate = in + n * 2 * F, *up = gate + F;
        for (size_t f = 0; f < F; f++) {
            float x = gate[f], s = logistic(x), silu = x * s;
            out[n * F + f] = silu * up[f];
            gate[f] = up[f] * s * (1.0f + x * (1.0f - s));
            up[f] = silu;
        }
    }
}

KERNEL(backward, (float *d_in, const float *d_out, const float *slopes, size_t rows, size_t F),
       (d_in, d_out, slopes, rows, F))
{
    for (size_t n = 0; n < rows; n++) {
        const float *gate = slopes + n * 2 * F, *up = gate + F, *d = d_out + n * F;
        float *d_gate = d_in + n * 2 * F, *d_up = d_gate + F;
        for (size_t f = 0; f < F; f++) {
            d_gate[f] = d[f] * gate[f];
            d_up[f] = d[f] * up[f];
        }
    }
}

void swiglu_forward(float *out, float *in, size_t N, size_t F)
{
    FOR_PIECES(n, N, PIECE_ROWS)
    forward(out + n * F, in + n * 2 * F, piece_length(N, n, PIECE_ROWS), F);
}

void swiglu_backward(float *d_in, const float *d_out, const float *slopes, size_t N, size_t F)
{
    FOR_PIECES(n, N, PIECE_ROWS)
    backward(d_in + n * 2 * F, d_out + n * F, slopes + n * 2 * F, piece_length(N, n, PIECE_ROWS),
             F);
}
