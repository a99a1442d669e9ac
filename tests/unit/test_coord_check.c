/* The verdicts of a coordinate check: a parametrization that is wrong in one place fails it, a
 * right one passes. A few settings; test_coord_matrix.c has all of them. */
#include "cmocka_all.h"

#include <math.h>
#include <string.h>
#include "coord_case.h"
#include "kernels/kernels.h"

static const struct coord_setting settings[] = {
    {ARCH_GPT, PARAM_MUP, .vocab = 64, .width = 16, .lr = 3e-3, .seed = 1, .steps = 1},
    {ARCH_LLAMA, PARAM_LVP, .vocab = 64, .width = 16, .lr = 3e-3, .seed = 1, .steps = 1},
};

/* The row where a fault is made, and its slope there. */
static const struct {
    enum coord_part part;
    const char *name;
    double slope, slope_lvp;
} shows[FAULT_COUNT] = {
    [FAULT_NONE] = {COORD_GAIN, "hidden matrices", 0, 0},
    [FAULT_HIDDEN_LR_HIGH] = {COORD_GAIN, "hidden matrices", 0.5, 0.5},
    [FAULT_HIDDEN_LR_LOW] = {COORD_GAIN, "hidden matrices", -0.5, -0.5},
    [FAULT_LOGITS_HIGH] = {COORD_START, "output logits", 0.5, 0.5},
    [FAULT_LOGITS_LOW] = {COORD_START, "output logits", -1.5, -1.5},
    [FAULT_ATTENTION] = {COORD_START, "block 1 attention logits", 0, 0},
    [FAULT_EMBEDDING_LR_HIGH] = {COORD_GAIN, "embedding", 0.5, 0},
    [FAULT_EMBEDDING_LR_LOW] = {COORD_GAIN, "embedding", -0.5, -1},
    [FAULT_HIDDEN_INIT] = {COORD_START, "block 0 attention", 1, 1},
    [FAULT_OUTPUT_LR_HIGH] = {COORD_GAIN, "output matrix", 0.5, 0.5},
    [FAULT_OUTPUT_LR_LOW] = {COORD_GAIN, "output matrix", -0.5, -0.5},
};

static const struct coord_figure *figure_of(const struct coord_check *check, enum coord_part part,
                                            const char *name)
{
    for (size_t i = 0; i < check->figure_count; i++)
        if (check->figures[i].part == part && strcmp(check->figures[i].name, name) == 0)
            return &check->figures[i];
    fail_msg("no %s", name);
    return NULL;
}

static void each_fault_is_seen(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof(settings) / sizeof(*settings); s++)
        for (int f = 0; f < FAULT_COUNT; f++) {
            struct coord_check check;
            coord_case_run(&check, &settings[s], (enum coord_fault)f);
            if (check.passed != (f == FAULT_NONE)) {
                coord_case_print(&check, &settings[s], (enum coord_fault)f);
                fail_msg("this %s", check.passed ? "passes" : "fails");
            }
            const struct coord_figure *row = figure_of(&check, shows[f].part, shows[f].name);
            double slope = s == 0 ? shows[f].slope : shows[f].slope_lvp;
            if (!(fabs(row->slope.slope - slope) < 0.15))
                fail_msg("%s: %s has slope %g", coord_fault_name((enum coord_fault)f), row->name,
                         row->slope.slope);
            assert_int_equal(row->verdict, f == FAULT_NONE     ? COORD_OK
                                           : slope > row->high ? COORD_GROWS
                                                               : COORD_VANISHES);
            coord_release(&check);
        }
}

static void what_diverges_is_said(void **state)
{
    struct coord_setting setting = settings[0];
    struct coord_check check;
    (void)state;
    setting.lr = 1e30;
    coord_case_run(&check, &setting, FAULT_NONE);
    assert_false(check.passed);
    assert_int_equal(figure_of(&check, COORD_END, "output logits")->verdict, COORD_DIVERGES);
    coord_release(&check);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_is_seen),
        cmocka_unit_test(what_diverges_is_said),
    };
    kernels_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
