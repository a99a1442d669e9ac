#ifndef LRSEARCH_SIMD_H
#define LRSEARCH_SIMD_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* What vectorised loops share. They are plain C that the compiler vectorises; the machine code for
 * AVX2 or plain x86-64 is picked when the program is loaded. Sums run over LANES partial sums that
 * are added in a fixed order, and products are never contracted into FMAs (-ffp-contract=off), so
 * that both give the same bytes. */
/* (clang names the clones of a global function otherwise than its callers expect: gcc only) */
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__clang__) && !defined(LRSEARCH_SANITIZE)
#define KERNEL_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define KERNEL_CLONES
#endif

#define SIMD_INLINE static inline __attribute__((always_inline))

enum { LANES = 16 };

/* e^x: n = round(x log2 e), then a polynomial for e^r, |r| <= ln(2)/2 (Cephes' coefficients), and
 * 2^n put into the exponent. Within 2 ulp; 0 below -87.3, +inf above 88.37 (the softmax never asks
 * for either), NaN for NaN. */
SIMD_INLINE float simd_exp(float x)
{
    const float magic = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer */
    float inside = x < -87.3f ? -87.3f : x;
    inside = inside > 88.37f ? 88.37f : inside;
    float shifted = inside * 1.44269504088896341f + magic;
    float n = shifted - magic;
    float r = (inside - n * 0.693359375f) + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = (p * r * r + r) + 1.0f;
    uint32_t bits;
    memcpy(&bits, &shifted, sizeof(bits));
    bits = (bits << 23) + 0x3f800000u; /* the low bits of `shifted` are n */
    float power;
    memcpy(&power, &bits, sizeof(power));
    float result = p * power;
    result = x < -87.3f ? 0.0f : result;
    return x > 88.37f ? INFINITY : result;
}

SIMD_INLINE float simd_fold(const float lanes[LANES])
{
    float eight[8], four[4];
    for (int i = 0; i < 8; i++)
        eight[i] = lanes[i] + lanes[i + 8];
    for (int i = 0; i < 4; i++)
        four[i] = eight[i] + eight[i + 4];
    return (four[0] + four[2]) + (four[1] + four[3]);
}

SIMD_INLINE float simd_sum(const float *values, size_t count)
{
    float lanes[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (size_t l = 0; l < LANES; l++)
            lanes[l] += values[i + l];
    for (size_t l = 0; i + l < count; l++)
        lanes[l] += values[i + l];
    return simd_fold(lanes);
}

SIMD_INLINE float simd_dot(const float *a, const float *b, size_t count)
{
    float lanes[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (size_t l = 0; l < LANES; l++)
            lanes[l] += a[i + l] * b[i + l];
    for (size_t l = 0; i + l < count; l++)
        lanes[l] += a[i + l] * b[i + l];
    return simd_fold(lanes);
}

/* Largest of count >= 1 values; NaNs are passed over (they show in the sums that follow). */
SIMD_INLINE float simd_max(const float *values, size_t count)
{
    float lanes[LANES];
    size_t i = 0;
    for (size_t l = 0; l < LANES; l++)
        lanes[l] = -INFINITY;
    for (; i + LANES <= count; i += LANES)
        for (size_t l = 0; l < LANES; l++)
            lanes[l] = values[i + l] > lanes[l] ? values[i + l] : lanes[l];
    for (size_t l = 0; i + l < count; l++)
        lanes[l] = values[i + l] > lanes[l] ? values[i + l] : lanes[l];
    float largest = lanes[0];
    for (size_t l = 1; l < LANES; l++)
        largest = lanes[l] > largest ? lanes[l] : largest;
    return largest;
}

#endif
