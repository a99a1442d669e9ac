#ifndef LRSEARCH_GEMM_TILES_H
#define LRSEARCH_GEMM_TILES_H

#include "kernels/gemm.h"

/* Where the values of the left operand lie: from one row to the next, from one step of the inner
 * dimension to the next, from one tile's rows to the next tile's. */
struct gemm_left {
    size_t row, step, tile;
};

/* Floats from one packed band of a tile's rows to the next. */
#define GEMM_BAND(tile_rows, inner) ((tile_rows) * (inner) + 8)

/* What gemm.c is made of, once for each kind of instructions. */
struct gemm_tiles {
    const char *name;
    size_t rows; /* of a tile: as many sums as fit the registers */

    /* One panel (inner steps) against `rows` rows of a, `columns` <= GEMM_PANEL of the result. */
    void (*panel)(struct gemm_into to, const float *a, struct gemm_left left, const float *panel,
                  size_t rows, size_t columns, size_t inner);
    /* Rows of a that lie across (the next step of all rows is `step` away) into bands of a tile's
     * rows, GEMM_BAND apart, so that the values of one step are neighbours. sums: as below, or
     * NULL. */
    void (*pack_band)(float *packed, float *sums, const float *a, size_t step, size_t rows,
                      size_t inner);
    /* The steps of each of such rows are added to its sum, one after the other. */
    void (*add_steps)(float *sums, const float *a, size_t step, size_t rows, size_t inner);
    /* A whole panel of a transposed operand: packed (inner, 16) = (16, inner)^T, `stride` apart. */
    void (*transpose)(float *packed, const float *from, size_t stride, size_t inner);
};

extern const struct gemm_tiles gemm_plain;
#ifdef __x86_64__
extern const struct gemm_tiles gemm_avx2, gemm_avx512;
#endif

#endif
