/* AdamW on one tensor (Kingma & Ba 2015; Loshchilov & Hutter 2019), and the squared norm of its
 * gradient. */
#include "kernels/kernels.h"

#include "kernels/pieces.h"
#include "kernels/simd.h"

struct factors {
    float grad_scale, lr, beta1, beta2, eps, keep, m_scale, v_scale;
};

KERNEL(update,
       (float *weight, float *m, float *v, const float *grad, const struct factors *f,
        size_t count),
       (weight, m, v, grad, f, count))
{
    const struct factors k = *f; /* a copy cannot alias the weights */
    for (size_t i = 0; i < count; i++) {
        float g = grad[i] * k.grad_scale;
        m[i] = k.beta1 * m[i] + (1.0f - k.beta1) * g;
        v[i] = k.beta2 * v[i] + (1.0f - k.beta2) * (g * g);
        float step = (m[i] * k.m_scale) / (sqrtf(v[i] * k.v_scale) + k.eps);
        weight[i] = k.keep * weight[i] - k.lr * step;
    }
}

void adamw_update(float *weight, float *m, float *v, const float *grad, float grad_scale, float lr,
                  float beta1, float beta2, float eps, float decay, uint64_t step, size_t count)
{
    /* bias corrections in double: 1 - beta2^t loses all its digits in float at small t */
    const struct factors f = {grad_scale,
                              lr,
                              beta1,
                              beta2,
                              eps,
                              1.0f - decay,
                              (float)(1.0 / (1.0 - pow((double)beta1, (double)step))),
                              (float)(1.0 / (1.0 - pow((double)beta2, (double)step)))};
    FOR_PIECES(i, count, PIECE_ELEMENTS)
    update(weight + i, m + i, v + i, grad + i, &f, piece_length(count, i, PIECE_ELEMENTS));
}

/* In double: the global norm clips every tensor's gradient, so its last bits must not depend on the
 * number of threads or the CPU. */
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

size_t squares_block(size_t count)
{
    size_t block = (count + SQUARES_MOST - 1) / SQUARES_MOST;
    return block < PIECE_ELEMENTS ? PIECE_ELEMENTS : block;
}

void sums_of_squares(double *sums, const float *values, size_t block, size_t count)
{
    FOR_PIECES(i, count, block)
    sum_piece(&sums[i / block], values + i, piece_length(count, i, block));
}

double sum_of_squares(const float *values, size_t count)
{
    double sums[SQUARES_MOST] = {0}, sum = 0;
    sums_of_squares(sums, values, squares_block(count), count);
    for (size_t i = 0; i < SQUARES_MOST; i++)
        sum += sums[i];
    return sum;
}
