/* Chains of multiply-adds, each of which waits for its last result: twelve vectors fill two units
 * of latency 6, four tiles of 16 cycles one unit of latency 52. The compiler must not know the
 * operands, which are ones, or it would count without multiplying; and it merges chains that start
 * equal. */
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

static volatile float factor = 1, addend = 1;
static volatile double sink; /* keeps the compiler from removing a loop */

/* The FLOPs that the sums have counted. Chain c, of `lanes` sums, starts at c. */
static double flops_counted(const float *sums, int chains, int lanes)
{
    double total = 0;
    for (int c = 0; c < chains; c++)
        for (int lane = 0; lane < lanes; lane++)
            total += sums[c * lanes + lane] - (float)c;
    return sink = 2 * total;
}

/* Each loop returns the FLOPs counted. */
UNCHECKED static double plain_loop(size_t rounds)
{
    float sums[CHAINS * PLAIN_WIDTH], a = factor, b = addend;
    for (int c = 0; c < CHAINS * PLAIN_WIDTH; c++)
        sums[c] = (float)c;
    for (size_t r = 0; r < rounds; r++)
        for (int c = 0; c < CHAINS * PLAIN_WIDTH; c++)
            sums[c] = sums[c] * a + b;
    return flops_counted(sums, CHAINS * PLAIN_WIDTH, 1);
}

#ifdef __x86_64__
UNCHECKED __attribute__((target("avx2,fma"))) static double avx2_loop(size_t rounds)
{
    float stored[CHAINS * 8];
    __m256 sums[CHAINS], a = _mm256_set1_ps(factor), b = _mm256_set1_ps(addend);
    for (int c = 0; c < CHAINS; c++)
        sums[c] = _mm256_set1_ps((float)c);
    for (size_t r = 0; r < rounds; r++)
        for (int c = 0; c < CHAINS; c++)
            sums[c] = _mm256_fmadd_ps(sums[c], a, b);
    for (int c = 0; c < CHAINS; c++)
        _mm256_storeu_ps(stored + 8 * c, sums[c]);
    return flops_counted(stored, CHAINS, 8);
}

UNCHECKED __attribute__((target("avx512f"))) static double avx512_loop(size_t rounds)
{
    float stored[CHAINS * 16];
    __m512 sums[CHAINS], a = _mm512_set1_ps(factor), b = _mm512_set1_ps(addend);
    for (int c = 0; c < CHAINS; c++)
        sums[c] = _mm512_set1_ps((float)c);
    for (size_t r = 0; r < rounds; r++)
        for (int c = 0; c < CHAINS; c++)
            sums[c] = _mm512_fmadd_ps(sums[c], a, b);
    for (int c = 0; c < CHAINS; c++)
        _mm512_storeu_ps(stored + 16 * c, sums[c]);
    return flops_counted(stored, CHAINS, 16);
}

#define BF16_ONE 0x3f80

UNCHECKED __attribute__((target("avx512f,avx512bf16"))) static double
avx512_bf16_loop(size_t rounds)
{
    float stored[CHAINS * 16];
    __m512 sums[CHAINS];
    __m512bh a = (__m512bh)_mm512_set1_epi16(BF16_ONE);
    for (int c = 0; c < CHAINS; c++)
        sums[c] = _mm512_set1_ps((float)c);
    for (size_t r = 0; r < rounds; r++)
        for (int c = 0; c < CHAINS; c++)
            sums[c] = _mm512_dpbf16_ps(sums[c], a, a);
    for (int c = 0; c < CHAINS; c++)
        _mm512_storeu_ps(stored + 16 * c, sums[c]);
    return flops_counted(stored, CHAINS, 16);
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
    float sums[TILE_CHAINS][TILE_ROWS * TILE_ROW_BYTES / sizeof(float)];
    double counted = 0;
    for (int t = 0; t < TILE_CHAINS + 2; t++) {
        during.row_bytes[t] = TILE_ROW_BYTES;
        during.rows[t] = TILE_ROWS;
    }
    for (size_t i = 0; i < sizeof(operand) / sizeof(operand[0]); i++)
        operand[i] = BF16_ONE;
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
    _tile_stored(0, sums[0], TILE_ROW_BYTES);
    _tile_stored(1, sums[1], TILE_ROW_BYTES);
    _tile_stored(2, sums[2], TILE_ROW_BYTES);
    _tile_stored(3, sums[3], TILE_ROW_BYTES);
    _tile_loadconfig(&before);
    for (int t = 0; t < TILE_CHAINS; t++)
        counted += flops_counted(sums[t], 1, TILE_ROWS * 16);
    return counted;
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

static double run_loop(enum peak_kind kind, size_t rounds)
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

double peak_loop(enum peak_kind kind, size_t rounds, double *counted)
{
    static const double flops_a_round[PEAK_COUNT] = {[PEAK_PLAIN] = 2 * CHAINS * PLAIN_WIDTH,
                                                     [PEAK_AVX2] = 2 * CHAINS * 8,
                                                     [PEAK_AVX512] = 2 * CHAINS * 16,
                                                     [PEAK_AVX512_BF16] = 2 * CHAINS * 16 * 2,
                                                     [PEAK_AMX_BF16] =
                                                         2 * TILE_CHAINS * TILE_ROWS * 16 * 32};
    double seen = run_loop(kind, rounds);
    if (counted)
        *counted = seen;
    return flops_a_round[kind] * (double)rounds;
}
