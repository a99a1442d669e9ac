/* Muon on one matrix (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon): momentum,
 * five steps of Newton-Schulz, update.
 *
 * A step is X <- (a I + b G + c G^2) X with G = X X^T. Here G and the product of the polynomials
 * are iterated in place of X: with p = b G + c G^2
 *
 *     G <- (a I + p)^2 G,    q I + R <- (a I + p) (q I + R),    at the end X <- (q I + R) X
 *
 * All of these are symmetric: only the rows up to the diagonal are multiplied, and mirrored. For a
 * matrix four times as wide as tall that is 38 / 90 of the textbook's FLOPs, for a square one 20 /
 * 30. The multiples of I stay apart, so that bf16 rounds only what is added to them.
 *
 * G squares the singular values: what rounding does to the small ones grows twelvefold a step. So G
 * is computed again from X after RESTART steps; after each one for a square matrix, where that
 * costs as many FLOPs and less mirroring. Measured on spectra down to 1e-8 the error in fp32 is
 * then that of the textbook's steps, 3e-5 of the largest singular value (without: 1e-3); in bf16 it
 * is 5 %, that of the textbook's steps rounded to bf16 2 % to 35 %. */
#include "kernels/kernels.h"

#ifdef __x86_64__
#include "kernels/gemm_avx2.h"
#endif
#include "kernels/gemm_parts.h"
#include "kernels/pieces.h"
#include "kernels/simd.h"

enum {
    STEPS = 5,
    RESTART = 3,
    TILE = 8,                   /* rows and columns of what transpose8() takes */
    HALF = GEMM_PANEL_MOST / 2, /* of a panel */
    PADDING = 16, /* floats of a cache line: rows of a power of two would share few cache sets */
};
static const float A = 3.4445f, B = -4.7750f, C = 2.0315f;

/* ---- elementwise ---- */

KERNEL(momentum_piece,
       (float *out, float *m, const float *grad, float grad_scale, float momentum, size_t count),
       (out, m, grad, grad_scale, momentum, count))
{
    for (size_t i = 0; i < count; i++) {
        float g = grad[i] * grad_scale;
        m[i] = momentum * m[i] + g;
        out[i] = g + momentum * m[i];
    }
}

void muon_momentum(float *out, float *m, const float *grad, float grad_scale, float momentum,
                   size_t count)
{
    FOR_PIECES(i, count, PIECE_ELEMENTS)
    momentum_piece(out + i, m + i, grad + i, grad_scale, momentum,
                   piece_length(count, i, PIECE_ELEMENTS));
}

/* out = out_factor out + a_factor a + b_factor b */
KERNEL(combine,
       (float *out, float out_factor, float a_factor, const float *a, float b_factor,
        const float *b, size_t count),
       (out, out_factor, a_factor, a, b_factor, b, count))
{
    for (size_t i = 0; i < count; i++)
        out[i] = out_factor * out[i] + (a_factor * a[i] + b_factor * b[i]);
}

KERNEL(scale_row, (float *out, float factor, const float *in, size_t count),
       (out, factor, in, count))
{
    for (size_t i = 0; i < count; i++)
        out[i] = factor * in[i];
}

void muon_update(float *weight, const float *x, float lr, float decay, size_t count)
{
    FOR_PIECES(i, count, PIECE_ELEMENTS)
    combine(weight + i, 1.0f - decay, -lr, x + i, 0.0f, x + i,
            piece_length(count, i, PIECE_ELEMENTS));
}

#ifdef __x86_64__
/* Of whole tiles. */
TARGET_AVX2 static void transpose_tiles(float *out, size_t out_ld, const float *in, size_t in_ld,
                                        size_t rows, size_t columns)
{
    for (size_t i = 0; i < rows; i += TILE)
        for (size_t j = 0; j < columns; j += TILE)
            transpose8(out + j * out_ld + i, out_ld, in + i * in_ld + j, in_ld);
}
#endif

/* out (columns, rows) = the transpose of in (rows, columns) */
static void transpose(float *out, size_t out_ld, const float *in, size_t in_ld, size_t rows,
                      size_t columns)
{
    size_t tiled_rows = 0, tiled_columns = 0;
#ifdef __x86_64__
    if (instructions_here() >= INSTRUCTIONS_AVX2) {
        tiled_rows = rows / TILE * TILE;
        tiled_columns = columns / TILE * TILE;
        transpose_tiles(out, out_ld, in, in_ld, tiled_rows, tiled_columns);
    }
#endif
    for (size_t i = 0; i < rows; i++)
        for (size_t j = i < tiled_rows ? tiled_columns : 0; j < columns; j++)
            out[j * out_ld + i] = in[i * in_ld + j];
}

