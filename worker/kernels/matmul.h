#ifndef LRSEARCH_MATMUL_H
#define LRSEARCH_MATMUL_H

#include <stdbool.h>
#include "kernels/gemm.h"

/* Matrix products by the library that is fastest for a shape, shared among the threads. */

enum matmul {
    MATMUL_OWN = 'o',      /* gemm.h: the bits depend on the operands alone */
    MATMUL_OPENBLAS = 'b', /* the bits depend on the library's version and on the CPU */
    MATMUL_ONEDNN = 'd',   /* the same; only if found at build time */
    MATMUL_BF16 = 'h',     /* gemm_bf16.h: operands rounded to bf16; always available */
    MATMUL_AMX = 'x',      /* the same with other bits, for matmul_use_bf16() only */
};

/* The available libraries for fp32 operands, our own first; ends with 0. */
extern const char matmul_all[];
bool matmul_present(enum matmul by);
/* NULL if it is present; or why it is not, with the remedy. */
const char *matmul_missing(enum matmul by);
/* Makes MATMUL_BF16 multiply with the bits of AMX (by MATMUL_AMX, which must be present) or with
 * those of all other CPUs, from now on; while no product runs. */
void matmul_use_bf16(enum matmul by);

/* The part of openblas_warning() that tests call: the sentence for a core and version of OpenBLAS
 * on a CPU with these instructions (gemm_instructions()); asked: OPENBLAS_CORETYPE is set. False:
 * nothing to warn of. */
bool openblas_core_warning(char *out, size_t size, const char *core, const char *version,
                           const char *instructions, bool asked);

/* The products of gemm.h and of gemm_bf16.h with an operand packed in advance. */
struct packing {
    size_t (*packed_size)(size_t depth, size_t columns);
    struct gemm_packed_operand (*pack)(float *room, struct operand b, size_t depth, size_t columns);
    struct gemm_packed_operand (*from)(struct gemm_packed_operand b, size_t step);
    void (*multiply)(struct gemm_into to, struct operand a, struct gemm_packed_operand b,
                     size_t rows, size_t columns, size_t inner);
};
extern const struct packing packing_fp32, packing_bf16;

/* to = a (rows, inner) b (inner, columns); `by` must be present. */
void matmul(enum matmul by, struct gemm_into to, struct operand a, struct operand b, size_t rows,
            size_t columns, size_t inner);

#endif
