/* The loops of peak.h: those of this CPU run, and do the work that they count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "kernels/gemm.h"
#include "kernels/peak.h"

static void sums_count_the_work(void **state)
{
    (void)state;
    for (int kind = 0; kind < PEAK_COUNT; kind++) {
        if (!peak_present((enum peak_kind)kind)) {
            print_message("%s: not on this CPU\n", peak_names[kind]);
            continue;
        }
        for (size_t rounds = 0; rounds <= 30000; rounds = 10 * rounds + 3) {
            double counted, flops = peak_loop((enum peak_kind)kind, rounds, &counted);
            assert_true(flops == counted);
            assert_true(rounds == 0 || flops > 0);
        }
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
        cmocka_unit_test(sums_count_the_work),
        cmocka_unit_test(the_best_are_those_of_the_products),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
