/* Elementwise kernels: the activations of the MLP, and the residual stream.
 *
 * GELU in its tanh form (Hendrycks & Gimpel 2016): x/2 (1 + tanh u) = x s, with s = 1 / (1 + e^-2u)
 * and u = sqrt(2/pi) (x + 0.044715 x^3). SwiGLU (Shazeer 2020): silu(gate) * up, with silu(x) = x
 * s(x) and s the logistic function; a row of its input holds the F gates, then the F ups. */
#include "kernels/kernels.h"

#include "kernels/pieces.h"
#include "kernels/simd.h"

/* ---- GELU ---- */

#define TWICE_ROOT 1.59576912160573f /* 2 sqrt(2/pi) */
#define CUBIC 0.044715f

SIMD_INLINE float gelu_gate(float x)
{
    return 1.0f / (1.0f + simd_exp(-TWICE_ROOT * (x + CUBIC * x * x * x)));
}

/* The slope is s + x s (1 - s) d(2u)/dx. */
KERNEL_512(gelu, (float *out, float *in, size_t count), (out, in, count))
{
    for (size_t i = 0; i < count; i++) {
        float x = in[i], s = gelu_gate(x);
        float inner = TWICE_ROOT * (1.0f + 3.0f * CUBIC * x * x);
        out[i] = x * s;
        in[i] = s + x * s * (1.0f - s) * inner;
    }
}

KERNEL(gelu_slope, (float *d_in, const float *d_out, const float *slope, size_t count),
       (d_in, d_out, slope, count))
{
    for (size_t i = 0; i < count; i++)
        d_in[i] = d_out[i] * slope[i];
}

void gelu_forward(float *out, float *in, size_t count)
{
    FOR_PIECES(i, count, PIECE_ELEMENTS)
    gelu(out + i, in + i, piece_length(count, i, PIECE_ELEMENTS));
}

void gelu_backward(float *d_in, const float *d_out, const float *slope, size_t count)
{
    FOR_PIECES(i, count, PIECE_ELEMENTS)
    gelu_slope(d_in + i, d_out + i, slope + i, piece_length(count, i, PIECE_ELEMENTS));
}

/* ---- SwiGLU ---- */

SIMD_INLINE float logistic(float x)
{
    return 1.0f / (1.0f + simd_exp(-x));
}

/* silu'(x) = s (1 + x (1 - s)) */
KERNEL_512(swiglu, (float *out, float *in, size_t rows, size_t F), (out, in, rows, F))
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

KERNEL(swiglu_slope, (float *d_in, const float *d_out, const float *slopes, size_t rows, size_t F),
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
    swiglu(out + n * F, in + n * 2 * F, piece_length(N, n, PIECE_ROWS), F);
}

void swiglu_backward(float *d_in, const float *d_out, const float *slopes, size_t N, size_t F)
{
    FOR_PIECES(n, N, PIECE_ROWS)
    swiglu_slope(d_in + n * 2 * F, d_out + n * F, slopes + n * 2 * F,
                 piece_length(N, n, PIECE_ROWS), F);
}

/* ---- the residual stream ---- */

KERNEL(scale_add, (float *out, const float *a, const float *b, float scale, size_t count),
       (out, a, b, scale, count))
{
    for (size_t i = 0; i < count; i++)
        out[i] = scale * a[i] + b[i];
}

KERNEL(scale_all, (float *out, const float *in, float scale, size_t count), (out, in, scale, count))
{
    for (size_t i = 0; i < count; i++)
        out[i] = scale * in[i];
}

void residual_forward(float *out, const float *a, const float *b, float scale, size_t count)
{
    FOR_PIECES(i, count, PIECE_ELEMENTS)
    scale_add(out + i, a + i, b + i, scale, piece_length(count, i, PIECE_ELEMENTS));
}

void residual_backward(float *d_a, const float *d_out, float scale, size_t count)
{
    FOR_PIECES(i, count, PIECE_ELEMENTS)
    scale_all(d_a + i, d_out + i, scale, piece_length(count, i, PIECE_ELEMENTS));
}
