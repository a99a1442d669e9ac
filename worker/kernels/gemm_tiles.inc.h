/* The tiles, included by gemm_avx2.c, gemm_avx512.c and gemm_plain.c. Each first defines
 *   TILE_TARGET (function attributes), TILE_ROWS, TILE_COLUMNS,
 *   TILE_AHEAD: 0, or the rows of a transposed a are not packed but read in place, and fetched into
 *     L1 so many steps before,
 *   vec, LANES, vec_load, vec_store, vec_each (one value in all lanes), vec_add, vec_fma,
 *   vec_load_rows, vec_store_rows: TILE_ROWS values; used with TILE_AHEAD only,
 *   transpose(): packs `inner` steps of a whole panel whose columns are contiguous, `stride` apart
 * and gets any_panel(), pack_panel(), add_steps() and, without TILE_AHEAD, pack_band() for its
 * struct gemm_tiles.
 *
 * A tile is TILE_ROWS rows and one panel's columns of the result. Its sums stay in registers; each
 * step of the inner dimension takes one row of the panel and one value of each row of a. */

#include <stdbool.h>
#include <string.h>

#define TILE_INLINE static inline __attribute__((always_inline)) TILE_TARGET

enum { VECTORS = TILE_COLUMNS / LANES, LINE = 16 /* floats of a cache line */ };

/* Step by step, so that the sums of many rows are under way at a time. */
TILE_TARGET static void add_steps(float *sums, const float *a, size_t step, size_t rows,
                                  size_t inner)
{
    for (size_t k = 0; k < inner; k++, a += step) {
        size_t i = 0;
        for (; i + LANES <= rows; i += LANES)
            vec_store(sums + i, vec_add(vec_load(sums + i), vec_load(a + i)));
        for (; i < rows; i++)
            sums[i] += a[i];
    }
}

/* The first `vectors` of a panel. Compile-time constants at each call: vectors, rows, ahead (fetch
 * the adjacent values of a early), with_sums (add them to to.row_sums). */
TILE_INLINE void tile(int rows, int vectors, bool ahead, bool with_sums, struct gemm_into to,
                      const float *a, size_t row, size_t step, const float *panel, size_t inner)
{
    vec sums[TILE_ROWS][VECTORS], b[VECTORS], of_rows = vec_each(0.0f);
    if (with_sums)
        of_rows = vec_load_rows(to.row_sums);
    for (int v = 0; v < vectors; v++)
        b[v] = to.bias ? vec_load(to.bias + v * LANES) : vec_each(0.0f);
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < vectors; v++)
            sums[i][v] = b[v];
    for (int i = 0; i < rows; i++) /* into L2: in L1, rows of a power of two evict each other */
        for (int j = 0; j < vectors * LANES; j += LINE)
            __builtin_prefetch(to.out + (size_t)i * to.ld + j, 0, 2);
    for (size_t k = 0; k < inner; k++, a += step, panel += TILE_COLUMNS) {
        for (int v = 0; v < vectors; v++)
            b[v] = vec_load(panel + v * LANES);
        if (ahead) { /* they may lie in two cache lines */
            __builtin_prefetch(a + TILE_AHEAD * step);
            __builtin_prefetch(a + TILE_AHEAD * step + TILE_ROWS - 1);
        }
        if (with_sums)
            of_rows = vec_add(of_rows, vec_load_rows(a));
        for (int i = 0; i < rows; i++) {
            vec x = vec_each(a[(size_t)i * row]);
            for (int v = 0; v < vectors; v++)
                sums[i][v] = vec_fma(x, b[v], sums[i][v]);
        }
    }
    if (to.add)
        for (int i = 0; i < rows; i++)
            for (int v = 0; v < vectors; v++)
                sums[i][v] = vec_add(vec_load(to.out + (size_t)i * to.ld + v * LANES), sums[i][v]);
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < vectors; v++)
            vec_store(to.out + (size_t)i * to.ld + v * LANES, sums[i][v]);
    if (with_sums)
        vec_store_rows(to.row_sums, of_rows);
}

/* The rows left over when TILE_ROWS does not divide their number; attention takes 12 at a time. */
TILE_INLINE void last_rows(size_t rows, int vectors, struct gemm_into to, const float *a,
                           struct gemm_left left, const float *panel, size_t inner)
{
#define ROWS(n)                                                                                    \
    if (n < TILE_ROWS && rows >= n) {                                                              \
        tile(n, vectors, false, false, to, a, left.row, left.step, panel, inner);                  \
        rows -= n, a += n * left.row, to.out += n * to.ld;                                         \
    }
    ROWS(12) ROWS(8) ROWS(4) ROWS(2) ROWS(1)
#undef ROWS
}

