/* Coordinate checks over all settings: gpt and llama, heads that get larger or more, qk-norm, tied
 * outputs, 256 and 4096 tokens of vocabulary, LRs of 1e-3 and 1e-2. What is right must pass, sp and
 * what is wrong in one place must fail, that at one LR and with one step: the rows that show it
 * come before the second and do not depend on the LR. LRSEARCH_COORD_SEEDS: seeds of the plan that
 * what is right is tried with, 1 unless given. */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include "coord_case.h"
#include "kernels/kernels.h"

enum { SETTINGS = 64, WIDTH = 16 /* to 128: the narrower, the further from theory */ };

static struct coord_setting setting_of(unsigned index, uint32_t parametrization)
{
    return (struct coord_setting){.arch = index & 1 ? ARCH_LLAMA : ARCH_GPT,
                                  .parametrization = parametrization,
                                  .heads_grow = index & 2,
                                  .qk_norm = index & 4,
                                  .tied = index & 8,
                                  .vocab = index & 16 ? 4096 : 256,
                                  .lr = index & 32 ? 1e-2 : 1e-3};
}

static unsigned seeds(void)
{
    const char *text = getenv("LRSEARCH_COORD_SEEDS");
    return text ? (unsigned)atoi(text) : 1;
}

/* Every setting that the parametrization has; counts checks that do not end as they must. */
static void all_settings(uint32_t parametrization, enum coord_fault fault, bool passes)
{
    unsigned runs = 0, wrong = 0;
    for (unsigned i = 0; i < SETTINGS; i++)
        for (unsigned seed = 0; seed < (passes ? seeds() : 1); seed++) {
            struct coord_setting setting = setting_of(i, parametrization);
            struct coord_check check;
            setting.seed = 1000 * seed + i;
            setting.width = WIDTH;
            setting.steps = passes ? 3 : 1;
            if ((setting.tied && parametrization == PARAM_LVP) ||
                !coord_fault_applies(fault, &setting) || (!passes && setting.lr > 1e-3))
                continue;
            coord_case_run(&check, &setting, fault);
            runs++;
            if (check.passed != passes) {
                wrong++;
                coord_case_print(&check, &setting, fault);
            }
            coord_release(&check);
        }
    printf("%s, wrong: %s: %u of %u %s\n", parametrization_name(parametrization),
           coord_fault_name(fault), runs - wrong, runs, passes ? "pass" : "fail");
    fflush(stdout);
    assert_true(runs > 0);
    assert_int_equal(wrong, 0);
}

static void what_is_right_passes(void **state)
{
    (void)state;
    all_settings(PARAM_MUP, FAULT_NONE, true);
    all_settings(PARAM_LVP, FAULT_NONE, true);
}

static void sp_fails(void **state)
{
    (void)state;
    all_settings(PARAM_SP, FAULT_NONE, false);
}

static void what_is_wrong_fails(void **state)
{
    (void)state;
    for (int f = FAULT_NONE + 1; f < FAULT_COUNT; f++) {
        all_settings(PARAM_MUP, (enum coord_fault)f, false);
        all_settings(PARAM_LVP, (enum coord_fault)f, false);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_fails),
        cmocka_unit_test(sp_fails),
        cmocka_unit_test(what_is_right_passes),
    };
    kernels_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
