/* GELU in its tanh form (Hendrycks & Gimpel 2016): x/2 (1 + tanh u) = x s, with s = 1 / (1 + e^-2u)
 * and u = sqrt(2/pi) (x + 0.044715 x^3). */
#include "kernels/kernels.h"

#include "kernels/pieces.h"
#include "kernels/simd.h"

#define TWICE_ROOT 1.59576912160573f /* 2 sqrt(2/pi) */
#define CUBIC 0.044715f

SIMD_INLINE float gate(float x)
{
    return 1.0f / (1.0f + simd_exp(-TWICE_ROOT * (x + CUBIC * x * x * x)));
}

/* The slope is s + x s (1 - s) d(2u)/dx. */
KERNEL(forward, (float *out, float *in, size_t count), (out, in, count))
{
    for (size_t i = 0; i < count; i++) {
        float x = in[i], s = gate(x);
        float inner = TWICE_ROOT * (1.0f + 3.0f * CUBIC * x * x);
        out[i] = x * s;
        in[i] = s + x * s * (1.0f - s) * inner;
    }
}

KERNEL(backward, (float *d_in, const float *d_out, const float *slope, size_t count),
       (d_in, d_out, slope, count))
{
    for (size_t i = 0; i < count; i++)
        d_in[i] = d_out[i] * slope[i];
}

void gelu_forward(float *out, float *in, size_t count)
{
    FOR_PIECES(i, count, PIECE_ELEMENTS)
    forward(out + i, in + i, piece_length(count, i, PIECE_ELEMENTS));
}

void gelu_backward(float *d_in, const float *d_out, const float *slope, size_t count)
{
    FOR_PIECES(i, count, PIECE_ELEMENTS)
    backward(d_in + i, d_out + i, slope + i, piece_length(count, i, PIECE_ELEMENTS));
}
