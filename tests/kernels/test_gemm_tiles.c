/* The tiles of each kind of instructions that this CPU has, against sums in double precision: whole
 * and left-over rows and columns, bias, adding, packed bands, transposed panels. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "kernels/gemm_tiles.h"
#include "kernels/instructions.h"

enum { ROWS = 29, INNER = 37, LD = 37 };

static float left[ROWS * INNER], across[INNER * ROWS], right[GEMM_PANEL_MOST * INNER],
    right_across[INNER * GEMM_PANEL_MOST];
static float panel[INNER * GEMM_PANEL_MOST], bias[GEMM_PANEL_MOST], out[ROWS * LD];

static float value(size_t i, size_t j)
{
    return (float)((i * 7919 + j * 104729) % 1009) / 1009 - 0.5f;
}

static void fill(void)
{
    for (size_t k = 0; k < INNER; k++) {
        for (size_t i = 0; i < ROWS; i++)
            left[i * INNER + k] = across[k * ROWS + i] = value(i, k);
        for (size_t j = 0; j < GEMM_PANEL_MOST; j++)
            right[j * INNER + k] = right_across[k * GEMM_PANEL_MOST + j] = value(k + 50, j);
    }
    for (size_t j = 0; j < GEMM_PANEL_MOST; j++)
        bias[j] = value(99, j);
}

/* out was 1 everywhere. */
static void check_out(size_t rows, size_t columns, const float *with_bias, int add)
{
    for (size_t i = 0; i < ROWS; i++)
        for (size_t j = 0; j < LD; j++) {
            double wanted = i < rows && j < columns && !add ? 0 : 1;
            for (size_t k = 0; k < INNER && i < rows && j < columns; k++)
                wanted += (double)left[i * INNER + k] * (double)right[j * INNER + k];
            if (with_bias && i < rows && j < columns)
                wanted += (double)with_bias[j];
            assert_true(fabs((double)out[i * LD + j] - wanted) < 1e-5);
        }
}

static void check_sums(const float *sums, size_t rows)
{
    for (size_t i = 0; i < ROWS; i++) {
        double wanted = 0;
        for (size_t k = 0; k < INNER && i < rows; k++)
            wanted += (double)left[i * INNER + k];
        assert_true(fabs((double)sums[i] - wanted) < 1e-5);
    }
}

static void check_tiles(const struct gemm_tiles *tiles)
{
    static float band[ROWS * (INNER + 8) + 1024];
    static const size_t rows[] = {1, 2, 3, 5, 6, 7, 12, 13, 14, 23, ROWS};
    const size_t columns[] = {1, 5, 16, tiles->columns - 1, tiles->columns};
    for (size_t r = 0; r < sizeof(rows) / sizeof(*rows); r++)
        for (size_t kind = 0; kind < 40; kind++) {
            size_t wide = columns[kind % 5];
            int add = kind / 5 % 2;
            const float *with_bias = kind / 10 % 2 ? bias : NULL;
            const struct gemm_into to = {out, LD, with_bias, add, NULL};
            for (size_t i = 0; i < ROWS * LD; i++)
                out[i] = 1;
            tiles->pack_panel(panel,
                              r % 2 ? (struct operand){right, 1, INNER}
                                    : (struct operand){right_across, GEMM_PANEL_MOST, 1},
                              wide, INNER);
            if (kind < 20) {
                const struct gemm_left lies = {INNER, 1, tiles->rows * INNER};
                tiles->panel(to, left, lies, panel, rows[r], wide, INNER);
            } else {
                const struct gemm_left lies = {1, ROWS, tiles->rows};
                const struct gemm_left lie_packed = {1, tiles->rows, GEMM_BAND(tiles->rows, INNER)};
                float sums[ROWS] = {0};
                if (tiles->pack_band) {
                    tiles->pack_band(band, kind % 2 ? sums : NULL, across, ROWS, rows[r], INNER);
                    tiles->panel(to, band, lie_packed, panel, rows[r], wide, INNER);
                } else {
                    if (kind % 2)
                        tiles->add_steps(sums, across, ROWS, rows[r], INNER);
                    tiles->panel(to, across, lies, panel, rows[r], wide, INNER);
                }
                check_sums(sums, kind % 2 ? rows[r] : 0);
            }
            check_out(rows[r], wide, with_bias, add);
        }
}

static void plain_tiles(void **state)
{
    (void)state;
    fill();
    check_tiles(&gemm_plain);
}

/* What the CPU lacks is reported as skipped. */
#ifdef __x86_64__
static void avx2_tiles(void **state)
{
    (void)state;
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        skip();
    fill();
    check_tiles(&gemm_avx2);
}

static void avx512_tiles(void **state)
{
    (void)state;
    if (!__builtin_cpu_supports("avx512f"))
        skip();
    fill();
    check_tiles(&gemm_avx512);
}
#endif

/* A whole product with AVX2 and with AVX-512: one, several and left-over tiles, panels, bands and
 * chains; rows far apart; every layout of the operands. */
#ifdef __x86_64__
static void product(float *to, float *sums, const float *a, const float *b, const size_t *shape,
                    size_t layout, size_t far)
{
    size_t rows = shape[0], columns = shape[1], inner = shape[2];
    struct operand left_one = {a, 1, rows}, right_one = {b, 1, inner};
    if (layout % 2)
        left_one = (struct operand){a, inner + far, 1};
    if (layout / 2 % 2)
        right_one = (struct operand){b, columns, 1};
    for (size_t i = 0; i < rows * columns; i++)
        to[i] = value(i, 7);
    for (size_t i = 0; i < rows; i++)
        sums[i] = value(i, 9);
    gemm((struct gemm_into){to, columns, layout / 4 % 2 ? b : NULL, layout / 8 % 2, sums}, left_one,
         right_one, rows, columns, inner);
}

static void avx512_has_the_bits_of_avx2(void **state)
{
    enum { MOST = 230, DEEP = 530, FAR = 1100 };
    static const size_t shapes[][3] = {
        {1, 1, 1},     {14, 32, 256},  {13, 31, 255},   {28, 64, 257},
        {113, 33, 30}, {126, 16, 512}, {230, 48, DEEP}, {45, MOST, 64},
    };
    static float a[MOST * (DEEP + FAR)], b[MOST * DEEP], narrow[MOST * MOST], wide[MOST * MOST];
    float narrow_sums[MOST], wide_sums[MOST];
    (void)state;
    if (instructions_here() < INSTRUCTIONS_AVX512)
        skip();
    for (size_t i = 0; i < MOST * (DEEP + FAR); i++)
        a[i] = value(i, 1);
    for (size_t i = 0; i < MOST * DEEP; i++)
        b[i] = value(i, 2);
    for (size_t s = 0; s < sizeof(shapes) / sizeof(*shapes); s++)
        for (size_t layout = 0; layout < 32; layout++) {
            size_t far = layout / 16 * FAR;
            product(wide, wide_sums, a, b, shapes[s], layout, far);
            instructions_most = INSTRUCTIONS_AVX2;
            product(narrow, narrow_sums, a, b, shapes[s], layout, far);
            instructions_most = INSTRUCTIONS_AVX512;
            assert_memory_equal(wide, narrow, shapes[s][0] * shapes[s][1] * sizeof(*wide));
            assert_memory_equal(wide_sums, narrow_sums, shapes[s][0] * sizeof(*wide_sums));
        }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_tiles),
#ifdef __x86_64__
        cmocka_unit_test(avx2_tiles),
        cmocka_unit_test(avx512_tiles),
        cmocka_unit_test(avx512_has_the_bits_of_avx2),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
