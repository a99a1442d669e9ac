/* The squared norm of a tensor, in double: its square root clips the gradient of every tensor
 * alike, so its last bits must not depend on anything. */
#include "kernels/kernels.h"

#include "kernels/simd.h"

KERNEL_CLONES double sum_of_squares(const float *values, size_t count)
{
    double lanes[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (size_t l = 0; l < LANES; l++)
            lanes[l] += (double)values[i + l] * (double)values[i + l];
    for (size_t l = 0; i + l < count; l++)
        lanes[l] += (double)values[i + l] * (double)values[i + l];
    double sum = 0;
    for (size_t l = 0; l < LANES; l++)
        sum += lanes[l];
    return sum;
}
