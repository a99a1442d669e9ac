#ifndef LRSEARCH_SCRATCH_H
#define LRSEARCH_SCRATCH_H

#include <stddef.h>

/* Memory of the calling thread for what products pack: aligned to 64 bytes, zeros at first, freed
 * when the thread ends. An array that is thread-local costs every thread that starts, and every
 * start of the program, its clearing, also where nothing is multiplied. */

enum scratch_use {
    SCRATCH_GEMM_PANELS,
    SCRATCH_GEMM_BAND,
    SCRATCH_BF16_PANELS,
    SCRATCH_BF16_BAND,
    SCRATCH_COUNT,
};

/* `bytes` is the same at each call for one use, a multiple of 64. Ends the process when there is no
 * memory: a kernel reports no errors, and a worker that ends is replaced. */
void *scratch(enum scratch_use use, size_t bytes);

#endif
