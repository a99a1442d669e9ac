/* The residual stream: a sum. */
#include "kernels/kernels.h"

#include "kernels/simd.h"

KERNEL_CLONES void residual_forward(float *out, const float *a, const float *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = a[i] + b[i];
}
