/* Searched LR ratios on surfaces whose best ones are known. */
#include "cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "surface.h"

static struct surface_run run;

static struct surface surface_of(uint64_t seed, double embedding, double output)
{
    struct surface surface = surface_draw(seed, 0.003);
    surface.ratio[RATIO_EMBEDDING] = embedding;
    surface.ratio[RATIO_OUTPUT] = output;
    surface.ratio_curvature = 0.02;
    surface.ratio_pull = 0.15;
    return surface;
}

static struct search_space space_of(const struct surface *surface)
{
    struct search_space space = surface_space(surface, 2);
    space.ratios[RATIO_EMBEDDING] = (struct ratio_range){0.25, 64};
    space.ratios[RATIO_OUTPUT] = (struct ratio_range){1, 1};
    return space;
}

static double octaves(double a, double b)
{
    return fabs(log2(a / b));
}

static void the_best_ratio_is_found(void **state)
{
    int near = 0, covered = 0, lr_near = 0;
    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++) {
        double best = 0.5 * exp2(0.15 * (double)seed); /* .5 to 29 */
        struct surface surface = surface_of(seed, best, 0);
        struct search_space space = space_of(&surface);
        assert_int_equal(surface_search(&run, &surface, &space, &policy_narrow), 0);
        const struct ratio_answer *ratio = &run.answer.ratios[RATIO_EMBEDDING];
        assert_true(ratio->searched && !run.answer.ratios[RATIO_OUTPUT].searched);
        assert_true(ratio->trials >= 10);
        near += octaves(ratio->value, best) <= 1;
        covered += ratio->ci90[0] <= best && best <= ratio->ci90[1];
        /* the LR that is best at the ratio that was used */
        double wanted = surface_optimum(&surface, surface.horizons[0]) *
                        exp2(-surface.ratio_pull * log2(ratio->value / best));
        lr_near += octaves(run.answer.horizons[0].lr_opt, wanted) <= 0.5;
    }
    if (near < 36 || covered < 28 || lr_near < 36)
        fail_msg("of 40: ratio near %d, covered %d, LR near %d", near, covered, lr_near);
}

/* One after the other; the second is compared at the best of the first. */
static void two_ratios(void **state)
{
    (void)state;
    struct surface surface = surface_of(3, 8, 10); /* the search starts at 4 and 2 */
    struct search_space space = space_of(&surface);
    space.ratios[RATIO_OUTPUT] = (struct ratio_range){0.125, 32};
    assert_int_equal(surface_search(&run, &surface, &space, &policy_narrow), 0);
    assert_true(octaves(run.answer.ratios[RATIO_EMBEDDING].value, 8) <= 1);
    assert_true(octaves(run.answer.ratios[RATIO_OUTPUT].value, 10) <= 1);
    for (int r = 0; r < RATIO_COUNT; r++) {
        const struct ratio_answer *ratio = &run.answer.ratios[r];
        assert_true(ratio->trials >= 10 && !ratio->at_edge);
        assert_true(ratio->ci90[0] <= surface.ratio[r] && surface.ratio[r] <= ratio->ci90[1]);
    }
    size_t with_both = 0;
    for (size_t i = 0; i < run.count; i++)
        with_both += run.seen[i].tokens == surface.horizons[2];
    assert_true(with_both > 0);
    for (size_t i = 0; i < run.count; i++) /* longer horizons know the settled ratios only */
        if (run.seen[i].tokens != surface.horizons[0])
            for (int r = 0; r < RATIO_COUNT; r++)
                assert_true(run.seen[i].ratios[r] == run.answer.ratios[r].value);
}

static bool warned(const char *text)
{
    for (size_t i = 0; i < run.answer.warning_count; i++)
        if (strstr(run.answer.warnings[i], text))
            return true;
    return false;
}

static void a_ratio_at_the_end_of_its_range_is_told(void **state)
{
    (void)state;
    struct surface surface = surface_of(5, 500, 0);
    struct search_space space = space_of(&surface);
    assert_int_equal(surface_search(&run, &surface, &space, &policy_narrow), 0);
    assert_true(run.answer.ratios[RATIO_EMBEDDING].at_edge);
    assert_true(run.answer.ratios[RATIO_EMBEDDING].value == 64);
    assert_true(warned("the best model.embedding_lr_ratio, 64, lies at the end of what was tried: "
                       "widen its range"));
}

static void a_ratio_that_does_not_matter_is_told(void **state)
{
    int told = 0;
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct surface surface = surface_of(seed, 0, 0);
        struct search_space space = space_of(&surface);
        assert_int_equal(surface_search(&run, &surface, &space, &policy_narrow), 0);
        told += warned("the data do not tell the best model.embedding_lr_ratio") ||
                warned("lies at the end of what was tried");
    }
    assert_true(told >= 16);
}

/* A campaign that is resumed asks the same: whatever order the trials are told in, and with each
 * round replayed from the rounds before. */
static void the_same_rounds_again(void **state)
{
    static struct observation seen[SURFACE_SEEN], turned[SURFACE_SEEN];
    static struct proposal round[POLICY_ROUND_MAX], again[POLICY_ROUND_MAX];
    struct surface surface = surface_of(7, 4, 1);
    struct search_space space = space_of(&surface);
    size_t count = 0;
    int asked;
    (void)state;
    space.ratios[RATIO_OUTPUT] = (struct ratio_range){0.25, 4};
    memset(round, 0, sizeof(round));
    memset(again, 0, sizeof(again));
    while ((asked = search_next(&policy_grid, &space, seen, count, round)) > 0) {
        for (size_t i = 0; i < count; i++)
            turned[i] = seen[count - 1 - i];
        assert_int_equal(search_next(&policy_grid, &space, turned, count, again), asked);
        for (int i = 0; i < asked; i++) {
            assert_true(round[i].lr == again[i].lr && round[i].tokens == again[i].tokens);
            assert_memory_equal(round[i].ratios, again[i].ratios, sizeof(again[i].ratios));
            for (size_t j = 0; j < count; j++) /* never what was seen */
                assert_false(seen[j].lr == round[i].lr && seen[j].tokens == round[i].tokens &&
                             seen[j].seed == round[i].seed &&
                             memcmp(seen[j].ratios, round[i].ratios, sizeof(round[i].ratios)) == 0);
        }
        for (int i = 0; i < asked; i++)
            seen[count++] = surface_try(&surface, &round[i]);
    }
    assert_int_equal(asked, 0);
    assert_true(count > 60);
}

/* The forecast holds what is asked, and names the steps. */
static void the_forecast_holds(void **state)
{
    struct forecast_stage stages[32];
    struct surface surface = surface_of(9, 4, 0);
    struct search_space space = space_of(&surface);
    size_t most = 0;
    bool named = false;
    (void)state;
    int used = search_forecast(&policy_narrow, &space, stages, 32);
    for (int i = 0; i < used; i++) {
        most += stages[i].trials_max;
        named |= strcmp(stages[i].name, "embedding ratio: coarse") == 0;
    }
    assert_true(named);
    assert_int_equal(surface_search(&run, &surface, &space, &policy_narrow), 0);
    assert_true(run.count <= most);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_ratio_is_found),
        cmocka_unit_test(two_ratios),
        cmocka_unit_test(a_ratio_at_the_end_of_its_range_is_told),
        cmocka_unit_test(a_ratio_that_does_not_matter_is_told),
        cmocka_unit_test(the_same_rounds_again),
        cmocka_unit_test(the_forecast_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
