/* Causal self-attention, head by head, a few query rows at a time. Keys and values of a head are
 * packed once for all its rows. The probabilities of a block of rows are kept only in scratch; the
 * backward pass recomputes them from the log-sum-exp of each row (Dao et al. 2022, FlashAttention).
 * Keys after the last row of a strip are not read. */
#include "kernels/kernels.h"

#ifdef _OPENMP
#include <omp.h>
#endif
#include "kernels/pieces.h"
#include "kernels/simd.h"

/* The products of a precision, and how many query rows they take together. */
struct products {
    size_t strip; /* rows computed over the same keys; the tiles have a case for it */
    size_t block; /* rows after which the gradients of keys and values are added up */
    const struct packing *packing;
};

enum {
    RUN = 16, /* elements of a row of scores that are computed at a time */
    MOST_STRIP = 32,
};

static const struct products *products_of(enum matmul by)
{
    static const struct products fp32 = {12, 48, &packing_fp32};
    static const struct products bf16 = {32, 64, &packing_bf16};
    return by == MATMUL_BF16 ? &bf16 : &fp32;
}

/* One thread's scratch, in floats; each part begins at a multiple of 64 bytes. */
struct room {
    float *keys, *values, *rows_of_keys; /* packed: K^T and V^T (D, T), V or K (T, D) */
    float *queries, *d_out;              /* packed: (block, D) */
    float *scores, *d_scores;            /* (block, ld) */
    size_t ld, size;
};

static size_t whole_runs(size_t n)
{
    return (n + RUN - 1) / RUN * RUN;
}

static struct room lay_room(const struct products *by, float *scratch, size_t T, size_t D)
{
    size_t across = by->packing->packed_size(D, T), along = by->packing->packed_size(T, D);
    struct room room = {.ld = whole_runs(T) + RUN}; /* no power of two: columns are read with this
                                                       stride */
    float **parts[] = {&room.keys,  &room.values, &room.rows_of_keys, &room.queries,
                       &room.d_out, &room.scores, &room.d_scores};
    size_t block = by->packing->packed_size(by->block, D), table = by->block * room.ld;
    size_t sizes[] = {across, across, along, block, block, table, table};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        *parts[i] = scratch ? scratch + room.size : NULL;
        room.size += sizes[i];
    }
    return room;
}

size_t attention_scratch(enum matmul by, size_t T, size_t D)
{
    return (size_t)kernel_threads * lay_room(products_of(by), NULL, T, D).size;
}

static struct room own_room(const struct products *by, float *scratch, size_t T, size_t D)
{
    size_t thread = 0;
#ifdef _OPENMP
    thread = (size_t)omp_get_thread_num();
#endif
    return lay_room(by, scratch + thread * lay_room(by, NULL, T, D).size, T, D);
}

/* Fills a row's scores from the diagonal to the end of its run with a neutral value. */
SIMD_INLINE void close_row(float *row, size_t seen, float with)
{
    for (size_t j = seen; j < whole_runs(seen); j++)
        row[j] = with;
}

SIMD_INLINE void clear(float *row, size_t from, size_t end)
{
    if (from < end)
        memset(row + from, 0, (end - from) * sizeof(float));
}

/* Turns the scores of rows first..first+rows-1 into exp(scale (score - largest)), 0 after the
 * diagonal. inverse: 1 / sum of each row; lse: log-sum-exp. */
KERNEL_512(softmax_rows,
           (float *scores, float *lse, float *inverse, float scale, size_t first, size_t rows,
            size_t ld),
           (scores, lse, inverse, scale, first, rows, ld))
{
    float largest[MOST_STRIP], sum[MOST_STRIP];
    /* each step runs over all rows, so that rows overlap in the pipeline */
    for (size_t i = 0; i < rows; i++) {
        size_t seen = first + i + 1;
        close_row(scores + i * ld, seen, -INFINITY);
        largest[i] = simd_max(scores + i * ld, whole_runs(seen));
    }
    for (size_t i = 0; i < rows; i++) {
        float *row = scores + i * ld;
        size_t whole = whole_runs(first + i + 1);
        for (size_t j = 0; j < whole; j++)
            row[j] = simd_exp(scale * (row[j] - largest[i]));
    }
    for (size_t i = 0; i < rows; i++) {
        size_t whole = whole_runs(first + i + 1);
        sum[i] = simd_sum(scores + i * ld, whole);
        clear(scores + i * ld, whole, first + rows);
    }
    for (size_t i = 0; i < rows; i++) {
        inverse[i] = 1.0f / sum[i];
        lse[i] = scale * largest[i] + logf(sum[i]);
    }
}

