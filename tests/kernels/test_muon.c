/* Newton-Schulz against its twin in double precision, also where the singular values span eight
 * decades; momentum and update by hand. */
#include "cmocka_all.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "kernels/gemm_bf16.h"
#include "kernels/kernels.h"
#include "kernels/ref/ref.h"
#include "lrsearch/rng.h"

/* Of singular values up to 1.2. Met: 1e-5. Without a second start from X: 2e-4. */
#define TOLERANCE 2e-5
/* Root mean square of the difference by that of the result; bf16 rounds by 2^-9. Met: .071. Of few
 * rows each singular value is large, where five steps amplify it most; met: .27 (one number). */
#define TOLERANCE_BF16 .08
#define TOLERANCE_BF16_FEW .3
enum { FEW = 8 };

static void *room(size_t count, size_t size)
{
    void *memory = aligned_alloc(64, (count * size + 63) / 64 * 64);
    assert_non_null(memory);
    return memory;
}

/* Row i is `decades` i / rows decades smaller than row 0. */
static void draw(float *x, size_t rows, size_t cols, double decades)
{
    rng_fill_normal(x, rows * cols, 1, rows * 1000 + cols, RNG_SIMULATE);
    for (size_t i = 0; i < rows * cols; i++)
        x[i] *= (float)pow(10, -decades * (double)(i / cols) / (double)rows);
}

/* The twin's result, in place. */
static void twin(float *x, size_t rows, size_t cols)
{
    size_t m = rows < cols ? rows : cols, n = rows < cols ? cols : rows;
    double *wide = room(m * n, sizeof(*wide)), *work = room(m * (2 * m + n), sizeof(*work));
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++)
            wide[rows <= cols ? i * n + j : j * n + i] = (double)x[i * cols + j];
    ref_newton_schulz(wide, work, m, n);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++)
            x[i * cols + j] = (float)wide[rows <= cols ? i * n + j : j * n + i];
    free(wide);
    free(work);
}

static void orthogonalize(enum matmul by, float *x, size_t rows, size_t cols)
{
    float *scratch = room(newton_schulz_scratch(by, rows, cols), sizeof(*scratch));
    newton_schulz(by, x, scratch, rows, cols);
    free(scratch);
}

static void must_agree(enum matmul by, size_t rows, size_t cols, double decades)
{
    size_t count = rows * cols;
    float *ours = room(count, sizeof(*ours)), *theirs = room(count, sizeof(*theirs));
    double largest = 0, off_squares = 0, squares = 0;
    draw(ours, rows, cols, decades);
    memcpy(theirs, ours, count * sizeof(*ours));
    orthogonalize(by, ours, rows, cols);
    twin(theirs, rows, cols);
    for (size_t i = 0; i < count; i++) {
        double off = fabs((double)ours[i] - (double)theirs[i]);
        if (!(off <= largest))
            largest = off;
        off_squares += off * off;
        squares += (double)theirs[i] * (double)theirs[i];
    }
    double rms = sqrt(off_squares / squares);
    double bf16 = rows < FEW || cols < FEW ? TOLERANCE_BF16_FEW : TOLERANCE_BF16;
    if (by == MATMUL_BF16 ? !(rms <= bf16) : !(largest <= TOLERANCE))
        fail_msg("%c %zu x %zu, %g decades: off by %g, rms %g", by, rows, cols, decades, largest,
                 rms);
    free(ours);
    free(theirs);
}

static const size_t shapes[][2] = {{1, 1},   {1, 40},   {3, 5},    {14, 33},  {64, 64},
                                   {70, 70}, {100, 48}, {96, 384}, {384, 96}, {300, 310}};
enum { SHAPES = sizeof(shapes) / sizeof(*shapes) };

static void agrees_with_the_twin(void **state)
{
    (void)state;
    for (size_t i = 0; i < SHAPES; i++)
        for (int decades = 0; decades <= 8; decades += 2)
            for (int bf16 = 0; bf16 < 2; bf16++)
                must_agree(bf16 ? MATMUL_BF16 : MATMUL_OWN, shapes[i][0], shapes[i][1], decades);
}

static void any_number_of_threads_gives_the_same_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < SHAPES; i++)
        for (int bf16 = 0; bf16 < 2; bf16++) {
            enum matmul by = bf16 ? MATMUL_BF16 : MATMUL_OWN;
            size_t rows = shapes[i][0], cols = shapes[i][1], bytes = rows * cols * sizeof(float);
            float *one = room(bytes, 1), *many = room(bytes, 1);
            draw(one, rows, cols, 3);
            orthogonalize(by, one, rows, cols);
            for (int threads = 2; threads <= 5; threads++) {
                draw(many, rows, cols, 3);
                kernels_set_threads(threads);
                orthogonalize(by, many, rows, cols);
                kernels_set_threads(1);
                assert_memory_equal(one, many, bytes);
            }
            free(one);
            free(many);
        }
}

/* A gradient of zeros stays one; one beyond measure is found. */
static void zeros_and_nan(void **state)
{
    (void)state;
    float x[12] = {0}, zeros[12] = {0};
    orthogonalize(MATMUL_OWN, x, 3, 4);
    assert_memory_equal(x, zeros, sizeof(x));
    x[5] = NAN;
    orthogonalize(MATMUL_OWN, x, 3, 4);
    assert_true(isnan(x[0]) && isnan(x[5]));
}

/* Momentum .5, gradients 2 and 4, halved: m = 1, u = 1 + .5; m = .5 + 2, u = 2 + 1.25. */
static void momentum_and_update_by_hand(void **state)
{
    (void)state;
    float u, m = 0, grad = 2, weight = 3;
    muon_momentum(&u, &m, &grad, .5f, .5f, 1);
    assert_true(m == 1 && u == 1.5f);
    grad = 4;
    muon_momentum(&u, &m, &grad, .5f, .5f, 1);
    assert_true(m == 2.5f && u == 3.25f);
    muon_update(&weight, &u, .5f, .25f, 1); /* .75 * 3 - .5 * 3.25 */
    assert_true(weight == .625f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_twin),
        cmocka_unit_test(any_number_of_threads_gives_the_same_bytes),
        cmocka_unit_test(zeros_and_nan),
        cmocka_unit_test(momentum_and_update_by_hand),
    };
    kernels_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
