#ifndef LRSEARCH_GEMM_H
#define LRSEARCH_GEMM_H

#include <stddef.h>

/* Our own matrix product, for the shapes of small models, on which libraries spend their time on
 * packing. The right operand is packed into panels of GEMM_PANEL columns, step after step of the
 * inner dimension, padded with zeros; the left one is read where it lies, or packed into bands of
 * rows when its rows are not contiguous (Goto & van de Geijn 2008).
 *
 * Each element of the result is one chain of fused multiply-adds for every GEMM_DEPTH steps of the
 * inner dimension, and the chains are added in order. So its bits do not depend on what else is
 * computed with it, on the number of threads, nor on which of the CPU's instructions run it (a CPU
 * without fused multiply-add excepted). NaN in, NaN out. */

enum {
    GEMM_PANEL = 16,
    GEMM_DEPTH = 256, /* a panel of so many steps, 16 KiB, stays in the L1 cache */
};

/* Element (i, k) lies at data[i * row + k * column]; one of the two is 1. */
struct operand {
    const float *data;
    size_t row, column;
};

/* What is to become of the product: out = product, = product + bias (one value a column), or
 * += product. row_sums, unless NULL: one value a row, += the sum of that row of a, which comes
 * nearly for nothing while a is packed (where a is the gradient of a layer's output across, its
 * row sums are the gradient of the bias). */
struct gemm_into {
    float *out;
    size_t ld; /* from one row to the next */
    const float *bias;
    int add;
    float *row_sums;
};

/* The instructions that the CPU has: "avx512", "avx2" or "plain". */
const char *gemm_instructions(void);

/* a (rows, inner) b (inner, columns). Packs b, and a if it must, into room of the calling
 * thread. */
void gemm(struct gemm_into to, struct operand a, struct operand b, size_t rows, size_t columns,
          size_t inner);

/* to.row_sums alone. */
void gemm_row_sums(struct gemm_into to, struct operand a, size_t rows, size_t inner);

/* The same with b packed before, for an operand that many small products share. A product may use
 * the first steps only, or begin at step k: {panels + k * GEMM_PANEL, depth}. No row sums. */
struct gemm_packed_operand {
    const float *panels; /* from a multiple of 64 bytes; gemm_packed_size() floats */
    size_t depth;        /* steps that each panel holds */
};
size_t gemm_packed_size(size_t depth, size_t columns);
struct gemm_packed_operand gemm_pack(float *room, struct operand b, size_t depth, size_t columns);
void gemm_packed(struct gemm_into to, struct operand a, struct gemm_packed_operand b, size_t rows,
                 size_t columns, size_t inner);

#endif
