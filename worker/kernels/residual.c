/* The residual stream: a sum, of which one part may be scaled. */
#include "kernels/kernels.h"

#include "kernels/pieces.h"
#include "kernels/simd.h"

KERNEL(add, (float *out, const float *a, const float *b, float scale, size_t count),
       (out, a, b, scale, count))
{
    for (size_t i = 0; i < count; i++)
        out[i] = scale * a[i] + b[i];
}

KERNEL(multiply, (float *out, const float *in, float scale, size_t count), (out, in, scale, count))
{
    for (size_t i = 0; i < count; i++)
        out[i] = scale * in[i];
}

void residual_forward(float *out, const float *a, const float *b, float scale, size_t count)
{
    FOR_PIECES(i, count, PIECE_ELEMENTS)
    add(out + i, a + i, b + i, scale, piece_length(count, i, PIECE_ELEMENTS));
}

void residual_backward(float *d_a, const float *d_out, float scale, size_t count)
{
    FOR_PIECES(i, count, PIECE_ELEMENTS)
    multiply(d_a + i, d_out + i, scale, piece_length(count, i, PIECE_ELEMENTS));
}