TILE_INLINE void panel_of(int vectors, struct gemm_into to, const float *a, struct gemm_left left,
                          const float *panel, size_t rows, size_t inner)
{
    bool in_place = left.row == 1 && TILE_AHEAD > 0;
    bool packed = left.row == 1 && left.step == TILE_ROWS; /* constant strides give faster code */
    for (; rows >= TILE_ROWS; rows -= TILE_ROWS, a += left.tile, to.out += TILE_ROWS * to.ld)
        if (in_place && to.row_sums) {
            tile(TILE_ROWS, vectors, true, true, to, a, 1, left.step, panel, inner);
            to.row_sums += TILE_ROWS;
        } else if (in_place)
            tile(TILE_ROWS, vectors, true, false, to, a, 1, left.step, panel, inner);
        else if (packed)
            tile(TILE_ROWS, vectors, false, false, to, a, 1, TILE_ROWS, panel, inner);
        else
            tile(TILE_ROWS, vectors, false, false, to, a, left.row, left.step, panel, inner);
    if (in_place && to.row_sums)
        add_steps(to.row_sums, a, left.step, rows, inner);
    last_rows(rows, vectors, to, a, left, panel, inner);
}

TILE_TARGET static void whole_panel(struct gemm_into to, const float *a, struct gemm_left left,
                                    const float *panel, size_t rows, size_t inner)
{
    panel_of(VECTORS, to, a, left, panel, rows, inner);
}

TILE_TARGET static void half_panel(struct gemm_into to, const float *a, struct gemm_left left,
                                   const float *panel, size_t rows, size_t inner)
{
    panel_of((VECTORS + 1) / 2, to, a, left, panel, rows, inner);
}

/* Columns that fill neither a panel nor half of one are computed in a tile-sized buffer. */
TILE_TARGET static void part_panel(struct gemm_into to, const float *a, struct gemm_left left,
                                   const float *panel, size_t rows, size_t columns, size_t inner)
{
    float room[TILE_ROWS * TILE_COLUMNS], bias[TILE_COLUMNS] = {0};
    for (size_t j = 0; to.bias && j < columns; j++)
        bias[j] = to.bias[j];
    struct gemm_into whole = {room, TILE_COLUMNS, .bias = bias, .row_sums = to.row_sums};
    for (size_t i = 0; i < rows; i += TILE_ROWS, a += left.tile) {
        size_t some = rows - i < TILE_ROWS ? rows - i : TILE_ROWS;
        if (columns <= TILE_COLUMNS / 2)
            half_panel(whole, a, left, panel, some, inner);
        else
            whole_panel(whole, a, left, panel, some, inner);
        for (size_t r = 0; r < some; r++)
            for (size_t j = 0; j < columns; j++) {
                float *out = &to.out[(i + r) * to.ld + j], sum = room[r * TILE_COLUMNS + j];
                *out = to.add ? *out + sum : sum;
            }
        whole.row_sums = to.row_sums ? to.row_sums + i + TILE_ROWS : NULL;
    }
}

static void any_panel(struct gemm_into to, const float *a, struct gemm_left left,
                      const float *panel, size_t rows, size_t columns, size_t inner)
{
    if (columns == TILE_COLUMNS)
        whole_panel(to, a, left, panel, rows, inner);
    else if (columns == TILE_COLUMNS / 2 && VECTORS > 1)
        half_panel(to, a, left, panel, rows, inner);
    else
        part_panel(to, a, left, panel, rows, columns, inner);
}

TILE_TARGET static void pack_panel(float *packed, struct operand b, size_t columns, size_t inner)
{
    const float *from = b.data;
    if (columns == TILE_COLUMNS && b.column == 1)
        for (size_t k = 0; k < inner; k++, from += b.row, packed += TILE_COLUMNS)
            memcpy(packed, from, TILE_COLUMNS * sizeof(float));
    else if (columns == TILE_COLUMNS && b.row == 1)
        transpose(packed, from, b.column, inner);
    else
        for (size_t k = 0; k < inner; k++, from += b.row, packed += TILE_COLUMNS)
            for (size_t j = 0; j < TILE_COLUMNS; j++)
                packed[j] = j < columns ? from[j * b.column] : 0.0f;
}

#if !TILE_AHEAD
/* Packs some steps of all rows at a time, so that each cache line is fetched once. Copying COPIED
 * values is faster than TILE_ROWS: the excess is overwritten by the next step, or falls into the
 * gap between bands. */
TILE_TARGET static void pack_band(float *packed, float *sums, const float *a, size_t step,
                                  size_t rows, size_t inner)
{
    enum { STEPS = 8, COPIED = (TILE_ROWS + 7) / 8 * 8 };
    for (size_t first = 0; first < inner; first += STEPS) {
        size_t end = inner - first < STEPS ? inner : first + STEPS;
        float *band = packed + first * TILE_ROWS;
        for (size_t i = 0; i < rows; i += TILE_ROWS, band += GEMM_BAND(TILE_ROWS, inner)) {
            size_t some = rows - i < TILE_ROWS ? rows - i : TILE_ROWS;
            if (i + COPIED <= rows)
                for (size_t k = first; k < end; k++)
                    memcpy(band + (k - first) * TILE_ROWS, a + k * step + i,
                           COPIED * sizeof(float));
            else
                for (size_t k = first; k < end; k++)
                    memcpy(band + (k - first) * TILE_ROWS, a + k * step + i, some * sizeof(float));
        }
        if (sums)
            add_steps(sums, a + first * step, step, rows, end - first);
    }
}
#endif
