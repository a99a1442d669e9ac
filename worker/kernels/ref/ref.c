/* The formula of each kernel, written directly. Gradients need no twin: tests compute them from
 * these by central differences. */
#include "kernels/ref/ref.h"

#include <math.h>

void ref_linear_forward(double *out, const double *in, const double *weight, const double *bias,
                        size_t N, size_t K, size_t M)
{
    for (size_t n = 0; n < N; n++)
        for (size_t m = 0; m < M; m++) {
            double sum = bias ? bias[m] : 0;
            for (size_t k = 0; k < K; k++)
                sum += in[n * K + k] * weight[m * K + k];
            out[n * M + m] = sum;
        }
}

void ref_layernorm_forward(double *out, const double *in, const double *weight, const double *bias,
                           size_t N, size_t C)
{
    for (size_t n = 0; n < N; n++) {
        double mean = 0, variance = 0;
        for (size_t c = 0; c < C; c++)
            mean += in[n * C + c] / (double)C;
        for (size_t c = 0; c < C; c++)
            variance += (in[n * C + c] - mean) * (in[n * C + c] - mean) / (double)C;
        for (size_t c = 0; c < C; c++)
            out[n * C + c] = (in[n * C + c] - mean) / sqrt(variance + 1e-5) * weight[c] + bias[c];
    }
}

void ref_rmsnorm_forward(double *out, const double *in, const double *weight, size_t N, size_t C)
{
    for (size_t n = 0; n < N; n++) {
        double mean_square = 0;
        for (size_t c = 0; c < C; c++)
            mean_square += in[n * C + c] * in[n * C + c] / (double)C;
        for (size_t c = 0; c < C; c++)
            out[n * C + c] = in[n * C + c] / sqrt(mean_square + 1e-5) * weight[c];
    }
}

void ref_qk_norm_forward(double *out, const double *qkv, const double *q_weight,
                         const double *k_weight, size_t N, size_t C, size_t H)
{
    for (size_t i = 0; i < N * 3 * C; i++)
        out[i] = qkv[i];
    for (size_t n = 0; n < N; n++)
        for (size_t h = 0; h < 2 * H; h++)
            ref_rmsnorm_forward(out + n * 3 * C + h * (C / H), qkv + n * 3 * C + h * (C / H),
                                h < H ? q_weight : k_weight, 1, C / H);
}

void ref_rope_forward(double *out, const double *qkv, size_t N, size_t T, size_t C, size_t H)
{
    size_t D = C / H;
    for (size_t i = 0; i < N * 3 * C; i++)
        out[i] = qkv[i];
    for (size_t n = 0; n < N; n++)
        for (size_t h = 0; h < 2 * H; h++)
            for (size_t i = 0; i < D / 2; i++) {
                size_t low = n * 3 * C + h * D + i, high = low + D / 2;
                double angle = (double)(n % T) / pow(10000, 2 * (double)i / (double)D);
                out[low] = qkv[low] * cos(angle) - qkv[high] * sin(angle);
                out[high] = qkv[low] * sin(angle) + qkv[high] * cos(angle);
            }
}

void ref_swiglu_forward(double *out, const double *in, size_t N, size_t F)
{
    for (size_t n = 0; n < N; n++)
        for (size_t f = 0; f < F; f++) {
            double gate = in[n * 2 * F + f], up = in[n * 2 * F + F + f];
            out[n * F + f] = gate / (1 + exp(-gate)) * up;
        }
}

void ref_gelu_forward(double *out, const double *in, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double x = in[i];
        out[i] =
            0.5 * x * (1 + tanh(sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
    }
}

void ref_attention_forward(double *out, const double *qkv, double scale, size_t B, size_t T,
                           size_t C, size_t H)
{
    size_t D = C / H;
    for (size_t b = 0; b < B; b++)
        for (size_t h = 0; h < H; h++)
            for (size_t i = 0; i < T; i++) {
                const double *q = qkv + (b * T + i) * 3 * C + h * D;
                double total = 0, *o = out + (b * T + i) * C + h * D;
                for (size_t d = 0; d < D; d++)
                    o[d] = 0;
                for (size_t j = 0; j <= i; j++) {
                    const double *k = qkv + (b * T + j) * 3 * C + C + h * D, *v = k + C;
                    double score = 0;
                    for (size_t d = 0; d < D; d++)
                        score += q[d] * k[d];
                    double p = exp(scale * score);
                    total += p;
                    for (size_t d = 0; d < D; d++)
                        o[d] += p * v[d];
                }
                for (size_t d = 0; d < D; d++)
                    o[d] /= total;
            }
}

/* out (rows, cols) = a (rows, inner) b (inner, cols) */
static void product(double *out, const double *a, const double *b, size_t rows, size_t cols,
                    size_t inner)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++) {
            out[i * cols + j] = 0;
            for (size_t k = 0; k < inner; k++)
                out[i * cols + j] += a[i * inner + k] * b[k * cols + j];
        }
}

void ref_newton_schulz(double *x, double *room, size_t rows, size_t cols)
{
    double *gram = room, *square = gram + rows * rows, *product_x = square + rows * rows;
    double squares = 0;
    for (size_t i = 0; i < rows * cols; i++)
        squares += x[i] * x[i];
    for (size_t i = 0; i < rows * cols; i++)
        x[i] /= sqrt(squares) + 1e-12;
    for (int step = 0; step < 5; step++) {
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < rows; j++) {
                gram[i * rows + j] = 0;
                for (size_t k = 0; k < cols; k++)
                    gram[i * rows + j] += x[i * cols + k] * x[j * cols + k];
            }
        product(square, gram, gram, rows, rows, rows);
        for (size_t i = 0; i < rows * rows; i++)
            gram[i] = -4.7750 * gram[i] + 2.0315 * square[i];
        product(product_x, gram, x, rows, cols, rows);
        for (size_t i = 0; i < rows * cols; i++)
            x[i] = 3.4445 * x[i] + product_x[i];
    }
}

void ref_cross_entropy(double *losses, const double *logits, const uint32_t *labels,
                       double logit_scale, double z_loss, size_t N, size_t V)
{
    for (size_t n = 0; n < N; n++) {
        double sum = 0, largest = -INFINITY;
        for (size_t v = 0; v < V; v++)
            largest = fmax(largest, logit_scale * logits[n * V + v]);
        for (size_t v = 0; v < V; v++)
            sum += exp(logit_scale * logits[n * V + v] - largest);
        double log_z = log(sum) + largest;
        losses[n] = log_z - logit_scale * logits[n * V + labels[n]] + z_loss * log_z * log_z;
    }
}