/* ---- symmetric products ---- */

/* Shapes and memory of one matrix: m <= n; ld: strides of (m, m) and of (m, n). */
struct work {
    enum matmul by;
    const struct packing *packing;
    size_t m, n, ld, wide_ld;
    size_t depth;                  /* steps that `packed` has room for */
    float *gram, *p, *sum, *spare; /* (m, m) */
    float *x, *next;               /* (m, n) */
    float *packed;
    size_t size; /* floats of all */
};

static size_t padded(size_t n)
{
    return parts(n, PADDING) * PADDING + PADDING;
}

/* scratch: may be NULL, for the size. */
static struct work lay_work(enum matmul by, float *scratch, size_t rows, size_t cols)
{
    size_t m = rows < cols ? rows : cols, n = rows < cols ? cols : rows;
    struct work w = {.by = by,
                     .packing = by == MATMUL_BF16 ? &packing_bf16 : &packing_fp32,
                     .m = m,
                     .n = n,
                     .ld = padded(m),
                     .wide_ld = padded(n),
                     .depth = m > GEMM_DEPTH ? m : GEMM_DEPTH};
    float **parts[] = {&w.gram, &w.p, &w.sum, &w.spare, &w.x, &w.next, &w.packed};
    size_t square = m * w.ld, wide = m * w.wide_ld;
    size_t sizes[] = {
        square, square, square, square, wide, wide, w.packing->packed_size(w.depth, m)};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        *parts[i] = scratch ? scratch + w.size : NULL;
        w.size += sizes[i];
    }
    return w;
}

size_t newton_schulz_scratch(enum matmul by, size_t rows, size_t cols)
{
    return lay_work(by, NULL, rows, cols).size;
}

double newton_schulz_flops(size_t rows, size_t cols)
{
    double m = (double)(rows < cols ? rows : cols), n = (double)(rows < cols ? cols : rows);
    return m * m * (6 * n + 14 * m);
}

/* The right operand of the next product: b (depth, m). */
static void pack(const struct work *w, struct operand b, size_t depth)
{
    enum { COLUMNS = 2 * GEMM_PANEL_MOST };
    FOR_PIECES(j, w->m, COLUMNS)
    w->packing->pack(w->packed + w->packing->packed_size(depth, j),
                     (struct operand){b.data + j * b.column, b.row, b.column}, depth,
                     piece_length(w->m, j, COLUMNS));
}

/* What a product becomes: product_factor * product + a_factor a + b_factor b. */
struct terms {
    float product_factor, a_factor, b_factor;
    const float *a, *b;
};

/* Rows first, first + 1, ... up to the diagonal, in whole halves of a panel. */
static void rows_to_diagonal(const struct work *w, float *out, struct operand left, size_t depth,
                             bool add, const struct terms *terms, size_t first, size_t rows)
{
    const struct gemm_packed_operand b = {w->packed, depth};
    size_t end = first + rows, columns = smaller(parts(end, HALF) * HALF, w->m);
    left.data += first * left.row;
    w->packing->multiply((struct gemm_into){out + first * w->ld, w->ld, .add = add}, left, b, rows,
                         columns, depth);
    for (size_t i = first; terms && i < end; i++)
        combine(out + i * w->ld, terms->product_factor, terms->a_factor, terms->a + i * w->ld,
                terms->b_factor, terms->b + i * w->ld, end);
}

/* Rows that are multiplied together: a tile's, so that little is computed above the diagonal. */
static size_t block_rows(const struct work *w)
{
    return w->by == MATMUL_BF16 ? 32 : gemm_tile_rows();
}

/* out = left (m, depth) times what is packed, or += with add, up to the diagonal. Block i is
 * computed with block blocks - 1 - i: together all pairs cost the same. */
static void to_diagonal(const struct work *w, float *out, struct operand left, size_t depth,
                        bool add, const struct terms *terms)
{
    size_t some = block_rows(w), blocks = parts(w->m, some);
    FOR_PIECES(i, (blocks + 1) / 2, 1)
    {
        size_t last = (blocks - 1 - i) * some;
        rows_to_diagonal(w, out, left, depth, add, terms, last, piece_length(w->m, last, some));
        if (i * some < last)
            rows_to_diagonal(w, out, left, depth, add, terms, i * some, some);
    }
}

