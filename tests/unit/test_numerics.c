/* Linear algebra and small statistics, against the textbook's form and tabulated values. */
#include "cmocka_all.h"

#include <math.h>
#include <string.h>
#include "lrsearch/rng.h"
#include "search/numerics.h"

#define MOST 60
#define DRAWS ((uint64_t)RNG_SIMULATE + (12u << 8))

/* Cholesky as in the textbook, without skipping zeros. False: not positive definite. */
static bool dense_cholesky(double *a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = a[i * n + j];
            for (size_t k = 0; k < j; k++)
                sum -= a[i * n + k] * a[j * n + k];
            if (i == j && !(sum > 0))
                return false;
            a[i * n + j] = i == j ? sqrt(sum) : sum / a[j * n + j];
        }
    return true;
}

/* A positive definite matrix in the lower triangle; NaN above, which must not be read. Rows begin
 * with `zeros(i)` zeros, at most i. */
static void draw_matrix(double *a, size_t n, uint64_t seed, bool arrow)
{
    for (size_t i = 0; i < n; i++) {
        size_t zeros = (size_t)rng_below(seed, DRAWS, i, i + 1);
        if (arrow) /* a diagonal block, then full rows */
            zeros = i < n / 2 ? i : 0;
        for (size_t j = 0; j < n; j++)
            a[i * n + j] = j > i ? NAN : 0;
        for (size_t j = zeros; j < i; j++)
            a[i * n + j] = rng_normal(seed, DRAWS, 1000 + i * n + j);
        a[i * n + i] = 3 * (double)n;
    }
}

static void zeros_at_the_beginning_of_rows_change_nothing(void **state)
{
    (void)state;
    static double a[MOST * MOST], dense[MOST * MOST];
    for (uint64_t seed = 1; seed <= 100; seed++) {
        size_t n = 1 + (size_t)rng_below(seed, DRAWS, 999999, MOST);
        draw_matrix(a, n, seed, seed % 2 == 0);
        memcpy(dense, a, sizeof(a));
        assert_true(cholesky(a, n) && dense_cholesky(dense, n));
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j <= i; j++)
                assert_true(a[i * n + j] == dense[i * n + j]); /* to the last bit */
    }
}

static void solutions_solve(void **state)
{
    (void)state;
    static double a[MOST * MOST], given[MOST * MOST];
    double x[MOST], right[MOST];
    for (uint64_t seed = 1; seed <= 40; seed++) {
        size_t n = 1 + (size_t)rng_below(seed, DRAWS, 999999, MOST);
        draw_matrix(a, n, seed, seed % 2 == 0);
        memcpy(given, a, sizeof(a));
        for (size_t i = 0; i < n; i++)
            x[i] = right[i] = rng_normal(seed, DRAWS, 500000 + i);
        assert_true(cholesky(a, n));
        cholesky_solve(a, x, n);
        for (size_t i = 0; i < n; i++) {
            double sum = -right[i];
            for (size_t j = 0; j < n; j++)
                sum += given[i >= j ? i * n + j : j * n + i] * x[j];
            assert_true(fabs(sum) < 1e-10);
        }
        for (size_t i = 0; i < n; i++)
            x[i] = right[i];
        cholesky_solve_upper(a, x, n);
        for (size_t i = 0; i < n; i++) { /* L^T x */
            double sum = -right[i];
            for (size_t j = i; j < n; j++)
                sum += a[j * n + i] * x[j];
            assert_true(fabs(sum) < 1e-10);
        }
    }
}

static void what_is_not_positive_definite_is_refused(void **state)
{
    (void)state;
    double indefinite[] = {1, NAN, 2, 1}, zero[] = {0}, unknown[] = {NAN};
    double singular[] = {1, NAN, 1, 1};
    assert_false(cholesky(indefinite, 2));
    assert_false(cholesky(zero, 1));
    assert_false(cholesky(unknown, 1));
    assert_false(cholesky(singular, 2));
}

static void few_degrees_of_freedom_widen_as_student_does(void **state)
{
    (void)state;
    const double freedom[] = {1, 2, 3, 4, 5, 10, 30},
                 t95[] = {6.314, 2.920, 2.353, 2.132, 2.015, 1.812, 1.697};
    for (int i = 0; i < 7; i++)
        assert_true(fabs(student_widening(freedom[i]) * 1.6449 / t95[i] - 1) < 0.01);
    assert_true(student_widening(0) >= student_widening(1));
    assert_true(fabs(student_widening(1e9) - 1) < 1e-6);
}

static void a_spread_holds_nine_tenths(void **state)
{
    (void)state;
    double values[101];
    for (int i = 0; i < 101; i++)
        values[i] = 100 - i;
    struct spread spread = spread_of(values, 101);
    assert_float_equal(spread.mean, 50, 1e-9);
    assert_float_equal(spread.deviation, sqrt(101.0 * 102 / 12), 1e-9);
    assert_float_equal(spread.ci90[0], 5, 1e-9);
    assert_float_equal(spread.ci90[1], 95, 1e-9);
    double value, ci90[2];
    spread.mean = 3;
    spread_exp2(&spread, &value, ci90);
    assert_float_equal(value, 8, 1e-9);
    assert_float_equal(ci90[0], 32, 1e-9);
}

static void a_slope_needs_two_points_and_its_error_three(void **state)
{
    (void)state;
    const double x[] = {0, 1, 2, 3}, y[] = {1, 3.1, 4.9, 7}, same[] = {2, 2, 2};
    struct slope fit = slope_fit(x, y, 4);
    assert_float_equal(fit.slope, 1.98, 1e-9);
    assert_true(fit.error > 0 && fit.ci90[0] < 2 && 2 < fit.ci90[1]);
    fit = slope_fit(x, y, 2);
    assert_true(isfinite(fit.slope) && isnan(fit.error));
    assert_true(isnan(slope_fit(same, y, 3).slope));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zeros_at_the_beginning_of_rows_change_nothing),
        cmocka_unit_test(solutions_solve),
        cmocka_unit_test(what_is_not_positive_definite_is_refused),
        cmocka_unit_test(few_degrees_of_freedom_widen_as_student_does),
        cmocka_unit_test(a_spread_holds_nine_tenths),
        cmocka_unit_test(a_slope_needs_two_points_and_its_error_three),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
