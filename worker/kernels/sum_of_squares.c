/* The squared norm of a tensor, in double: its square root clips the gradient of every tensor
 * alike, so its last bits must not depend on anything. */
#include "kernels/kernels.h"

#include "kernels/pieces.h"
#include "kernels/simd.h"

enum { PARTS = 64 };

KERNEL(sum_piece, (double *sum, const float *values, size_t count), (sum, values, count))
{
    enum { RUN = 16 };
    double run[RUN] = {0};
    size_t i = 0;
    for (; i + RUN <= count; i += RUN)
        for (size_t l = 0; l < RUN; l++)
            run[l] += (double)values[i + l] * (double)values[i + l];
    for (size_t l = 0; i + l < count; l++)
        run[l] += (double)values[i + l] * (double)values[i + l];
    *sum = 0;
    for (size_t l = 0; l < RUN; l++)
        *sum += run[l];
}

double sum_of_squares(const float *values, size_t count)
{
    double parts[PARTS] = {0}, sum = 0;
    size_t size = (count + PARTS - 1) / PARTS;
    size = size < PIECE_ELEMENTS ? PIECE_ELEMENTS : size;
    FOR_PIECES(i, count, size)
    sum_piece(&parts[i / size], values + i, piece_length(count, i, size));
    for (size_t i = 0; i < PARTS; i++)
        sum += parts[i];
    return sum;
}
