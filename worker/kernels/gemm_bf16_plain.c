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

SIMD_INLINE lanes odd_of(pairs p)
{
    return (lanes)(p & 0xffff0000);
}

SIMD_INLINE lanes even_of(pairs p)
{
    return (lanes)(p << 16);
}

/* The compiler fuses each product with its sum where the CPU can; apart from the range, the product
 * of two bf16 is exact. */
SIMD_INLINE void tile(int rows, float sums[][TILE_COLUMNS], const uint32_t *left, size_t row,
                      const uint32_t *panel, size_t inner)
{
    lanes sum[TILE_ROWS][2];
    memcpy(sum, sums, (size_t)rows * sizeof(sum[0]));
    for (size_t p = 0; p < bf16_pairs(inner); p++, panel += BF16_PANEL) {
        pairs b[2];
        for (int v = 0; v < 2; v++)
            memcpy(&b[v], panel + v * LANES, sizeof(b[v]));
        for (int i = 0; i < rows; i++) {
            pairs a = left[(size_t)i * row + p] + (pairs){0};
            for (int v = 0; v < 2; v++)
                sum[i][v] += odd_of(a) * odd_of(b[v]);
            for (int v = 0; v < 2; v++)
                sum[i][v] += even_of(a) * even_of(b[v]);
        }
    }
    memcpy(sums, sum, (size_t)rows * sizeof(sum[0]));
}

KERNEL(part_of_panel,
       (struct gemm_into to, const uint32_t *left, const uint32_t *panel, size_t rows,
        size_t columns, size_t inner),
       (to, left, panel, rows, columns, inner))
{
    size_t row = bf16_row(inner);
    for (size_t i = 0; i < rows; i += TILE_ROWS) {
        size_t some = rows - i < TILE_ROWS ? rows - i : TILE_ROWS;
        float sums[TILE_ROWS][TILE_COLUMNS] = {{0}};
        for (size_t r = 0; to.bias && r < some; r++)
            memcpy(sums[r], to.bias, columns * sizeof(float));
        if (some == TILE_ROWS)
            tile(TILE_ROWS, sums, left + i * row, row, panel, inner);
        else
            for (size_t r = 0; r < some; r++)
                tile(1, sums + r, left + (i + r) * row, row, panel, inner);
        for (size_t r = 0; r < some; r++)
            for (size_t j = 0; j < columns; j++) {
                float *out = &to.out[(i + r) * to.ld + j];
                *out = to.add ? *out + sums[r][j] : sums[r][j];
            }
    }
}

static void multiply(struct gemm_into to, const uint32_t *left, const uint32_t *panels,
                     size_t panel, size_t rows, size_t columns, size_t inner)
{
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
