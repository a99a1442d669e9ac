#ifndef LRSEARCH_MATMUL_H
#define LRSEARCH_MATMUL_H

#include <stdbool.h>
#include "kernels/gemm.h"

/* Matrix products by whoever is the fastest for a shape, shared out among the threads. */

enum matmul {
    MATMUL_OWN = 'o',      /* gemm.h: the bits do not depend on anything but the operands */
    MATMUL_OPENBLAS = 'b', /* the bits depend on the library's version and on the CPU */
    MATMUL_ONEDNN = 'd',   /* the same; where it was found when this was built */
};

/* Those that are present, our own first; ends with 0. */
extern const char matmul_all[];
bool matmul_present(enum matmul by);

/* Of openblas_warning(), for tests: the sentence for a core and version of OpenBLAS on a CPU with
 * such instructions (gemm_instructions); asked: by OPENBLAS_CORETYPE. False: no warning. */
bool openblas_core_warning(char *out, size_t size, const char *core, const char *version,
                           const char *instructions, bool asked);

/* a (rows, inner) b (inner, columns); `by` must be present. */
void matmul(enum matmul by, struct gemm_into to, struct operand a, struct operand b, size_t rows,
            size_t columns, size_t inner);

#endif
