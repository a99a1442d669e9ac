/* The loops of peak.h: those of this CPU run, and do the work that they count. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>
#include "kernels/gemm.h"
#include "kernels/peak.h"

enum { ROUNDS = 3000, TIMES_AS_MANY = 10, TRIES = 20 };

static double own_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double seconds_of(enum peak_kind kind, size_t rounds)
{
    double start = own_seconds();
    peak_loop(kind, rounds);
    return own_seconds() - start;
}

/* A loop that the compiler removed, or shortened, would take no longer. */
static void more_rounds_take_longer(void **state)
{
    (void)state;
    for (int kind = 0; kind < PEAK_COUNT; kind++) {
        if (!peak_present((enum peak_kind)kind)) {
            print_message("%s: not on this CPU\n", peak_names[kind]);
            continue;
        }
        double flops = peak_loop((enum peak_kind)kind, ROUNDS);
        assert_true(flops > 0);
        assert_true(peak_loop((enum peak_kind)kind, TIMES_AS_MANY * ROUNDS) ==
                    TIMES_AS_MANY * flops);
        /* The least of several tries, since other programs can only slow one down. In turn, since a
         * core may run wide instructions slowly for up to a millisecond after the first of them. */
        double few = INFINITY, many = INFINITY;
        for (int i = 0; i < TRIES; i++) {
            few = fmin(few, seconds_of((enum peak_kind)kind, ROUNDS));
            many = fmin(many, seconds_of((enum peak_kind)kind, TIMES_AS_MANY * ROUNDS));
        }
        assert_true(many > 0.5 * TIMES_AS_MANY * few);
        print_message("%s: %.1f GFLOP/s\n", peak_names[kind], TIMES_AS_MANY * flops / many / 1e9);
    }
}

static void the_best_are_those_of_the_products(void **state)
{
    (void)state;
    enum peak_kind fp32 = peak_best(false), bf16 = peak_best(true);
    assert_true(peak_present(fp32) && peak_present(bf16));
    assert_true(fp32 <= PEAK_AVX512 && bf16 >= fp32);
    assert_string_equal(peak_names[fp32], gemm_instructions());
    assert_true(bf16 == fp32 || bf16 >= PEAK_AVX512_BF16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_rounds_take_longer),
        cmocka_unit_test(the_best_are_those_of_the_products),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