KERNEL(scale_rows, (float *out, const float *factors, size_t rows, size_t D, size_t ld),
       (out, factors, rows, D, ld))
{
    for (size_t i = 0; i < rows; i++)
        for (size_t d = 0; d < D; d++)
            out[i * ld + d] *= factors[i];
}

/* scores -> probabilities p by the kept lse, and d_p -> d(score) = p (d_p - sum(d_out out)) scale;
 * both are 0 from the diagonal to `end`. */
KERNEL_512(softmax_rows_backward,
           (float *scores, float *d_p, size_t ld, const float *lse, const float *d_out,
            const float *out, size_t C, float scale, size_t first, size_t rows, size_t end,
            size_t D),
           (scores, d_p, ld, lse, d_out, out, C, scale, first, rows, end, D))
{
    float delta[MOST_STRIP];
    for (size_t i = 0; i < rows; i++)
        delta[i] = simd_dot(d_out + i * C, out + i * C, D);
    for (size_t i = 0; i < rows; i++) {
        float *p = scores + i * ld, *d = d_p + i * ld;
        size_t seen = first + i + 1, whole = whole_runs(seen);
        close_row(p, seen, -INFINITY);
        close_row(d, seen, 0.0f);
        for (size_t j = 0; j < whole; j++) {
            float probability = simd_exp(scale * p[j] - lse[i]);
            d[j] = probability * (d[j] - delta[i]) * scale;
            p[j] = probability;
        }
        clear(p, whole, end);
        clear(d, whole, end);
    }
}

struct heads {
    const struct products *by;
    size_t T, C, H;
    float scale;
};

/* pair = b * H + h: sequence b, head h. */
static void forward_head(float *out, float *lse, const float *qkv, const struct heads *heads,
                         float *scratch, size_t pair)
{
    const struct products *by = heads->by;
    size_t T = heads->T, C = heads->C, D = C / heads->H, ld = 3 * C;
    size_t b = pair / heads->H, h = pair % heads->H;
    const float *q = qkv + b * T * ld + h * D, *k = q + C, *v = k + C;
    const struct room room = own_room(by, scratch, T, D);
    struct gemm_packed_operand keys =
        by->packing->pack(room.keys, (struct operand){k, 1, ld}, D, T);
    struct gemm_packed_operand values =
        by->packing->pack(room.rows_of_keys, (struct operand){v, ld, 1}, T, D);
    out += b * T * C + h * D;
    for (size_t first = 0; first < T; first += by->strip) {
        size_t rows = piece_length(T, first, by->strip), seen = first + rows;
        float inverse[MOST_STRIP];
        by->packing->multiply((struct gemm_into){room.scores, room.ld, .add = 0},
                              (struct operand){q + first * ld, ld, 1}, keys, rows, whole_runs(seen),
                              D);
        softmax_rows(room.scores, lse + pair * T + first, inverse, heads->scale, first, rows,
                     room.ld);
        by->packing->multiply((struct gemm_into){out + first * C, C, .add = 0},
                              (struct operand){room.scores, room.ld, 1}, values, rows, D, seen);
        scale_rows(out + first * C, inverse, rows, D, C);
    }
}

/* Adds a block's contribution table^T b to d_rows (keys, D) of keys 0..first+rows-1. Keys of the
 * block itself have no gradient yet, so theirs is set; each gets it only from its own and later
 * rows. */
