/* Chains of multiply-adds, each of which waits for its last result: twelve vectors fill two units
 * of latency 6, four tiles of 16 cycles one unit of latency 52. The compiler must not know the
 * operands: it merges chains that are equal, and drops one that starts where x = x a + b stays. */
#define _DEFAULT_SOURCE
#include "kernels/amx.h"
#include "kernels/peak.h"

#include <stdint.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

enum {
    CHAINS = 12,
    PLAIN_WIDTH = 4, /* floats */
    TILE_CHAINS = 4,
    TILE_ROWS = 16,
    TILE_ROW_BYTES = 64, /* 16 floats, or 16 pairs of bf16 */
};

/* A build with sanitizers measures the same peak: otherwise every access to `sums` is checked. */
#define UNCHECKED __attribute__((no_sanitize("address", "undefined")))

const char *const peak_names[PEAK_COUNT] = {[PEAK_PLAIN] = "plain",
                                            [PEAK_AVX2] = "avx2",
                                            [PEAK_AVX512] = "avx512",
                                            [PEAK_AVX512_BF16] = "avx512_bf16",
                                            [PEAK_AMX_BF16] = "amx_bf16"};

static volatile float factor = 0.999f, addend = 1e-3f;
static volatile float sink; /* keeps the compiler from removing a loop */

UNCHECKED static double plain_loop(size_t rounds)
{
    float sums[CHAINS * PLAIN_WIDTH], a = factor, b = addend, total = 0;
    for (int c = 0; c < CHAINS * PLAIN_WIDTH; c++)
        sums[c] = (float)c;
    for (size_t r = 0; r < rounds; r++)
        for (int c = 0; c < CHAINS * PLAIN_WIDTH; c++)
            sums[c] = sums[c] * a + b;
    for (int c = 0; c < CHAINS * PLAIN_WIDTH; c++)
        total += sums[c];
    sink = total;
    return (double)(2 * CHAINS * PLAIN_WIDTH * rounds);
}

#ifdef __x86_64__
UNCHECKED __attribute__((target("avx2,fma"))) static double avx2_loop(size_t rounds)
{
    __m256 sums[CHAINS], a = _mm256_set1_ps(factor), b = _mm256_set1_ps(addend);
    for (int c = 0; c < CHAINS; c++)
        sums[c] = _mm256_set1_ps((float)c);
    for (size_t r = 0; r < rounds; r++)
        for (int c = 0; c < CHAINS; c++)
            sums[c] = _mm256_fmadd_ps(sums[c], a, b);
    for (int c = 1; c < CHAINS; c++)
        sums[0] += sums[c];
    sink = sums[0][0];
    return (double)(2 * CHAINS * 8 * rounds);
}

UNCHECKED __attribute__((target("avx512f"))) static double avx512_loop(size_t rounds)
{
    __m512 sums[CHAINS], a = _mm512_set1_ps(factor), b = _mm512_set1_ps(addend);
    for (int c = 0; c < CHAINS; c++)
        sums[c] = _mm512_set1_ps((float)c);
    for (size_t r = 0; r < rounds; r++)
        for (int c = 0; c < CHAINS; c++)
            sums[c] = _mm512_fmadd_ps(sums[c], a, b);
    for (int c = 1; c < CHAINS; c++)
        sums[0] += sums[c];
    sink = sums[0][0];
    return (double)(2 * CHAINS * 16 * rounds);
}

#define BF16_VALUE 0x3a83 /* 0.001 */

UNCHECKED __attribute__((target("avx512f,avx512bf16"))) static double
avx512_bf16_loop(size_t rounds)
{
    __m512 sums[CHAINS];
    __m512bh a = (__m512bh)_mm512_set1_epi16(BF16_VALUE);
    for (int c = 0; c < CHAINS; c++)
        sums[c] = _mm512_set1_ps((float)c);
    for (size_t r = 0; r < rounds; r++)
        for (int c = 0; c < CHAINS; c++)
            sums[c] = _mm512_dpbf16_ps(sums[c], a, a);
    for (int c = 1; c < CHAINS; c++)
        sums[0] += sums[c];
    sink = sums[0][0];
    return (double)(2 * CHAINS * 32 * rounds);
}

/* Intel's manual, LDTILECFG */
struct tile_configuration {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

/* Tiles 0 to 3 are sums, 4 and 5 operands. */
UNCHECKED __attribute__((target("amx-tile,amx-bf16"))) static double amx_bf16_loop(size_t rounds)
{
    struct tile_configuration before, during = {.palette = 1};
    uint16_t operand[TILE_ROWS * TILE_ROW_BYTES / sizeof(uint16_t)];
    float sums[TILE_ROWS * TILE_ROW_BYTES / sizeof(float)];
    for (int t = 0; t < TILE_CHAINS + 2; t++) {
        during.row_bytes[t] = TILE_ROW_BYTES;
        during.rows[t] = TILE_ROWS;
    }
    for (size_t i = 0; i < sizeof(operand) / sizeof(operand[0]); i++)
        operand[i] = BF16_VALUE;
    __asm__ volatile("" ::: "memory"); /* gcc does not know what _tile_loadd reads */
    _tile_storeconfig(&before);
    _tile_loadconfig(&during);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    _tile_loadd(4, operand, TILE_ROW_BYTES);
    _tile_loadd(5, operand, TILE_ROW_BYTES);
    for (size_t r = 0; r < rounds; r++) {
        _tile_dpbf16ps(0, 4, 5);
        _tile_dpbf16ps(1, 4, 5);
        _tile_dpbf16ps(2, 4, 5);
        _tile_dpbf16ps(3, 4, 5);
    }
    _tile_stored(0, sums, TILE_ROW_BYTES);
    sink = sums[0];
    _tile_loadconfig(&before);
    return (double)(2 * TILE_CHAINS * TILE_ROWS * 16 * 32 * rounds);
}
#endif

bool peak_present(enum peak_kind kind)
{
    switch (kind) {
    case PEAK_PLAIN:
        return true;
#ifdef __x86_64__
    case PEAK_AVX2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case PEAK_AVX512:
        return __builtin_cpu_supports("avx512f");
    case PEAK_AVX512_BF16:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bf16");
    case PEAK_AMX_BF16:
        return amx_permitted();
#endif
    default:
        return false;
    }
}

enum peak_kind peak_best(bool bf16)
{
    enum peak_kind kind = bf16 ? PEAK_AMX_BF16 : PEAK_AVX512;
    while (!peak_present(kind))
        kind--;
    return kind;
}

double peak_loop(enum peak_kind kind, size_t rounds)
{
    switch (kind) {
#ifdef __x86_64__
    case PEAK_AVX2:
        return avx2_loop(rounds);
    case PEAK_AVX512:
        return avx512_loop(rounds);
    case PEAK_AVX512_BF16:
        return avx512_bf16_loop(rounds);
    case PEAK_AMX_BF16:
        return amx_bf16_loop(rounds);
#endif
    default:
        return plain_loop(rounds);
    }
}
