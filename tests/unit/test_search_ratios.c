/* Searched LR ratios on surfaces whose best ones are known. */
#include "cmocka_all.h"

#include <math.h>
#include <string.h>
#include "few_runs.h"
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

/* The ratio's LR acts on its own: the surface's best LR depends on the ratio a little. */
static void the_best_ratio_is_found(void **state)
{
    int near = 0, covered = 0, lr_near = 0, all = few_runs() ? 2 : 12;
    (void)state;
    for (int seed = 0; seed < all; seed++) {
        double best = 0.5 * exp2(0.5 * seed); /* .5 to 23 */
        struct surface surface = surface_of((uint64_t)seed, best, 0);
        struct search_space space = space_of(&surface);
        assert_int_equal(surface_search(&run, &surface, &space, &policy_design), 0);
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
    print_message("of %d: ratio near %d, covered %d, LR near %d\n", all, near, covered, lr_near);
    if (all < 12)
        return;
    assert_true(near >= 10 && covered >= 9 && lr_near >= 10);
}

/* Both are searched with the LR, at all horizons. */
static void two_ratios(void **state)
{
    (void)state;
    struct surface surface = surface_of(3, 8, 10);
    struct search_space space = space_of(&surface);
    space.ratios[RATIO_OUTPUT] = (struct ratio_range){0.125, 32};
    assert_int_equal(surface_search(&run, &surface, &space, &policy_design), 0);
    assert_true(octaves(run.answer.ratios[RATIO_EMBEDDING].value, 8) <= 1);
    assert_true(octaves(run.answer.ratios[RATIO_OUTPUT].value, 10) <= 1);
    for (int r = RATIO_EMBEDDING; r <= RATIO_OUTPUT; r++) {
        const struct ratio_answer *ratio = &run.answer.ratios[r];
        assert_true(ratio->searched && ratio->trials >= 10 && !ratio->at_edge);
        assert_true(ratio->ci90[0] <= surface.ratio[r] && surface.ratio[r] <= ratio->ci90[1]);
    }
    for (size_t i = 0; i < run.count; i++)
        for (int r = 0; r < RATIO_COUNT; r++)
            assert_true(run.seen[i].ratios[r] >= space.ratios[r].low * 0.999999 &&
                        run.seen[i].ratios[r] <= space.ratios[r].high * 1.000001);
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
    assert_int_equal(surface_search(&run, &surface, &space, &policy_design), 0);
    assert_true(run.answer.ratios[RATIO_EMBEDDING].at_edge);
    assert_true(warned("the best model.embedding_lr_ratio lies at the upper end of its range "
                       "[0.25, 64]: widen it"));
    const struct ratio_answer *ratio = &run.answer.ratios[RATIO_EMBEDDING];
    assert_true(ratio->beyond && ratio->optimum > 64);
    assert_true(ratio->value == 64 && ratio->ci90[0] <= 64 && isnan(ratio->ci90[1]));
    /* on this surface a lower ratio has a higher best LR */
    double wanted = surface_optimum(&surface, surface.target) *
                    exp2(-surface.ratio_pull * log2(ratio->value / 500));
    print_message("LR %.3g (%.3g .. %.3g), best with a ratio of 64: %.3g\n", run.answer.target.lr,
                  run.answer.target.ci90[0], run.answer.target.ci90[1], wanted);
    assert_true(run.answer.target.ci90[0] <= wanted && wanted <= run.answer.target.ci90[1]);
}

/* Its interval then spans most of what was searched: nothing is claimed. */
static void a_ratio_that_does_not_matter_is_not_known(void **state)
{
    int unknown = 0, all = few_runs() ? 1 : 6;
    (void)state;
    for (int seed = 0; seed < all; seed++) {
        struct surface surface = surface_of((uint64_t)seed, 0, 0);
        struct search_space space = space_of(&surface);
        assert_int_equal(surface_search(&run, &surface, &space, &policy_design), 0);
        const struct ratio_answer *ratio = &run.answer.ratios[RATIO_EMBEDDING];
        double width = octaves(ratio->ci90[1], ratio->ci90[0]);
        print_message("ratio that does not matter: interval of %.1f octaves, flat %d, edge %d\n",
                      width, ratio->flat, ratio->at_edge);
        unknown += width > 3 || ratio->at_edge || ratio->flat;
    }
    assert_true(unknown >= all - 1);
}

/* A campaign that is resumed asks the same: whatever order the trials are told in, and with each
 * round replayed from the rounds before. */
static void the_same_rounds_again(void **state)
{
    static struct observation seen[SURFACE_SEEN], turned[SURFACE_SEEN];
    static struct proposal round[POLICY_ROUND_MAX], again[POLICY_ROUND_MAX];
    struct surface surface = surface_of(7, 4, 1);
    struct search_space space = space_of(&surface);
    size_t count = 0, asked, also;
    (void)state;
    space.ratios[RATIO_OUTPUT] = (struct ratio_range){0.25, 4};
    for (int rounds = 0; rounds < (few_runs() ? 3 : 100); rounds++) {
        assert_int_equal(search_next(&policy_design, &space, seen, count, round, &asked), 0);
        if (asked == 0)
            break;
        for (size_t i = 0; i < count; i++)
            turned[i] = seen[count - 1 - i];
        assert_int_equal(search_next(&policy_design, &space, turned, count, again, &also), 0);
        assert_int_equal(asked, also);
        assert_memory_equal(round, again, asked * sizeof(*round));
        for (size_t i = 0; i < asked; i++) {
            for (size_t j = 0; j < count; j++) /* never what was seen */
                assert_false(seen[j].lr == round[i].lr && seen[j].tokens == round[i].tokens &&
                             seen[j].seed == round[i].seed &&
                             memcmp(seen[j].ratios, round[i].ratios, sizeof(round[i].ratios)) == 0);
        }
        for (size_t i = 0; i < asked; i++)
            seen[count++] = surface_try(&surface, &round[i]);
    }
    assert_true(few_runs() || asked == 0);
    assert_true(count > 15);
}

/* At each LR an octave grid of each ratio. */
static void a_grid_of_ratios_ends(void **state)
{
    struct forecast_stage stages[32];
    struct surface surface = surface_of(9, 4, 0);
    struct search_space space = space_of(&surface);
    size_t most = 0;
    (void)state;
    space.seeds = 1;
    space.ratios[RATIO_OUTPUT] = (struct ratio_range){0.5, 2};
    size_t used = search_forecast(&policy_grid, &space, stages, 32);
    for (size_t i = 0; i < used; i++)
        most += stages[i].trials_max;
    static struct proposal round[POLICY_ROUND_MAX];
    size_t asked;
    assert_int_equal(search_next(&policy_grid, &space, NULL, 0, round, &asked), 0);
    assert_int_equal(asked, most);
    assert_int_equal(asked, 7 * 9 * 3 * 3);
    assert_int_equal(surface_search(&run, &surface, &space, &policy_grid), 0);
    assert_int_equal(run.count, most);
    assert_int_equal(run.rounds, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_ratio_is_found),
        cmocka_unit_test(two_ratios),
        cmocka_unit_test(a_ratio_at_the_end_of_its_range_is_told),
        cmocka_unit_test(a_ratio_that_does_not_matter_is_not_known),
        cmocka_unit_test(the_same_rounds_again),
        cmocka_unit_test(a_grid_of_ratios_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
