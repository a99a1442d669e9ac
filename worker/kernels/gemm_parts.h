#ifndef LRSEARCH_GEMM_PARTS_H
#define LRSEARCH_GEMM_PARTS_H

#include "kernels/gemm.h"

/* Cutting a product into parts, for the loops of gemm.c, gemm_bf16.c and matmul.c. */

static inline size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Parts of at most `size` that n is cut into. */
static inline size_t parts(size_t n, size_t size)
{
    return (n + size - 1) / size;
}

/* The destination of a part that begins at row i, column j and step k. */
static inline struct gemm_into part_of(struct gemm_into to, size_t i, size_t j, size_t k)
{
    to.out += i * to.ld + j;
    if (to.bias)
        to.bias = k == 0 ? to.bias + j : NULL;
    to.row_sums = to.row_sums && j == 0 ? to.row_sums + i : NULL; /* once per row */
    to.add = to.add || k > 0; /* the first chain starts the sum, later ones are added */
    return to;
}

#endif
