/* Normalisation of rows. LayerNorm (Ba, Kiros, Hinton 2016) over a row's channels. RMSNorm (Zhang &
 * Sennrich 2019): y = x rstd weight with rstd = 1 / sqrt(mean(x^2) + eps), over whole rows (llama's
 * norms), and over each head's queries and keys (qk-norm, Henry et al. 2020), whose rows are parts
 * of qkv. */
#include "kernels/kernels.h"

#include "kernels/pieces.h"
#include "kernels/simd.h"

/* ---- LayerNorm ---- */

KERNEL(layernorm_rows,
       (float *out, float *mean, float *rstd, const float *in, const float *weight,
        const float *bias, size_t rows, size_t C),
       (out, mean, rstd, in, weight, bias, rows, C))
{
    for (size_t n = 0; n < rows; n++) {
        const float *x = in + n * C;
        float *y = out + n * C;
        float m = simd_sum(x, C) / (float)C;
        for (size_t c = 0; c < C; c++) /* out holds x - mean temporarily */
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
KERNEL(layernorm_backward_rows,
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

KERNEL(layernorm_backward_columns,
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
    layernorm_rows(out + n * C, mean + n, rstd + n, in + n * C, weight, bias,
                   piece_length(N, n, PIECE_ROWS), C);
}

void layernorm_backward(float *d_in, float *d_weight, float *d_bias, const float *d_out,
                        const float *in, const float *mean, const float *rstd, const float *weight,
                        size_t N, size_t C)
{
    FOR_PIECES(n, N, PIECE_ROWS)
    layernorm_backward_rows(d_in + n * C, d_out + n * C, in + n * C, mean + n, rstd + n, weight,
                            piece_length(N, n, PIECE_ROWS), C);
    FOR_PIECES(c, C, PIECE_COLUMNS)
    layernorm_backward_columns(d_weight + c, d_bias + c, d_out + c, in + c, mean, rstd, N, C,
                               piece_length(C, c, PIECE_COLUMNS));
}

/* ---- RMSNorm ---- */

SIMD_INLINE float rms_row(float *y, const float *x, const float *weight, size_t C)
{
    float r = 1.0f / sqrtf(simd_dot(x, x, C) / (float)C + NORM_EPS);
    for (size_t c = 0; c < C; c++)
        y[c] = x[c] * r * weight[c];
    return r;
}

/* With g = d_out * weight, d_x = r (g - x r^2 mean(g x)); returns r^2 mean(g x). */
SIMD_INLINE float along_row(const float *d, const float *x, const float *weight, float r, size_t C)
{
    lanes even = {0}, odd = {0};
    for (size_t c = 0; c < C; c += 2 * LANES) {
        even += simd_at(d, c, C) * simd_at(weight, c, C) * simd_at(x, c, C);
        odd += simd_at(d, c + LANES, C) * simd_at(weight, c + LANES, C) * simd_at(x, c + LANES, C);
    }
    return r * r * simd_fold(even, odd) / (float)C;
}

KERNEL(rmsnorm_rows,
       (float *out, float *rstd, const float *in, const float *weight, size_t rows, size_t C),
       (out, rstd, in, weight, rows, C))
{
    for (size_t n = 0; n < rows; n++)
        rstd[n] = rms_row(out + n * C, in + n * C, weight, C);
}

KERNEL(rmsnorm_backward_rows,
       (float *d_in, const float *d_out, const float *in, const float *rstd, const float *weight,
        size_t rows, size_t C),
       (d_in, d_out, in, rstd, weight, rows, C))
{
    for (size_t n = 0; n < rows; n++) {
        const float *x = in + n * C, *d = d_out + n * C;
        float *dx = d_in + n * C;
        float r = rstd[n], along = along_row(d, x, weight, r, C);
        for (size_t c = 0; c < C; c++)
            dx[c] += r * (d[c] * weight[c] - x[c] * along);
    }
}

KERNEL(rmsnorm_backward_columns,
       (float *d_weight, const float *d_out, const float *in, const float *rstd, size_t N, size_t C,
        size_t columns),
       (d_weight, d_out, in, rstd, N, C, columns))
{
    for (size_t n = 0; n < N; n++)
        for (size_t c = 0; c < columns; c++)
            d_weight[c] += d_out[n * C + c] * (in[n * C + c] * rstd[n]);
}

void rmsnorm_forward(float *out, float *rstd, const float *in, const float *weight, size_t N,
                     size_t C)
{
    FOR_PIECES(n, N, PIECE_ROWS)
    rmsnorm_rows(out + n * C, rstd + n, in + n * C, weight, piece_length(N, n, PIECE_ROWS), C);
}

void rmsnorm_backward(float *d_in, float *d_weight, const float *d_out, const float *in,
                      const float *rstd, const float *weight, size_t N, size_t C)
{
    FOR_PIECES(n, N, PIECE_ROWS)
    rmsnorm_backward_rows(d_in + n * C, d_out + n * C, in + n * C, rstd + n, weight,
                          piece_length(N, n, PIECE_ROWS), C);
    FOR_PIECES(c, C, PIECE_COLUMNS)
    rmsnorm_backward_columns(d_weight + c, d_out + c, in + c, rstd, N, C,
                             piece_length(C, c, PIECE_COLUMNS));
}

/* ---- queries and keys ---- */

/* Head i of 2 H (queries, then keys) of a row of qkv starts at i * D. */
KERNEL(heads_forward,
       (float *qkv, float *raw, float *rstd, const float *q_weight, const float *k_weight,
        size_t rows, size_t C, size_t H),
       (qkv, raw, rstd, q_weight, k_weight, rows, C, H))
{
    size_t D = C / H;
    for (size_t n = 0; n < rows; n++) {
        float *x = raw + n * 2 * C, *y = qkv + n * 3 * C;
        memcpy(x, y, 2 * C * sizeof(float));
        for (size_t i = 0; i < 2 * H; i++)
            rstd[n * 2 * H + i] = rms_row(y + i * D, x + i * D, i < H ? q_weight : k_weight, D);
    }
}

KERNEL(heads_backward,
       (float *d_qkv, const float *raw, const float *rstd, const float *q_weight,
        const float *k_weight, size_t rows, size_t C, size_t H),
       (d_qkv, raw, rstd, q_weight, k_weight, rows, C, H))
{
    size_t D = C / H;
    for (size_t n = 0; n < rows; n++)
        for (size_t i = 0; i < 2 * H; i++) {
            const float *x = raw + n * 2 * C + i * D, *weight = i < H ? q_weight : k_weight;
            float *d = d_qkv + n * 3 * C + i * D;
            float r = rstd[n * 2 * H + i], along = along_row(d, x, weight, r, D);
            for (size_t c = 0; c < D; c++)
                d[c] = r * (d[c] * weight[c] - x[c] * along);
        }
}

/* One gain for all heads: sums over rows and heads, in order. */
KERNEL(heads_backward_weight,
       (float *d_weight, const float *d, const float *x, const float *rstd, size_t N, size_t C,
        size_t H),
       (d_weight, d, x, rstd, N, C, H))
{
    size_t D = C / H;
    for (size_t n = 0; n < N; n++)
        for (size_t h = 0; h < H; h++)
            for (size_t c = 0; c < D; c++)
                d_weight[c] +=
                    d[n * 3 * C + h * D + c] * (x[n * 2 * C + h * D + c] * rstd[n * 2 * H + h]);
}

void qk_norm_forward(float *qkv, float *raw, float *rstd, const float *q_weight,
                     const float *k_weight, size_t N, size_t C, size_t H)
{
    FOR_PIECES(n, N, PIECE_ROWS)
    heads_forward(qkv + n * 3 * C, raw + n * 2 * C, rstd + n * 2 * H, q_weight, k_weight,
                  piece_length(N, n, PIECE_ROWS), C, H);
}

void qk_norm_backward(float *d_qkv, float *d_q_weight, float *d_k_weight, const float *raw,
                      const float *rstd, const float *q_weight, const float *k_weight, size_t N,
                      size_t C, size_t H)
{
    heads_backward_weight(d_q_weight, d_qkv, raw, rstd, N, C, H);
    heads_backward_weight(d_k_weight, d_qkv + C, raw + C, rstd + H, N, C, H);
    FOR_PIECES(n, N, PIECE_ROWS)
    heads_backward(d_qkv + n * 3 * C, raw + n * 2 * C, rstd + n * 2 * H, q_weight, k_weight,
                   piece_length(N, n, PIECE_ROWS), C, H);
}
