#ifndef LRSEARCH_GEMM_BF16_H
#define LRSEARCH_GEMM_BF16_H

#include <stdbool.h>
#include "kernels/gemm.h"

/* gemm.h's product with bf16 operands and fp32 sums. Operands are arrays of fp32; each value is
 * rounded to the nearest bf16 (ties to even) while it is packed. What overflows becomes infinite,
 * NaN stays NaN. fp32 denormals count as zero in operands, sums and results.
 *
 * The bits of an element do not depend on what else is computed with it or on the number of
 * threads, but on the kind of instructions:
 * - "avx512bf16" (VDPBF16PS) and "plain" give the same bits: one chain of fused multiply-adds from
 *   zero (the first from the bias) for every GEMM_DEPTH steps of the inner dimension, in each pair
 *   of steps the odd one first; the chains are added in order. Only the payload of NaN may differ.
 *   (The plain kind keeps denormals on processors other than x86-64; without fused multiply-add it
 *   differs where a product overflows or underflows.)
 * - "amx" (TDPBF16PS) takes 32 steps at a time: a chain from zero over the even steps, one over the
 *   odd ones, and their sum is added to the result so far (what is added to, the bias, or zero). */

/* The kind in use: "amx", "avx512bf16" or "plain". */
const char *gemm_bf16_instructions(void);
/* Whether this CPU has the kind. */
bool gemm_bf16_present(const char *kind);
/* Takes another kind that this CPU has, while no product runs; false if it lacks it. */
bool gemm_bf16_use(const char *kind);

/* As gemm(); row_sums are sums of the values before they are rounded. */
void gemm_bf16(struct gemm_into to, struct operand a, struct operand b, size_t rows, size_t columns,
               size_t inner);

/* As gemm_packed(). A product may use only the first steps (all, or an even number), or begin at an
 * even step: gemm_bf16_packed_from(). */
size_t gemm_bf16_packed_size(size_t depth, size_t columns); /* floats */
struct gemm_packed_operand gemm_bf16_pack(float *room, struct operand b, size_t depth,
                                          size_t columns);
struct gemm_packed_operand gemm_bf16_packed_from(struct gemm_packed_operand b, size_t step);
void gemm_bf16_packed(struct gemm_into to, struct operand a, struct gemm_packed_operand b,
                      size_t rows, size_t columns, size_t inner);

#endif
