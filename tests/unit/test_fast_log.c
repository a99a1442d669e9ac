#include "cmocka_all.h"

#include <float.h>
#include <math.h>
#include "search/fast_log.h"

#define COUNT 2001

static void they_are_those_of_libm(void **state)
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

static void none_is_nothing(void **state)
{
    (void)state;
    double x = 7;
    fast_log(&x, 0);
    assert_true(x > 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_are_those_of_libm),
        cmocka_unit_test(none_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
