/* bf16 tiles in plain C: for CPUs without bf16 instructions, and the definition of VDPBF16PS's
 * bits. */
#include "kernels/gemm_bf16_tiles.h"
#include "kernels/simd.h"

#ifdef __x86_64__
#include <immintrin.h>
enum { DENORMALS_ARE_ZERO = 0x8040 }; /* results are flushed, operands too */
#endif

enum { TILE_ROWS = 4, TILE_COLUMNS = 2 * LANES };

/* ---- packing ---- */

SIMD_INLINE uint32_t rounded(float value)
{
    uint32_t bits, magnitude;
    memcpy(&bits, &value, sizeof(bits));
    magnitude = bits & 0x7fffffff;
    uint32_t nearest = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    uint32_t quiet = bits >> 16 | 0x40, zero = bits >> 31 << 15;
    return magnitude > 0x7f800000 ? quiet : magnitude < 0x00800000 ? zero : nearest;
}

/* Rounds `count` <= 2 BF16_GROUP values to pairs, and fills up with zeros. */
KERNEL(pack_group, (uint32_t * group, const float *from, size_t step, size_t count),
       (group, from, step, count))
{
    float values[2 * BF16_GROUP] = {0};
    if (step == 1)
        memcpy(values, from, count * sizeof(float));
    else
        for (size_t k = 0; k < count; k++)
            values[k] = from[k * step];
    for (size_t p = 0; p < BF16_GROUP; p++)
        group[p] = rounded(values[2 * p]) | rounded(values[2 * p + 1]) << 16;
}

static void pack_left(uint32_t *left, struct operand a, size_t rows, size_t inner)
{
    enum { STEPS = 2 * BF16_GROUP };
    for (size_t i = 0; i < rows; i++, left += bf16_row(inner))
        for (size_t k = 0; k < inner; k += STEPS)
            pack_group(left + k / 2, a.data + i * a.row + k * a.column, a.column,
                       inner - k < STEPS ? inner - k : STEPS);
}

KERNEL(pack_panel, (uint32_t * panel, struct operand b, size_t inner, size_t columns),
       (panel, b, inner, columns))
{
    for (size_t k = 0; k < inner; k += 2, panel += BF16_PANEL)
        for (size_t j = 0; j < BF16_PANEL; j++) {
            const float *from = b.data + k * b.row + j * b.column;
            uint32_t even = j < columns ? rounded(from[0]) : 0;
            uint32_t odd = j < columns && k + 1 < inner ? rounded(from[b.row]) : 0;
            panel[j] = even | odd << 16;
        }
}

/* ---- tiles ---- */

typedef uint32_t pairs __attribute__((vector_size(sizeof(lanes))));

#ifdef __x86_64__
#define TILE_TARGET __attribute__((target("avx2,fma")))
#define TILE_NAME(name) name##_avx2
#define fused(a, b, c) (lanes) _mm256_fmadd_ps((__m256)(a), (__m256)(b), (__m256)(c))
#include "kernels/gemm_bf16_plain.inc.h"
#endif

/* Apart from its range, the product of two bf16 is exact. */
SIMD_INLINE lanes multiply_add(lanes a, lanes b, lanes c)
{
#ifdef FP_FAST_FMAF
    for (int l = 0; l < LANES; l++)
        c[l] = fmaf(a[l], b[l], c[l]);
    return c;
#else
    return a * b + c;
#endif
}

#define TILE_TARGET
#define TILE_NAME(name) name##_plain
#define fused multiply_add
#include "kernels/gemm_bf16_plain.inc.h"

static void any_tiles(size_t rows, float sums[][TILE_COLUMNS], const uint32_t *left, size_t row,
                      const uint32_t *panel, size_t inner)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        tiles_avx2(rows, sums, left, row, panel, inner);
        return;
    }
#endif
    tiles_plain(rows, sums, left, row, panel, inner);
}

static void part_of_panel(struct gemm_into to, const uint32_t *left, const uint32_t *panel,
                          size_t rows, size_t columns, size_t inner)
{
    size_t row = bf16_row(inner);
    for (size_t i = 0; i < rows; i += TILE_ROWS) {
        size_t some = rows - i < TILE_ROWS ? rows - i : TILE_ROWS;
        float sums[TILE_ROWS][TILE_COLUMNS] = {{0}};
        for (size_t r = 0; to.bias && r < some; r++)
            memcpy(sums[r], to.bias, columns * sizeof(float));
        any_tiles(some, sums, left + i * row, row, panel, inner);
        for (size_t r = 0; r < some; r++)
            for (size_t j = 0; j < columns; j++) {
                float *out = &to.out[(i + r) * to.ld + j];
                *out = to.add ? *out + sums[r][j] : sums[r][j];
            }
    }
}

static void multiply(struct gemm_into to, const uint32_t *left, const uint32_t *panels,
                     size_t panel, size_t rows, size_t columns, size_t inner,
                     struct bf16_ahead ahead)
{
    (void)ahead; /* slower than the memory */
#ifdef __x86_64__
    unsigned kept = _mm_getcsr();
    _mm_setcsr(kept | DENORMALS_ARE_ZERO);
#endif
    for (size_t j = 0; j < columns; j += TILE_COLUMNS) {
        const uint32_t *from = panels + j / BF16_PANEL * panel + j % BF16_PANEL;
        struct gemm_into part = to;
        part.out += j;
        part.bias = to.bias ? to.bias + j : NULL;
        part_of_panel(part, left, from, rows,
                      columns - j < TILE_COLUMNS ? columns - j : TILE_COLUMNS, inner);
    }
#ifdef __x86_64__
    _mm_setcsr(kept);
#endif
}

const struct bf16_tiles bf16_plain = {"plain", NULL, pack_left, pack_panel, multiply};
