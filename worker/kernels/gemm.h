#ifndef LRSEARCH_GEMM_H
#define LRSEARCH_GEMM_H

#include <stddef.h>

/* Our own matrix product for the shapes of small models, where libraries spend much time on
 * packing. The right operand is packed into panels of gemm_panel() columns, in steps of the inner
 * dimension, padded with zeros; the left one is read in place, or packed into bands of rows if its
 * rows are not contiguous and the tiles are narrow (Goto & van de Geijn 2008).
 *
 * Each element of the result is one chain of fused multiply-adds for every GEMM_DEPTH steps of the
 * inner dimension, and the chains are added in order. So its bits do not depend on what else is
 * computed with it, the number of threads, or the CPU's instruction set (except on a CPU without
 * fused multiply-add). NaN in, NaN out. */

enum {
    GEMM_PANEL_MOST = 32,
    GEMM_DEPTH = 256, /* a panel of this many steps takes 16 or 32 KiB of the L1 cache */
};

/* Element (i, k) is data[i * row + k * column]; one of the two strides is 1. */
struct operand {
    const float *data;
    size_t row, column;
};

/* Destination of a product: out = product, = product + bias (one value per column), or += product.
 * row_sums (may be NULL): one value per row, += the sum of that row of a, at little cost while a is
 * packed (where a is the transposed gradient of a layer's output, its row sums are the gradient of
 * the bias). */
struct gemm_into {
    float *out;
    size_t ld; /* stride from row to row */
    const float *bias;
    int add;
    float *row_sums;
};

/* The instruction set in use: "avx512", "avx2" or "plain". */
const char *gemm_instructions(void);
/* Its tiles: columns of a panel, a multiple of 16 and at most GEMM_PANEL_MOST, and rows. A product
 * of whole tiles is fastest. */
size_t gemm_panel(void);
size_t gemm_tile_rows(void);

/* to = a (rows, inner) b (inner, columns). Packs b, and a if needed, into buffers of the calling
 * thread. */
void gemm(struct gemm_into to, struct operand a, struct operand b, size_t rows, size_t columns,
          size_t inner);

/* Computes only to.row_sums. */
void gemm_row_sums(struct gemm_into to, struct operand a, size_t rows, size_t inner);

/* The same with b packed in advance, for an operand that many small products share. A product may
 * use only the first steps, or begin at step k of gemm_packed_from(). No row sums. */
struct gemm_packed_operand {
    const float *panels; /* 64-byte aligned; gemm_packed_size() floats */
    size_t depth;        /* steps that each panel holds */
};
size_t gemm_packed_size(size_t depth, size_t columns);
struct gemm_packed_operand gemm_pack(float *room, struct operand b, size_t depth, size_t columns);
struct gemm_packed_operand gemm_packed_from(struct gemm_packed_operand b, size_t k);
void gemm_packed(struct gemm_into to, struct operand a, struct gemm_packed_operand b, size_t rows,
                 size_t columns, size_t inner);

#endif
