#ifndef LRSEARCH_SIMD_H
#define LRSEARCH_SIMD_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "kernels/instructions.h"

/* Helpers of vectorised loops: plain C that the compiler vectorises for each set of instructions.
 * Sums run over partial sums that are added in a fixed order. */

/* KERNEL(name, (type parameter, ...), (parameter, ...)) { body }: a static function that runs the
 * version of the body for this CPU, with AVX2 or plain. KERNEL_512: with AVX-512 too, for bodies
 * that compute more than they load (exponentials: a quarter faster; the others gain nothing, and
 * AdamW loses a sixth on a Zen 4). */
#ifdef __x86_64__
#ifdef __clang__
#define TARGET_AVX512 __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma")))
#else
#define TARGET_AVX512                                                                              \
    __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma,prefer-vector-width=512")))
#endif
#define KERNEL_VERSIONS(name, parameters, arguments)                                               \
    static inline __attribute__((always_inline)) void name##_body parameters;                      \
    __attribute__((target("avx2,fma"))) static void name##_avx2 parameters                         \
    {                                                                                              \
        name##_body arguments;                                                                     \
    }                                                                                              \
    static void name##_plain parameters                                                            \
    {                                                                                              \
        name##_body arguments;                                                                     \
    }
#define KERNEL(name, parameters, arguments)                                                        \
    KERNEL_VERSIONS(name, parameters, arguments)                                                   \
    static void name parameters                                                                    \
    {                                                                                              \
        if (instructions_here() >= INSTRUCTIONS_AVX2)                                              \
            name##_avx2 arguments;                                                                 \
        else                                                                                       \
            name##_plain arguments;                                                                \
    }                                                                                              \
    static inline __attribute__((always_inline)) void name##_body parameters
#define KERNEL_512(name, parameters, arguments)                                                    \
    KERNEL_VERSIONS(name, parameters, arguments)                                                   \
    TARGET_AVX512 static void name##_avx512 parameters                                             \
    {                                                                                              \
        name##_body arguments;                                                                     \
    }                                                                                              \
    static void name parameters                                                                    \
    {                                                                                              \
        enum instructions here = instructions_here();                                              \
        if (here >= INSTRUCTIONS_AVX512)                                                           \
            name##_avx512 arguments;                                                               \
        else if (here >= INSTRUCTIONS_AVX2)                                                        \
            name##_avx2 arguments;                                                                 \
        else                                                                                       \
            name##_plain arguments;                                                                \
    }                                                                                              \
    static inline __attribute__((always_inline)) void name##_body parameters
#else
#define KERNEL(name, parameters, arguments) static void name parameters
#define KERNEL_512 KERNEL
#endif

#define SIMD_INLINE static inline __attribute__((always_inline))

/* e^x: n = round(x log2 e), a polynomial for e^r, |r| <= ln(2)/2 (Cephes' coefficients), and 2^n
 * set as the exponent bits. Within 2 ulp; 0 below -87.68 (exponent bits all 0), +inf above 88.37
 * (all 1), NaN for NaN. Loops over it vectorise. */
SIMD_INLINE float simd_exp(float x)
{
    const float magic = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer */
    float inside = x < -88.0f ? -88.0f : x;
    inside = inside > 88.5f ? 88.5f : inside;
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
    return p * power;
}

/* ---- sums along a row ---- */

enum { LANES = 8 };

/* LANES values side by side; + and * work on each (an extension of gcc and clang). */
typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));

/* Values i..i+LANES-1 of count; zeros after the last. */
SIMD_INLINE lanes simd_at(const float *values, size_t i, size_t count)
{
    lanes v = {0};
    size_t left = i < count ? count - i : 0; /* i + LANES: gcc 14 sees an overflow */
    if (left >= LANES)
        memcpy(&v, values + i, sizeof(v));
    else if (left > 0)
        memcpy(&v, values + i, left * sizeof(float));
    return v;
}

/* Adds two runs of partial sums in a fixed order. */
SIMD_INLINE float simd_fold(lanes even, lanes odd)
{
    lanes sums = even + odd;
    float four[4];
    for (int l = 0; l < 4; l++)
        four[l] = sums[l] + sums[l + 4];
    return (four[0] + four[2]) + (four[1] + four[3]);
}

SIMD_INLINE float simd_sum(const float *values, size_t count)
{
    lanes even = {0}, odd = {0};
    for (size_t i = 0; i < count; i += 2 * LANES) {
        even += simd_at(values, i, count);
        odd += simd_at(values, i + LANES, count);
    }
    return simd_fold(even, odd);
}

SIMD_INLINE float simd_dot(const float *a, const float *b, size_t count)
{
    lanes even = {0}, odd = {0};
    for (size_t i = 0; i < count; i += 2 * LANES) {
        even += simd_at(a, i, count) * simd_at(b, i, count);
        odd += simd_at(a, i + LANES, count) * simd_at(b, i + LANES, count);
    }
    return simd_fold(even, odd);
}

/* The larger of each lane; a's if neither is larger. */
SIMD_INLINE lanes simd_larger(lanes a, lanes b)
{
    typedef int32_t mask __attribute__((vector_size(sizeof(lanes))));
    mask larger = b > a;
    return (lanes)((larger & (mask)b) | (~larger & (mask)a));
}

/* Largest of count >= 1 values; NaNs are ignored (they show in the sums that follow). */
SIMD_INLINE float simd_max(const float *values, size_t count)
{
    lanes largest = {-INFINITY, -INFINITY, -INFINITY, -INFINITY,
                     -INFINITY, -INFINITY, -INFINITY, -INFINITY};
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        largest = simd_larger(largest, simd_at(values, i, count));
    for (; i < count; i++)
        largest[0] = values[i] > largest[0] ? values[i] : largest[0];
    float four[4], two[2];
    for (int l = 0; l < 4; l++)
        four[l] = largest[l + 4] > largest[l] ? largest[l + 4] : largest[l];
    for (int l = 0; l < 2; l++)
        two[l] = four[l + 2] > four[l] ? four[l + 2] : four[l];
    return two[1] > two[0] ? two[1] : two[0];
}

#endif
