/* Every reason to refuse an answer, by its words. */
#include "cmocka_all.h"

#include "search_case.h"

static void advised_range(double low, double high)
{
    assert_int_equal(answer.advice.kind, ADVICE_RANGE);
    assert_true(fabs(answer.advice.lr[0] / low - 1) < 1e-9);
    assert_true(fabs(answer.advice.lr[1] / high - 1) < 1e-9);
}

static void nothing_was_seen(void **state)
{
    (void)state;
    conclude();
    assert_int_equal(answer.status, ANSWER_NOT_IDENTIFIED);
    assert_string_equal(answer.reason, "no trial has finished");
    assert_true(isnan(answer.target.lr) && isnan(answer.target.ci90[0]));
    assert_int_equal(answer.confidence.word, CONFIDENCE_NONE);
    assert_int_equal(answer.advice.kind, ADVICE_NONE);
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
    advised_range(1e-4, 1e-1);
    assert_int_equal(answer.confidence.word, CONFIDENCE_NONE);
    assert_int_equal(answer.horizons[0].trials, 2);
    assert_int_equal(answer.horizons[0].diverged, 2);
}

/* A policy that finds it not worth its tokens leaves a horizon out. */
static void a_horizon_that_was_not_tried_is_no_reason(void **state)
{
    (void)state;
    see_basin(1000000, 8e-3, 0);
    see_basin(2000000, 6e-3, 0);
    conclude();
    assert_int_equal(answer.status, ANSWER_IDENTIFIED);
    assert_true(isnan(answer.horizons[2].lr_opt));
    double narrow = log(answer.target.ci90[1] / answer.target.ci90[0]);
    see_basin(4000000, 5e-3, 0);
    conclude();
    assert_true(log(answer.target.ci90[1] / answer.target.ci90[0]) < narrow);
}

/* At the longest of three horizons the lowest LR has the lowest loss. */
static void see_best_at_lowest(void)
{
    see_basin(1000000, 8e-3, 0);
    see_basin(2000000, 6e-3, 0);
    for (int i = 0; i < 5; i++)
        see(4000000, 1e-3 * exp2(i), 3 + 0.04 * (i + 1) * (i + 1));
}

static void the_longest_has_its_best_at_the_edge(void **state)
{
    (void)state;
    see_best_at_lowest();
    conclude();
    assert_string_equal(
        answer.reason,
        "at 4M tokens, the longest horizon tried, the lowest loss (at learning rate 0.001) lies at "
        "the lower edge of what trained, and the optimum seems to lie beyond: widen search.lr to "
        "[0.000125, 0.064]");
    assert_true(warned("4M tokens: the best learning rate lies at the edge"));
    assert_true(answer.horizons[2].at_edge && answer.horizons[2].lr_opt < 1e-3);
    assert_float_equal(answer.horizons[2].lowest_lr, 1e-3, 1e-12);
    advised_range(0.000125, 0.064);
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
    assert_non_null(strstr(answer.reason,
                           "the lowest loss (at learning rate 0.3) lies at the upper "
                           "edge of what trained, and the optimum seems to lie "
                           "beyond: widen search.lr to [0.001, 2.4]"));
    advised_range(0.001, 2.4);
}

/* A plan refuses learning rates above 100. */
static void the_advice_is_a_range_that_a_plan_takes(void **state)
{
    (void)state;
    space.lr_high = 64;
    for (int i = 0; i < 5; i++)
        see(4000000, 64 / exp2(i), 3 + 0.04 * (i + 1) * (i + 1));
    conclude();
    assert_non_null(strstr(answer.reason, "the upper edge of what trained"));
    advised_range(0.001, 100);
}

/* The trials ended far within the range: a wider one would change nothing. */
static void an_edge_within_the_range_does_not_ask_for_a_wider_one(void **state)
{
    (void)state;
    space.lr_low = 1e-6;
    see_best_at_lowest();
    conclude();
    assert_string_equal(
        answer.reason,
        "at 4M tokens, the longest horizon tried, the lowest loss (at learning rate 0.001) lies at "
        "the lower edge of what trained, and the optimum seems to lie beyond: search.lr goes on to "
        "1e-06, and nothing else was worth its tokens; lower search.min_gain to 0.0013");
    assert_int_equal(answer.advice.kind, ADVICE_MIN_GAIN);
    assert_float_equal(answer.advice.min_gain, 0.0013, 1e-12);
    space.min_gain = 0; /* policy grid, or a table */
    conclude();
    assert_non_null(strstr(answer.reason, "beyond: try learning rates from there on to 1e-06"));
    assert_int_equal(answer.advice.kind, ADVICE_NONE);
}

/* The end of the range was tried, but noise put the lowest loss elsewhere: a trial more within the
 * range would not tell the optimum. */
