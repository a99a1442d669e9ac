#ifndef LRSEARCH_GEMM_AVX2_H
#define LRSEARCH_GEMM_AVX2_H

#include <immintrin.h>
#include "kernels/gemm_tiles.h"

#define TARGET_AVX2 __attribute__((target("avx2,fma")))

/* out (8, 8), rows `out_stride` apart, = the transpose of 8 rows of 8, `stride` apart */
static inline __attribute__((always_inline)) TARGET_AVX2 void
transpose8(float *out, size_t out_stride, const float *in, size_t stride)
{
    __m256 r[8], t[8];
    for (int i = 0; i < 8; i++)
        r[i] = _mm256_loadu_ps(in + (size_t)i * stride);
    for (int i = 0; i < 8; i += 2) { /* pairs of rows: columns 0 1 4 5, then 2 3 6 7 */
        t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) { /* groups of four rows */
        r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
        r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
        r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
    for (int i = 0; i < 4; i++) { /* join the halves */
        float *low = out + (size_t)i * out_stride, *high = low + 4 * out_stride;
        _mm256_storeu_ps(low, _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
        _mm256_storeu_ps(high, _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
    }
}

/* transpose() of struct gemm_tiles, for a panel of this many columns */
static inline __attribute__((always_inline)) TARGET_AVX2 void
transpose_panel(float *packed, size_t columns, const float *from, size_t stride, size_t inner)
{
    size_t k = 0;
    for (; k + 8 <= inner; k += 8)
        for (size_t j = 0; j < columns; j += 8)
            transpose8(packed + k * columns + j, columns, from + k + j * stride, stride);
    for (; k < inner; k++)
        for (size_t j = 0; j < columns; j++)
            packed[k * columns + j] = from[j * stride + k];
}

#endif