static void mirror(const struct work *w, float *out)
{
    FOR_PIECES(first, w->m, TILE)
    {
        size_t rows = piece_length(w->m, first, TILE);
        transpose(out + first, w->ld, out + first * w->ld, w->ld, rows, first);
        for (size_t i = first; i < first + rows; i++)
            for (size_t j = first; j < i; j++)
                out[j * w->ld + i] = out[i * w->ld + j];
    }
}

/* out = left times what is packed, both symmetric and polynomials of the same matrix */
static void symmetric_product(const struct work *w, float *out, const float *left,
                              const struct terms *terms)
{
    to_diagonal(w, out, (struct operand){left, w->ld, 1}, w->m, false, terms);
    mirror(w, out);
}

static void pack_symmetric(const struct work *w, const float *b)
{
    pack(w, (struct operand){b, w->ld, 1}, w->m);
}

static void gram_of_x(const struct work *w)
{
    for (size_t k = 0; k < w->n; k += w->depth) {
        size_t depth = piece_length(w->n, k, w->depth);
        pack(w, (struct operand){w->x + k, 1, w->wide_ld}, depth);
        to_diagonal(w, w->gram, (struct operand){w->x + k, w->wide_ld, 1}, depth, k > 0, NULL);
    }
    mirror(w, w->gram);
}

/* ---- Newton-Schulz ---- */

static void swap(float **a, float **b)
{
    float *kept = *a;
    *a = *b;
    *b = kept;
}

/* Steps first, ... of a run of `steps`: p, then R in w->sum with *q, then G for the next step. */
static void polynomial_step(struct work *w, float *q, bool first, bool last)
{
    pack_symmetric(w, w->gram);
    symmetric_product(w, w->p, w->gram, &(struct terms){C, B, 0.0f, w->gram, w->gram});
    if (!first || !last)
        pack_symmetric(w, w->p);
    if (!last) {
        symmetric_product(w, w->spare, w->gram, &(struct terms){1.0f, A, 0.0f, w->gram, w->gram});
        symmetric_product(w, w->gram, w->spare, &(struct terms){1.0f, A, 0.0f, w->spare, w->spare});
    }
    if (first) {
        swap(&w->sum, &w->p);
        *q = A;
        return;
    }
    symmetric_product(w, w->spare, w->sum, &(struct terms){1.0f, A, *q, w->sum, w->p});
    swap(&w->sum, &w->spare);
    *q *= A;
}

static void some_steps(struct work *w, int steps)
{
    float q = 1.0f;
    gram_of_x(w);
    for (int i = 0; i < steps; i++)
        polynomial_step(w, &q, i == 0, i + 1 == steps);
    bool apart = w->by == MATMUL_BF16; /* not in fp32: that saves a pass over X */
    for (size_t i = 0; !apart && i < w->m; i++)
        w->sum[i * w->ld + i] += q;
    FOR_PIECES(i, apart ? w->m : 0, 1)
    scale_row(w->next + i * w->wide_ld, q, w->x + i * w->wide_ld, w->n);
    matmul(w->by, (struct gemm_into){w->next, w->wide_ld, .add = apart},
           (struct operand){w->sum, w->ld, 1}, (struct operand){w->x, w->wide_ld, 1}, w->m, w->n,
           w->m);
    swap(&w->x, &w->next);
}

void newton_schulz(enum matmul by, float *x, float *scratch, size_t rows, size_t cols)
{
    struct work w = lay_work(by, scratch, rows, cols);
    float scale = (float)(1.0 / (sqrt(sum_of_squares(x, rows * cols)) + NEWTON_SCHULZ_EPS));
    FOR_PIECES(i, w.m, PIECE_ROWS)
    {
        size_t some = piece_length(w.m, i, PIECE_ROWS);
        if (rows > cols)
            transpose(w.x + i * w.wide_ld, w.wide_ld, x + i, cols, rows, some);
        for (size_t r = i; r < i + some; r++)
            scale_row(w.x + r * w.wide_ld, scale, rows > cols ? w.x + r * w.wide_ld : x + r * cols,
                      w.n);
    }
    int run = w.m < w.n ? RESTART : 1;
    for (int step = 0; step < STEPS; step += run)
        some_steps(&w, step + run < STEPS ? run : STEPS - step);
    FOR_PIECES(i, w.m, PIECE_ROWS)
    {
        size_t some = piece_length(w.m, i, PIECE_ROWS);
        if (rows > cols)
            transpose(x + i, cols, w.x + i * w.wide_ld, w.wide_ld, some, rows);
        for (size_t r = i; rows <= cols && r < i + some; r++)
            memcpy(x + r * cols, w.x + r * w.wide_ld, cols * sizeof(*x));
    }
}
