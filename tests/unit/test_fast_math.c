/* fast_log and fast_exp against libm's, within the errors that their header promises. */
#include "cmocka_all.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include "search/fast_math.h"

#define COUNT 2001
#define EXP_LEAST -700.0
#define EXP_MOST 700.0

static void logarithms_are_those_of_libm(void **state)
{
    (void)state;
    double x[COUNT], given[COUNT];
    for (int i = 0; i < COUNT; i++)
        given[i] = x[i] = exp2((i - COUNT / 2) * 1.0137) * (1 + i / 3.0 / COUNT);
    given[0] = x[0] = 1;
    given[1] = x[1] = DBL_MIN;
    given[2] = x[2] = DBL_MAX;
    given[3] = x[3] = nextafter(2, 0);
    fast_log(x, COUNT);
    for (int i = 0; i < COUNT; i++)
        assert_true(fabs(x[i] - log(given[i])) <= 1e-13 * fmax(1, fabs(log(given[i]))));
}

static bool is_exponential(double value, double x)
{
    return fabs(value / exp(x) - 1) <= 1e-11;
}

static void exponentials_are_those_of_libm(void **state)
{
    (void)state;
    for (int part = 0; part < 50; part++) {
        double x[COUNT], given[COUNT];
        for (int i = 0; i < COUNT; i++)
            given[i] = x[i] =
                EXP_LEAST + (EXP_MOST - EXP_LEAST) * (part + (double)i / (COUNT - 1)) / 50;
        fast_exp(x, COUNT);
        for (int i = 0; i < COUNT; i++)
            if (given[i] > EXP_LEAST)
                assert_true(is_exponential(x[i], given[i]));
    }
}

/* |r| is largest half way between two multiples of ln 2. */
static void exponentials_are_right_half_way_between_powers_of_two(void **state)
{
    (void)state;
    for (int n = -1009; n < 1009; n++) {
        double given = (n + 0.5) * log(2.0);
        double x[3] = {nextafter(given, -1e9), given, nextafter(given, 1e9)};
        fast_exp(x, 3);
        for (int i = 0; i < 3; i++)
            assert_true(is_exponential(x[i], given));
    }
}

static void the_exponential_of_0_is_1(void **state)
{
    (void)state;
    double x[] = {0, -0.0, 1e-300, -1e-300};
    fast_exp(x, 4);
    for (int i = 0; i < 4; i++)
        assert_true(x[i] == 1);
}

static void very_low_exponents_give_0(void **state)
{
    (void)state;
    double x[] = {-700, nextafter(-700, -701), -701, -1e4, -1e300, -INFINITY};
    fast_exp(x, 6);
    for (int i = 0; i < 6; i++)
        assert_true(x[i] == 0 || (i == 0 && is_exponential(x[i], -700)));
    assert_true(x[1] == 0);
    x[0] = nextafter(-700, 0);
    fast_exp(x, 1);
    assert_true(is_exponential(x[0], -700));
}

static void none_is_nothing(void **state)
{
    (void)state;
    double x = 7;
    fast_log(&x, 0);
    fast_exp(&x, 0);
    assert_true(x == 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logarithms_are_those_of_libm),
        cmocka_unit_test(exponentials_are_those_of_libm),
        cmocka_unit_test(exponentials_are_right_half_way_between_powers_of_two),
        cmocka_unit_test(the_exponential_of_0_is_1),
        cmocka_unit_test(very_low_exponents_give_0),
        cmocka_unit_test(none_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