static void a_fitted_optimum_beyond_the_range_asks_for_a_wider_one(void **state)
{
    const double losses[] = {3.075, 3.058, 3.242, 3.471, 3.657, 3.869, 4.221};
    (void)state;
    space.lr_low = 5e-4;
    for (int i = 0; i < 7; i++)
        see(4000000, 5e-4 * exp2(i), losses[i]);
    conclude();
    assert_string_equal(answer.reason,
                        "at 4M tokens, the longest horizon tried, the optimum seems to lie below "
                        "all learning rates that trained: widen search.lr to [6.25e-05, 0.064]");
    advised_range(6.25e-5, 0.064);
}

/* It neither shows an optimum nor hides those of the shorter horizons. */
static void one_loss_at_the_longest_is_no_reason(void **state)
{
    (void)state;
    see_basin(1000000, 8e-3, 0);
    see_basin(2000000, 6e-3, 0);
    conclude();
    assert_int_equal(answer.status, ANSWER_IDENTIFIED);
    see(4000000, 2e-3, 2.9);
    conclude();
    assert_int_equal(answer.status, ANSWER_IDENTIFIED);
    assert_string_equal(answer.reason, "");
    assert_int_equal(answer.horizons[2].trials, 1);
    assert_true(isnan(answer.horizons[2].lr_opt));
    assert_false(answer.horizons[2].at_edge);
}

static void see_bumps(uint64_t tokens)
{
    const double bumps[] = {3.0, 2.98, 3.01, 2.97, 3.02};
    for (int i = 0; i < 5; i++)
        see(tokens, 2e-3 * exp2(0.5 * i), bumps[i]);
}

/* What other horizons say still places its optimum; alone it would not be known. */
static void a_flat_horizon_is_told_and_rests_on_the_others(void **state)
{
    (void)state;
    see_basin(1000000, 8e-3, 0);
    see_basin(2000000, 6e-3, 0);
    see_bumps(4000000);
    conclude();
    assert_true(answer.status == ANSWER_NOT_IDENTIFIED ||
                warned("4M tokens: the losses do not tell its optimum") ||
                warned("the losses do not lie on a smooth curve, at some horizons at least"));
    assert_false(answer.horizons[2].at_edge);
    assert_true(answer.horizons[2].se_ln_lr > 1.3 * answer.horizons[1].se_ln_lr);
    assert_true(isfinite(answer.target.lr));
}

static void noise_alone_identifies_nothing(void **state)
{
    (void)state;
    for (int h = 0; h < 3; h++)
        see_bumps(horizons[h]);
    conclude();
    assert_int_equal(answer.status, ANSWER_NOT_IDENTIFIED);
    assert_true(strlen(answer.reason) > 0);
    assert_true(answer.target.no_basin > 0.1);
    assert_int_equal(answer.advice.kind, ADVICE_SEEDS);
    assert_int_equal(answer.advice.seeds, 2);
    assert_non_null(strstr(answer.reason, "raise search.seeds to 2"));
    for (int h = 0; h < 3; h++)
        assert_true(answer.horizons[h].flat);
}

/* Balanced losses at two LRs: a minimum between them is what is expected, not what was seen. */
static void two_learning_rates_show_no_minimum(void **state)
{
    (void)state;
    for (int h = 0; h < 3; h++)
        for (int i = -1; i <= 1; i += 2)
            see(horizons[h], 8e-3 * exp2(i - 0.3 * h), 3);
    conclude();
    assert_int_equal(answer.status, ANSWER_NOT_IDENTIFIED);
    assert_non_null(strstr(answer.reason, "nowhere does the best learning rate lie between two "
                                          "others, so that nothing shows a minimum"));
}

static void the_longest_stops_at_a_wall(void **state)
{
    (void)state;
    see_basin(1000000, 8e-3, 0);
    see(4000000, 4e-3, 2.9);
    see(4000000, 8e-3, 3)->kind = OBSERVED_DIVERGED;
    see(4000000, 2e-3, 3);
    conclude();
    assert_true(warned("the trial next above the best learning rate (0.004) diverged, at 0.008"));
    assert_true(answer.horizons[2].lr_opt > 2e-3 && answer.horizons[2].lr_opt < 8e-3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_was_seen),
        TEST(everything_diverged),
        TEST(a_horizon_that_was_not_tried_is_no_reason),
        TEST(the_longest_has_its_best_at_the_edge),
        TEST(the_edge_is_where_the_best_trial_is),
        TEST(the_advice_is_a_range_that_a_plan_takes),
        TEST(an_edge_within_the_range_does_not_ask_for_a_wider_one),
        TEST(a_fitted_optimum_beyond_the_range_asks_for_a_wider_one),
        TEST(one_loss_at_the_longest_is_no_reason),
        TEST(a_flat_horizon_is_told_and_rests_on_the_others),
        TEST(noise_alone_identifies_nothing),
        TEST(two_learning_rates_show_no_minimum),
        TEST(the_longest_stops_at_a_wall),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
