/* Every reason to refuse an answer, by its words. */
#include "cmocka_all.h"

#include "search_scene.h"

static void nothing_was_seen(void **state)
{
    (void)state;
    conclude();
    assert_int_equal(answer.status, ANSWER_NOT_IDENTIFIED);
    assert_string_equal(answer.reason, "no trial has finished");
    assert_true(isnan(answer.target.lr) && isnan(answer.target.ci90[0]));
    assert_int_equal(answer.horizon_count, 3);
}

static void everything_diverged(void **state)
{
    (void)state;
    space.lr_low = 1;
    space.lr_high = 10;
    see(1000000, 1, NAN)->kind = OBSERVED_DIVERGED;
    see(1000000, 10, NAN); /* a loss that is no number is a divergence */
    see(1000000, 3, 2)->kind = OBSERVED_NOTHING;
    conclude();
    assert_int_equal(answer.status, ANSWER_NOT_IDENTIFIED);
    assert_string_equal(answer.reason, "every trial diverged: the range [1, 10] is too high; try "
                                       "search.lr: [0.0001, 0.1]");
    assert_int_equal(answer.horizons[0].trials, 2);
    assert_int_equal(answer.horizons[0].diverged, 2);
}

static void the_longest_is_missing(void **state)
{
    (void)state;
    see_basin(1000000, 8e-3, 0);
    see_basin(2000000, 6e-3, 0);
    conclude();
    assert_int_equal(answer.status, ANSWER_NOT_IDENTIFIED);
    assert_string_equal(answer.reason,
                        "no trial of the longest horizon, 4M tokens, has ended with a loss");
    assert_true(isfinite(answer.target.lr) && isfinite(answer.target.ci90[0]));
    assert_true(isfinite(answer.law.beta));
}

static void the_longest_has_its_best_at_the_edge(void **state)
{
    (void)state;
    see_basin(1000000, 8e-3, 0);
    see_basin(2000000, 6e-3, 0);
    for (int i = 0; i < 5; i++)
        see(4000000, 1e-3 * exp2(i), 3 + 0.04 * (i + 1) * (i + 1));
    conclude();
    assert_string_equal(answer.reason,
                        "at the longest horizon, 4M tokens, the best learning rate (0.001) lies at "
                        "the lower edge of what was tried: widen search.lr to [0.000125, 0.064]");
    assert_true(warned("4M tokens: the best learning rate lies at the edge"));
    assert_true(answer.horizons[2].at_edge);
}

/* A step, no parabola: its vertex lies far below the best trial, which is the highest LR. */
static void the_edge_is_where_the_best_trial_is(void **state)
{
    const double lrs[] = {.001, .00416, .0173, .0721, .147, .21, .3};
    const double losses[] = {6.786, 6.414, 6.111, 6.1216, 6.1155, 6.101, 6.0864};
    (void)state;
    space.lr_high = .3;
    for (int i = 0; i < 7; i++)
        see(4000000, lrs[i], losses[i]);
    conclude();
    assert_non_null(strstr(answer.reason, "the best learning rate (0.3) lies at the upper edge of "
                                          "what was tried: widen search.lr to [0.001, 2.4]"));
}

static void the_longest_is_flat(void **state)
{
    (void)state;
    const double bumps[] = {3.0, 2.98, 3.01, 2.97, 3.02};
    see_basin(1000000, 8e-3, 0);
    see_basin(2000000, 6e-3, 0);
    for (int i = 0; i < 5; i++)
        see(4000000, 2e-3 * exp2(0.5 * i), bumps[i]);
    conclude();
    assert_string_equal(answer.reason, "at the longest horizon, 4M tokens, the basin is not deeper "
                                       "than the noise: raise search.seeds, or widen search.lr");
    assert_true(warned("4M tokens: the basin is not deeper than the noise"));
    assert_true(answer.horizons[2].flat && !answer.horizons[2].at_edge);
}

static void the_longest_has_two_points(void **state)
{
    (void)state;
    see_basin(1000000, 8e-3, 0);
    see(4000000, 4e-3, 2.9);
    see(4000000, 8e-3, 3)->kind = OBSERVED_DIVERGED;
    see(4000000, 2e-3, 3);
    conclude();
    assert_string_equal(answer.reason, "the longest horizon, 4M tokens, has too few losses for a "
                                       "parabola (three learning rates at least)");
    assert_true(warned("the trial next above the best learning rate (0.004) diverged, at 0.008"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_was_seen),
        TEST(everything_diverged),
        TEST(the_longest_is_missing),
        TEST(the_longest_has_its_best_at_the_edge),
        TEST(the_edge_is_where_the_best_trial_is),
        TEST(the_longest_is_flat),
        TEST(the_longest_has_two_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
