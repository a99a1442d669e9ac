#ifndef LRSEARCH_GEMM_TILES_H
#define LRSEARCH_GEMM_TILES_H

#include "kernels/gemm.h"

/* Strides of the left operand: from row to row, from step to step of the inner dimension, from one
 * tile's rows to the next tile's. */
struct gemm_left {
    size_t row, step, tile;
};

/* Floats from one packed band of a tile's rows to the next. */
#define GEMM_BAND(tile_rows, inner) ((tile_rows) * (inner) + 8)

/* The functions behind gemm.c, once for each instruction set. */
struct gemm_tiles {
    const char *name;
    size_t rows, columns; /* of a tile: as many as the registers hold sums for */

    /* Multiplies `rows` rows of a by one panel (inner steps); the result has at most a tile's
     * columns. to.row_sums as in add_steps: only tiles without pack_band(), adjacent rows. */
    void (*panel)(struct gemm_into to, const float *a, struct gemm_left left, const float *panel,
                  size_t rows, size_t columns, size_t inner);
    /* Packs a panel: packed (inner, a tile's columns) = b (inner, columns), padded with zeros. */
    void (*pack_panel)(float *packed, struct operand b, size_t columns, size_t inner);
    /* Packs rows of a transposed a (the next step of all rows is `step` away) into bands of a
     * tile's rows, GEMM_BAND apart, so that the values of one step are adjacent. sums: as in
     * add_steps, or NULL. No such function: tiles read these rows in place. */
    void (*pack_band)(float *packed, float *sums, const float *a, size_t step, size_t rows,
                      size_t inner);
    /* Adds the steps of each such row to its sum, one after the other. */
    void (*add_steps)(float *sums, const float *a, size_t step, size_t rows, size_t inner);
};

extern const struct gemm_tiles gemm_plain;
#ifdef __x86_64__
extern const struct gemm_tiles gemm_avx2, gemm_avx512;
#endif

#endif
