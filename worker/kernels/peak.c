/* The peak rate of a core: only fused multiply-adds in registers. Twelve chains fill two units of
 * latency 4 to 5; their starts differ, so that the compiler cannot merge them. */
#include "kernels/kernels.h"

#include <stdint.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

enum { CHAINS = 12, WIDTH = 8 };

/* A build with sanitizers measures the same peak: otherwise every access to `sums` is checked. */
#define UNCHECKED __attribute__((no_sanitize("address", "undefined")))

static volatile float sink; /* keeps the compiler from removing the loop */

UNCHECKED static void plain_loop(size_t rounds) /* as the compiler vectorises it */
{
    float sums[CHAINS * WIDTH], total = 0;
    for (int c = 0; c < CHAINS * WIDTH; c++)
        sums[c] = (float)c;
    for (size_t r = 0; r < rounds; r++)
        for (int c = 0; c < CHAINS * WIDTH; c++)
            sums[c] = sums[c] * 0.999f + 1e-3f;
    for (int c = 0; c < CHAINS * WIDTH; c++)
        total += sums[c];
    sink = total;
}

#ifdef __x86_64__
UNCHECKED __attribute__((target("avx2,fma"))) static void fma_loop(size_t rounds)
{
    __m256 sums[CHAINS], a = _mm256_set1_ps(0.999f), b = _mm256_set1_ps(1e-3f);
    __m256 total = _mm256_setzero_ps();
    float out[WIDTH];
    for (int c = 0; c < CHAINS; c++)
        sums[c] = _mm256_set1_ps((float)c);
    for (size_t r = 0; r < rounds; r++)
        for (int c = 0; c < CHAINS; c++)
            sums[c] = _mm256_fmadd_ps(sums[c], a, b);
    for (int c = 0; c < CHAINS; c++)
        total = _mm256_add_ps(total, sums[c]);
    _mm256_storeu_ps(out, total);
    sink = out[0];
}
#endif

double peak_loop(size_t rounds)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        fma_loop(rounds);
    else
#endif
        plain_loop(rounds);
    return 2.0 * (CHAINS * WIDTH) * (double)rounds;
}