static void add_block(const struct products *by, float *d_rows, size_t ld, const float *table,
                      size_t table_ld, struct gemm_packed_operand b, size_t first, size_t rows,
                      size_t D)
{
    by->packing->multiply((struct gemm_into){d_rows, ld, .add = 1},
                          (struct operand){table, 1, table_ld}, b, first, D, rows);
    for (size_t j = 0; j < rows; j += by->strip)
        by->packing->multiply((struct gemm_into){d_rows + (first + j) * ld, ld, .add = 0},
                              (struct operand){table + j * table_ld + first + j, 1, table_ld},
                              by->packing->from(b, j), piece_length(rows, j, by->strip), D,
                              rows - j);
}

static void backward_head(float *d_qkv, const float *d_out, const float *qkv, const float *out,
                          const float *lse, const struct heads *heads, float *scratch, size_t pair)
{
    const struct products *by = heads->by;
    size_t T = heads->T, C = heads->C, D = C / heads->H, ld = 3 * C;
    size_t b = pair / heads->H, h = pair % heads->H, at = b * T * ld + h * D;
    const float *q = qkv + at, *k = q + C, *v = k + C;
    float *dq = d_qkv + at, *dk = dq + C, *dv = dk + C;
    const struct room room = own_room(by, scratch, T, D);
    struct gemm_packed_operand keys =
        by->packing->pack(room.keys, (struct operand){k, 1, ld}, D, T);
    struct gemm_packed_operand values =
        by->packing->pack(room.values, (struct operand){v, 1, ld}, D, T);
    struct gemm_packed_operand key_rows =
        by->packing->pack(room.rows_of_keys, (struct operand){k, ld, 1}, T, D);
    d_out += b * T * C + h * D;
    out += b * T * C + h * D;
    for (size_t first = 0; first < T; first += by->block) {
        size_t rows = piece_length(T, first, by->block);
        for (size_t i = 0; i < rows; i += by->strip) {
            size_t some = piece_length(rows, i, by->strip), row = first + i, seen = row + some;
            float *scores = room.scores + i * room.ld, *d_scores = room.d_scores + i * room.ld;
            by->packing->multiply((struct gemm_into){scores, room.ld, .add = 0},
                                  (struct operand){q + row * ld, ld, 1}, keys, some,
                                  whole_runs(seen), D);
            by->packing->multiply((struct gemm_into){d_scores, room.ld, .add = 0},
                                  (struct operand){d_out + row * C, C, 1}, values, some,
                                  whole_runs(seen), D);
            softmax_rows_backward(scores, d_scores, room.ld, lse + pair * T + row, d_out + row * C,
                                  out + row * C, C, heads->scale, row, some, first + rows, D);
            by->packing->multiply((struct gemm_into){dq + row * ld, ld, .add = 0},
                                  (struct operand){d_scores, room.ld, 1}, key_rows, some, D, seen);
        }
        struct gemm_packed_operand queries =
            by->packing->pack(room.queries, (struct operand){q + first * ld, ld, 1}, rows, D);
        struct gemm_packed_operand d_rows =
            by->packing->pack(room.d_out, (struct operand){d_out + first * C, C, 1}, rows, D);
        add_block(by, dk, ld, room.d_scores, room.ld, queries, first, rows, D);
        add_block(by, dv, ld, room.scores, room.ld, d_rows, first, rows, D);
    }
}

void attention_forward(enum matmul by, float *out, float *lse, const float *qkv, float scale,
                       float *scratch, size_t B, size_t T, size_t C, size_t H)
{
    const struct heads heads = {products_of(by), T, C, H, scale};
    FOR_PIECES(pair, B * H, 1)
    forward_head(out, lse, qkv, &heads, scratch, pair);
}

void attention_backward(enum matmul by, float *d_qkv, const float *d_out, const float *qkv,
                        const float *out, const float *lse, float scale, float *scratch, size_t B,
                        size_t T, size_t C, size_t H)
{
    const struct heads heads = {products_of(by), T, C, H, scale};
    FOR_PIECES(pair, B * H, 1)
    backward_head(d_qkv, d_out, qkv, out, lse, &heads, scratch, pair);
}
