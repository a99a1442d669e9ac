/* LayerNorm (Ba, Kiros, Hinton 2016) over the channels of each row. */
#include "kernels/kernels.h"

#include "kernels/pieces.h"
#include "kernels/simd.h"

KERNEL(forward,
       (float *out, float *mean, float *rstd, const float *in, const float *weight,
        const float *bias, size_t rows, size_t C),
       (out, mean, rstd, in, weight, bias, rows, C))
{
    for (size_t n = 0; n < rows; n++) {
        const float *x = in + n * C;
        float *y = out + n * C;
        float m = simd_sum(x, C) / (float)C;
        for (size_t c = 0; c < C; c++) /* out holds x - mean for a moment */
            y[c] = x[c] - m;
        float r = 1.0f / sqrtf(simd_dot(y, y, C) / (float)C + NORM_EPS);
        for (size_t c = 0; c < C; c++)
            y[c] = y[c] * r * weight[c] + bias[c];
        mean[n] = m;
        rstd[n] = r;
    }
}

struct row_sums {
    lanes g, gx;
};

SIMD_INLINE void add_to_sums(struct row_sums *sums, const float *d, const float *weight,
                             const float *x, float mean, float rstd, size_t c, size_t C)
{
    lanes g = simd_at(d, c, C) * simd_at(weight, c, C);
    sums->g += g;
    sums->gx += g * ((simd_at(x, c, C) - mean) * rstd);
}

/* With x_hat = (x - mean) rstd and g = d_out * weight:
 * d_x = rstd (g - mean(g) - x_hat mean(g x_hat)) */
KERNEL(backward_rows,
       (float *d_in, const float *d_out, const float *in, const float *mean, const float *rstd,
        const float *weight, size_t rows, size_t C),
       (d_in, d_out, in, mean, rstd, weight, rows, C))
{
    for (size_t n = 0; n < rows; n++) {
        const float *x = in + n * C, *d = d_out + n * C;
        float *dx = d_in + n * C;
        float m = mean[n], r = rstd[n];
        struct row_sums even = {0}, odd = {0};
        for (size_t c = 0; c < C; c += 2 * LANES) {
            add_to_sums(&even, d, weight, x, m, r, c, C);
            add_to_sums(&odd, d, weight, x, m, r, c + LANES, C);
        }
        float mean_g = simd_fold(even.g, odd.g) / (float)C;
        float mean_gx = simd_fold(even.gx, odd.gx) / (float)C;
        for (size_t c = 0; c < C; c++)
            dx[c] += r * (d[c] * weight[c] - mean_g - (x[c] - m) * r * mean_gx);
    }
}

KERNEL(backward_columns,
       (float *d_weight, float *d_bias, const float *d_out, const float *in, const float *mean,
        const float *rstd, size_t N, size_t C, size_t columns),
       (d_weight, d_bias, d_out, in, mean, rstd, N, C, columns))
{
    for (size_t n = 0; n < N; n++) {
        const float *x = in + n * C, *d = d_out + n * C;
        float m = mean[n], r = rstd[n];
        for (size_t c = 0; c < columns; c++) {
            d_bias[c] += d[c];
            d_weight[c] += d[c] * ((x[c] - m) * r);
        }
    }
}

void layernorm_forward(float *out, float *mean, float *rstd, const float *in, const float *weight,
                       const float *bias, size_t N, size_t C)
{
    FOR_PIECES(n, N, PIECE_ROWS)
    forward(out + n * C, mean + n, rstd + n, in + n * C, weight, bias,
            piece_length(N, n, PIECE_ROWS), C);
}

void layernorm_backward(float *d_in, float *d_weight, float *d_bias, const float *d_out,
                        const float *in, const float *mean, const float *rstd, const float *weight,
                        size_t N, size_t C)
{
    FOR_PIECES(n, N, PIECE_ROWS)
    backward_rows(d_in + n * C, d_out + n * C, in + n * C, mean + n, rstd + n, weight,
                  piece_length(N, n, PIECE_ROWS), C);
    FOR_PIECES(c, C, PIECE_COLUMNS)
    backward_columns(d_weight + c, d_bias + c, d_out + c, in + c, mean, rstd, N, C,
                     piece_length(C, c, PIECE_COLUMNS));
}
