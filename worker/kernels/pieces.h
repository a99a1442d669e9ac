#ifndef LRSEARCH_PIECES_H
#define LRSEARCH_PIECES_H

#include <stddef.h>

/* How kernels share work among threads: a range is cut into pieces whose size depends on the shapes
 * alone, one thread computes each piece, and no sum crosses a piece. So the same input gives the
 * same bytes on any number of threads. (Our own matrix product may be cut anywhere, and is cut by
 * the number of threads.) Without OpenMP the pieces run one after another. */

extern int kernel_threads; /* set by kernels_set_threads() */

#ifdef _OPENMP
#define PIECES_PRAGMA _Pragma("omp parallel for schedule(static) num_threads(kernel_threads)")
#else
#define PIECES_PRAGMA
#endif

#define FOR_PIECES(first, count, size)                                                             \
    PIECES_PRAGMA for (size_t first = 0; first < (count); first += (size))

enum {
    PIECE_ELEMENTS = 16384, /* of elementwise work: some 10 us, far above a thread's wake-up */
    PIECE_ROWS = 32,        /* of row-wise work */
    PIECE_COLUMNS = 64,     /* of sums over rows: whole cache lines */
};

static inline size_t piece_length(size_t count, size_t first, size_t size)
{
    return count - first < size ? count - first : size;
}

#endif
