/* Causal self-attention by blocks of query rows. The probabilities of a block (QUERY_BLOCK x keys
 * so far) live in scratch and are thrown away; the way back computes them again from the
 * log-sum-exp of each row (Dao et al. 2022, FlashAttention). Keys after the block are never
 * touched, so that nearly half of the square is skipped. */
#include "kernels/kernels.h"

#include <cblas.h>
#ifdef _OPENMP
#include <omp.h>
#endif
#include "kernels/pieces.h"
#include "kernels/simd.h"

enum { QUERY_BLOCK = 64 };

size_t attention_scratch(size_t T)
{
    return (size_t)kernel_threads * 2 * QUERY_BLOCK * T;
}

/* Each thread has its part. */
static float *own_scratch(float *scratch, size_t T)
{
#ifdef _OPENMP
    return scratch + (size_t)omp_get_thread_num() * 2 * QUERY_BLOCK * T;
#else
    (void)T;
    return scratch;
#endif
}

/* out (rows, columns) = a (rows, inner) b (columns, inner)^T */
static void product_nt(float *out, size_t ld_out, const float *a, size_t ld_a, const float *b,
                       size_t ld_b, size_t rows, size_t columns, size_t inner)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)rows, (int)columns, (int)inner, 1.0f,
                a, (int)ld_a, b, (int)ld_b, 0.0f, out, (int)ld_out);
}

/* out (rows, columns) = a (rows, inner) b (inner, columns) */
static void product_nn(float *out, size_t ld_out, const float *a, size_t ld_a, const float *b,
                       size_t ld_b, size_t rows, size_t columns, size_t inner)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows, (int)columns, (int)inner,
                1.0f, a, (int)ld_a, b, (int)ld_b, 0.0f, out, (int)ld_out);
}

/* out (rows, columns) += a (inner, rows)^T b (inner, columns) */
static void add_product_tn(float *out, size_t ld_out, const float *a, size_t ld_a, const float *b,
                           size_t ld_b, size_t rows, size_t columns, size_t inner)
{
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)rows, (int)columns, (int)inner, 1.0f,
                a, (int)ld_a, b, (int)ld_b, 1.0f, out, (int)ld_out);
}

/* Scores of rows first..first+rows-1 over `keys` columns become probabilities; what lies after the
 * diagonal becomes 0. lse (rows). */
KERNEL_CLONES static void softmax_rows(float *scores, float *lse, float scale, size_t first,
                                       size_t rows, size_t keys)
{
    for (size_t i = 0; i < rows; i++) {
        float *row = scores + i * keys;
        size_t seen = first + i + 1;
        float largest = simd_max(row, seen);
        for (size_t j = 0; j < seen; j++)
            row[j] = simd_exp(scale * (row[j] - largest));
        float sum = simd_sum(row, seen);
        float inverse = 1.0f / sum;
        for (size_t j = 0; j < seen; j++)
            row[j] *= inverse;
        for (size_t j = seen; j < keys; j++)
            row[j] = 0.0f;
        lse[i] = scale * largest + logf(sum);
    }
}

/* scores -> probabilities p by the kept lse, and d_p -> d(score) = p (d_p - sum(d_out out)) scale.
 */
KERNEL_CLONES static void softmax_rows_backward(float *scores, float *d_p, const float *lse,
                                                const float *d_out, const float *out, size_t ld,
                                                float scale, size_t first, size_t rows, size_t keys,
                                                size_t D)
{
    for (size_t i = 0; i < rows; i++) {
        float *p = scores + i * keys, *d = d_p + i * keys;
        size_t seen = first + i + 1;
        float delta = simd_dot(d_out + i * ld, out + i * ld, D);
        for (size_t j = 0; j < seen; j++) {
            float probability = simd_exp(scale * p[j] - lse[i]);
            d[j] = probability * (d[j] - delta) * scale;
            p[j] = probability;
        }
        for (size_t j = seen; j < keys; j++)
            p[j] = d[j] = 0.0f;
    }
}

struct heads {
    size_t T, C, H;
    float scale;
};

/* Sequence b, head h of pair b * H + h. */
static void forward_head(float *out, float *lse, const float *qkv, const struct heads *heads,
                         float *scratch, size_t pair)
{
    size_t T = heads->T, C = heads->C, D = C / heads->H, ld = 3 * C;
    size_t b = pair / heads->H, h = pair % heads->H;
    const float *q = qkv + b * T * ld + h * D, *k = q + C, *v = k + C;
    scratch = own_scratch(scratch, T);
    for (size_t first = 0; first < T; first += QUERY_BLOCK) {
        size_t rows = T - first < QUERY_BLOCK ? T - first : QUERY_BLOCK;
        size_t keys = first + rows;
        product_nt(scratch, keys, q + first * ld, ld, k, ld, rows, keys, D);
        softmax_rows(scratch, lse + pair * T + first, heads->scale, first, rows, keys);
        product_nn(out + (b * T + first) * C + h * D, C, scratch, keys, v, ld, rows, D, keys);
    }
}

static void backward_head(float *d_qkv, const float *d_out, const float *qkv, const float *out,
                          const float *lse, const struct heads *heads, float *scratch, size_t pair)
{
    size_t T = heads->T, C = heads->C, D = C / heads->H, ld = 3 * C;
    size_t b = pair / heads->H, h = pair % heads->H, at = b * T * ld + h * D;
    const float *q = qkv + at, *k = q + C, *v = k + C;
    float *dq = d_qkv + at, *dk = dq + C, *dv = dk + C;
    scratch = own_scratch(scratch, T);
    float *d_p = scratch + QUERY_BLOCK * T;
    for (size_t first = 0; first < T; first += QUERY_BLOCK) {
        size_t rows = T - first < QUERY_BLOCK ? T - first : QUERY_BLOCK;
        size_t keys = first + rows, row = (b * T + first) * C + h * D;
        product_nt(scratch, keys, q + first * ld, ld, k, ld, rows, keys, D);
        product_nt(d_p, keys, d_out + row, C, v, ld, rows, keys, D);
        softmax_rows_backward(scratch, d_p, lse + pair * T + first, d_out + row, out + row, C,
                              heads->scale, first, rows, keys, D);
        product_nn(dq + first * ld, ld, d_p, keys, k, ld, rows, D, keys);
        add_product_tn(dk, ld, d_p, keys, q + first * ld, ld, keys, D, rows);
        add_product_tn(dv, ld, scratch, keys, d_out + row, C, keys, D, rows);
    }
}

void attention_forward(float *out, float *lse, const float *qkv, float scale, float *scratch,
                       size_t B, size_t T, size_t C, size_t H)
{
    const struct heads heads = {T, C, H, scale};
    FOR_PIECES(pair, B * H, 1)
    forward_head(out, lse, qkv, &heads, scratch, pair);
}

void attention_backward(float *d_qkv, const float *d_out, const float *qkv, const float *out,
                        const float *lse, float scale, float *scratch, size_t B, size_t T, size_t C,
                        size_t H)
{
    const struct heads heads = {T, C, H, scale};
    memset(d_qkv, 0, B * T * 3 * C * sizeof(float));
    FOR_PIECES(pair, B * H, 1)
    backward_head(d_qkv, d_out, qkv, out, lse, &heads, scratch, pair);
}
