#ifndef LRSEARCH_FAST_MATH_H
#define LRSEARCH_FAST_MATH_H

#include <stdint.h> /* defines __GLIBC__ */

/* Vectorizable, and bit-identical on every machine: the sampler spends most of its time on
 * these. */

/* A function with this attribute is compiled for AVX2 too, and the loader picks the version that
 * the CPU has. Both give the same bits: no product and sum are contracted, no sum is reordered. Not
 * under ThreadSanitizer, which is not loaded yet when the picking function calls it. */
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__clang__) &&                            \
    !defined(__SANITIZE_THREAD__)
#define VECTOR_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define VECTOR_CLONES
#endif

/* x := ln x of `count` positive normal numbers, error about 1e-13. */
void fast_log(double *x, int count);
/* x := exp x of `count` numbers of at most 700, relative error about 1e-11; 0 below -700. */
void fast_exp(double *x, int count);

#endif
