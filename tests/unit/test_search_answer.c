/* What is concluded from losses, and every reason to conclude nothing, by its words. */
#include "cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "few_runs.h"
#include "lrsearch/memory.h"
#include "lrsearch/rng.h"
#include "search_case.h"
#include "surface.h"

static struct answer again;

static bool near(double value, double expected, double relative)
{
    return fabs(value / expected - 1) <= relative;
}

static void clean_losses_give_their_optima(void **state)
{
    (void)state;
    see_clean_basins();
    conclude();
    assert_int_equal(answer.status, ANSWER_IDENTIFIED);
    assert_string_equal(answer.reason, "");
    for (int h = 0; h < 3; h++) {
        const struct horizon_answer *horizon = &answer.horizons[h];
        assert_true(near(horizon->lr_opt, 8e-3 * pow(2, -0.3 * h), 0.06));
        assert_true(near(horizon->curvature, 0.04, 0.15));
        assert_true(near(horizon->loss_min, 3, 0.001));
        assert_true(horizon->ci90[0] < 8e-3 * pow(2, -0.3 * h));
        assert_true(horizon->ci90[1] > 8e-3 * pow(2, -0.3 * h));
        assert_true(horizon->se_ln_lr > 0 && horizon->se_ln_lr < 0.2);
        assert_int_equal(horizon->trials, 5);
        assert_false(horizon->at_edge || horizon->flat);
    }
    assert_true(fabs(answer.law.beta - 0.3) < 0.05);
    assert_true(answer.law.beta_ci90[0] < 0.3 && 0.3 < answer.law.beta_ci90[1]);
    assert_true(answer.law.r2 > 0.95);
    assert_true(near(exp(answer.law.b) * pow(1e6, -answer.law.beta), 8e-3, 0.1));
    assert_true(answer.law.misfit > 0 && answer.law.misfit < 0.2);
    assert_true(near(answer.target.lr, 8e-3 * pow(16, -0.3), 0.1));
    assert_true(near(answer.target.loss_penalty_if_wrong_2x, 0.04, 0.4));
    assert_true(answer.target.loss_penalty > 0 && answer.target.loss_penalty < 0.04);
    assert_int_equal(answer.law.holdout.tokens, 4000000);
    assert_true(near(answer.law.holdout.lr_predicted, answer.law.holdout.lr_measured, 0.1));
    assert_false(warned("missed the longest"));
    assert_false(warned("little room above"));
    assert_false(warned("seeds disagree"));
    assert_true(warned("one seed"));
}

static void a_target_as_long_as_the_longest_is_measured(void **state)
{
    (void)state;
    see_clean_basins();
    space.target_tokens = 4000000;
    conclude();
    assert_int_equal(answer.status, ANSWER_IDENTIFIED);
    assert_true(answer.target.lr == answer.horizons[2].lr_opt);
    assert_true(answer.target.ci90[1] == answer.horizons[2].ci90[1]);
}

/* Two losses at a horizon are enough where the others tell what a basin looks like: this is what
 * policy `design` lives on. */
static void two_losses_place_an_optimum_by_the_shape_of_the_others(void **state)
{
    (void)state;
    see_basin(1000000, 8e-3, 0);
    for (int i = -1; i <= 1; i += 2) {
        double x = i + 0.4; /* the optimum is not half way */
        see(4000000, 5e-3 * exp2(x), 2.5 + 0.04 * x * x);
    }
    conclude();
    assert_true(near(answer.horizons[2].lr_opt, 5e-3, 0.15));
    assert_true(answer.horizons[2].ci90[0] < 5e-3 && 5e-3 < answer.horizons[2].ci90[1]);
    assert_false(answer.horizons[2].at_edge || answer.horizons[2].flat);
    assert_int_equal(answer.status, ANSWER_IDENTIFIED);
    assert_true(isnan(answer.horizons[1].lr_opt));
    assert_int_equal(answer.horizons[1].trials, 0);
}

/* ---- reasons ---- */

/* One horizon says nothing of the exponent: where it matters that is told, or refused. */
static void one_horizon_is_extrapolated_by_the_assumption_alone(void **state)
{
    (void)state;
    space.horizons = &horizons[2];
    space.horizon_count = 1;
    see_basin(4000000, 6e-3, 0);
    conclude();
    assert_true(near(answer.target.lr, 6e-3 * pow(4, -0.3), 0.1));
    assert_true(answer.confidence.assumption_share > 0.9);
    assert_true(answer.confidence.word < CONFIDENCE_STRONG);
    assert_true(warned("is mostly an assumption ("));
    double near_width = log2(answer.target.ci90[1] / answer.target.ci90[0]);
    assert_true(near_width > 4 * 0.15); /* the prior's at least */
    space.target_tokens = 256000000;
    conclude();
    assert_true(log2(answer.target.ci90[1] / answer.target.ci90[0]) > 2 * near_width);
    assert_int_equal(answer.status, ANSWER_NOT_IDENTIFIED);
    assert_int_equal(answer.advice.kind, ADVICE_HORIZON);
}

static void a_far_target_is_refused_with_the_horizon_needed(void **state)
{
    (void)state;
    double times = 0, factor = 0, needed = 0;
    space.horizon_count = 2;
    space.prior_beta_sd = 1;
    space.target_tokens = 2048000000;
    for (int h = 0; h < 2; h++)
        see_basin(horizons[h], 8e-3 * pow(2, -0.3 * h), 0);
    conclude();
    assert_int_equal(answer.status, ANSWER_NOT_IDENTIFIED);
    assert_int_equal(sscanf(answer.reason,
                            "the target is not known well enough: it is %lf times as long as the "
                            "longest horizon, and the 90 %% interval reaches a factor %lf from the "
                            "answer (at most 4): add a horizon of about %lfM tokens",
                            &times, &factor, &needed),
                     3);
    assert_true(fabs(times / 1024 - 1) < 0.01 && factor > 4);
    assert_int_equal(answer.advice.kind, ADVICE_HORIZON);
    uint64_t advised = answer.advice.tokens;
    assert_true(advised > 2000000 && advised < space.target_tokens);
    assert_true(near((double)advised, needed * 1e6, 0.06));
    /* with that horizon it is not refused */
    const uint64_t more[] = {1000000, 2000000, advised};
    double octaves = log2((double)advised / 1e6);
    for (int i = -2; i <= 2; i++) /* its basin is flatter, as published ones are */
        see(advised, 8e-3 * exp2(0.5 * i - 0.3 * octaves),
            3 + 0.01 * i * i * exp2(-0.35 * octaves));
    space.horizons = more;
    space.horizon_count = 3;
    conclude();
    assert_int_equal(answer.status, ANSWER_IDENTIFIED);
}

/* ---- warnings ---- */

static void a_rising_optimum_is_told(void **state)
{
    (void)state;
    for (int h = 0; h < 3; h++)
        see_basin(horizons[h], 4e-3 * exp2(h), 0);
    space.prior_beta_sd = 1;
    conclude();
    assert_true(warned("the optimum rises with the horizon"));
    assert_true(answer.law.beta < -0.9 && answer.law.beta > -1.1);
    assert_int_equal(answer.status, ANSWER_IDENTIFIED);
}

static void a_held_out_horizon_that_was_missed_is_told(void **state)
{
    (void)state;
    const double best[] = {8e-3, 6.5e-3, 32e-3};
    for (int h = 0; h < 3; h++)
        for (int i = -4; i <= 4; i++)
            see(horizons[h], best[h] * exp2(0.5 * i), 3 + 0.01 * i * i);
    conclude();
    assert_true(warned("the shorter horizons missed the longest: they predict 0.00"));
    assert_int_equal(answer.confidence.back_test, BACK_TEST_FAILED);
    assert_true(answer.confidence.word < CONFIDENCE_MODERATE);
    assert_int_equal(answer.law.holdout.tokens, 4000000);
}

/* Optima that fall by half an octave with each doubling lie far apart over six horizons. */
static void optima_far_apart_are_no_noise(void **state)
{
    (void)state;
    static const uint64_t six[] = {1000000, 2000000, 4000000, 8000000, 16000000, 32000000};
    space.horizons = six;
    space.horizon_count = 6;
    space.target_tokens = 256000000;
    for (int sign = -1; sign <= 1; sign += 2) {
        count = 0;
        for (int h = 0; h < 6; h++)
            see_basin(six[h], 8e-3 * exp2(0.5 * sign * (h - 2)), 0);
        conclude();
        assert_true(answer.target.no_basin < 0.01);
        assert_int_equal(answer.status, ANSWER_IDENTIFIED);
        assert_true(fabs(answer.law.beta + 0.5 * sign) < 0.1);
    }
}

static void seeds_that_disagree_are_told(void **state)
{
    (void)state;
    space.seeds = 2;
    for (int h = 0; h < 3; h++) {
        see_basin(horizons[h], 8e-3, 0);
        see_basin(horizons[h], 8e-3, 1);
    }
    conclude();
    assert_false(warned("disagree"));
    assert_false(warned("one seed"));
    assert_int_equal(answer.horizons[2].trials, 10);
    see(4000000, 2e-3, 2.9)->seed = 0;
    see(4000000, 2e-3, 3.2)->seed = 1;
    seen[29].kind = OBSERVED_DIVERGED; /* seed 1 at the highest LR of the longest horizon */
    conclude();
    assert_true(warned("4M tokens: seeds disagree: alone, one has its best loss at"));
    assert_true(warned("1 of 2 seeds diverged"));
}

/* ---- what keeping the longest horizon's LR costs ---- */

static void keeping_costs_what_the_answer_does_at_the_same_length(void **state)
{
    (void)state;
    see_clean_basins();
    space.target_tokens = 4000000;
    conclude();
    assert_true(near(answer.target.keep_lr, answer.horizons[2].lr_opt, 1e-12));
    assert_true(near(answer.target.keep_penalty, answer.target.loss_penalty, 1e-6));
}

/* Optima fall by .3 octaves a doubling: six doublings are 1.8 octaves, or .13 nats at .04 nats an
 * octave squared, if the basin does not get flatter. */
static void keeping_costs_more_where_the_target_is_far(void **state)
{
    (void)state;
    double last = 0;
    see_clean_basins();
    for (int doublings = 1; doublings <= 6; doublings++) {
        space.target_tokens = UINT64_C(4000000) << doublings;
        conclude();
        assert_true(near(answer.target.keep_lr, 8e-3 * pow(2, -0.6), 0.06));
        assert_true(answer.target.keep_penalty > last);
        assert_true(answer.target.keep_penalty > answer.target.loss_penalty);
        last = answer.target.keep_penalty;
    }
    assert_true(last > 0.05 && last < 0.3);
    assert_true(last > 5 * answer.target.loss_penalty);
}

/* ---- confidence ---- */

static void a_near_target_of_clean_basins_is_strong(void **state)
{
    (void)state;
    for (int h = 0; h < 3; h++)
        for (int i = -3; i <= 3; i++)
            see(horizons[h], 8e-3 * exp2(0.5 * i - 0.3 * h), 3 + 0.01 * i * i);
    space.target_tokens = 8000000;
    conclude();
    assert_int_equal(answer.confidence.word, CONFIDENCE_STRONG);
    assert_int_equal(answer.confidence.back_test, BACK_TEST_PASSED);
    assert_true(answer.confidence.bracketed && answer.confidence.interval_octaves <= 1);
    assert_true(answer.confidence.assumption_share < 0.5);
    assert_true(near(exp2(answer.confidence.interval_octaves),
                     answer.target.ci90[1] / answer.target.ci90[0], 1e-9));
    /* the same, at a target so far that the interval is wider */
    uint64_t farther[] = {256000000, UINT64_C(16000000000)};
    enum confidence words[] = {CONFIDENCE_MODERATE, CONFIDENCE_WEAK};
    for (int i = 0; i < 2; i++) {
        space.target_tokens = farther[i];
        conclude();
        assert_int_equal(answer.status, ANSWER_IDENTIFIED);
        assert_int_equal(answer.confidence.word, words[i]);
        double octaves = answer.confidence.interval_octaves;
        assert_true(octaves > i + 1 && octaves <= 2 * (i + 1));
    }
}

/* Nothing within an octave above the longest horizon's optimum. */
static void an_optimum_without_a_trial_above_is_not_strong(void **state)
{
    (void)state;
    for (int h = 0; h < 3; h++)
        for (int i = -3; i <= (h < 2 ? 3 : 0); i++)
            see(horizons[h], 8e-3 * exp2(0.5 * i - 0.3 * h), 3 + 0.01 * i * i);
    space.target_tokens = 8000000;
    conclude();
    assert_false(answer.horizons[2].bracketed || answer.confidence.bracketed);
    assert_true(answer.confidence.word < CONFIDENCE_STRONG);
    assert_true(warned("4M tokens: its optimum does not lie between trials within an octave on "
                       "both sides") ||
                warned("4M tokens: the best learning rate lies at the edge"));
}

static void a_refused_answer_has_no_confidence(void **state)
{
    (void)state;
    see_basin(1000000, 8e-3, 0);
    space.target_tokens = UINT64_C(1000000000);
    conclude();
    assert_int_equal(answer.status, ANSWER_NOT_IDENTIFIED);
    assert_int_equal(answer.confidence.word, CONFIDENCE_NONE);
}

/* ---- bytes, bounds, speed ---- */

static void order_does_not_matter(void **state)
{
    (void)state;
    static struct surface_run run;
    for (uint64_t seed = 0; seed < (few_runs() ? 4u : 16u); seed++) {
        struct surface surface = surface_draw(seed, 0.02);
        struct search_space of = surface_space(&surface, 1 + (uint32_t)(seed % 3));
        assert_int_equal(
            surface_search(&run, &surface, &of, seed % 2 ? &policy_grid : &policy_design), 0);
        for (size_t i = run.count; i-- > 1;) {
            size_t j = (size_t)rng_below(seed, 60, i, i + 1);
            struct observation swap = run.seen[i];
            run.seen[i] = run.seen[j];
            run.seen[j] = swap;
        }
        memset(&again, 0xa5, sizeof(again));
        assert_int_equal(search_answer(&again, &of, run.seen, run.count, NULL), 0);
        assert_memory_equal(&run.answer, &again, sizeof(again));
    }
}

static void awkward_observations_break_nothing(void **state)
{
    (void)state;
    const double lrs[] = {NAN, INFINITY, 0, -1, 1e-300, 1e300, 4e-3, 4e-3 * (1 + 1e-15)};
    const double losses[] = {NAN, INFINITY, -INFINITY, 3, 3, 1e308};
    for (uint64_t seed = 0; seed < (few_runs() ? 20u : 120u); seed++) {
        count = (size_t)rng_below(seed, 70, 0, 60);
        for (size_t i = 0; i < count; i++)
            seen[i] = (struct observation){.tokens = horizons[rng_below(seed, 71, i, 3)] +
                                                     (rng_below(seed, 72, i, 9) == 0),
                                           .lr = lrs[rng_below(seed, 73, i, 8)],
                                           .seed = (uint32_t)rng_below(seed, 74, i, 3),
                                           .kind = (enum observed)rng_below(seed, 75, i, 3),
                                           .loss = losses[rng_below(seed, 76, i, 6)]};
        conclude();
        assert_true(answer.status == ANSWER_NOT_IDENTIFIED || isfinite(answer.target.lr));
    }
}

/* Points far off, or beyond the cliff, must not move the vertex by more than it is known. */
static void points_beyond_the_cliff_move_little(void **state)
{
    (void)state;
    see_clean_basins();
    conclude();
    double lr = answer.horizons[2].lr_opt;
    see(4000000, 6.4e-2, 7.5);
    see(4000000, lr * exp2(1.9), 7.1); /* trained, but beyond the cliff */
    conclude();
    assert_true(near(answer.horizons[2].lr_opt, lr, 0.05));
    assert_int_equal(answer.horizons[2].trials, 7);
    seen[14].kind = OBSERVED_NOTHING; /* now the cliff is the second point to the right */
    conclude();
    assert_true(near(answer.horizons[2].lr_opt, lr, 0.12));
    assert_int_equal(answer.horizons[2].trials, 6);
}

/* What a seed adds to all LRs alike is no noise: three seeds far apart, the same basin. */
static void what_a_seed_adds_everywhere_is_no_noise(void **state)
{
    (void)state;
    space.seeds = 3;
    for (int h = 0; h < 3; h++)
        for (uint32_t seed = 0; seed < 3; seed++) {
            see_basin(horizons[h], 8e-3, seed);
            for (size_t i = count - 5; i < count; i++)
                seen[i].loss += seed;
        }
    conclude();
    assert_int_equal(answer.status, ANSWER_IDENTIFIED);
    assert_true(answer.horizons[0].se_ln_lr < 0.1);
}

static void memory_that_is_missing_is_told(void **state)
{
    (void)state;
    struct lr_error err;
    long failing = 0;
    see_clean_basins();
    for (;; failing++) {
        err.code = 0;
        lr_memory_fail_after(failing);
        int rc = search_answer(&answer, &space, seen, count, &err);
        lr_memory_fail_after(-1);
        if (rc == 0)
            break;
        assert_int_equal(rc, LR_ENOMEM);
        assert_string_equal(err.text, "out of memory");
    }
    assert_true(failing >= 3);
}

/* CPU time, the least of three: other programs make some of them longer. With the back-test. */
static double answer_ms(size_t observations)
{
    double best = INFINITY;
    count = 0;
    for (size_t i = 0; i < observations; i++) {
        double x = (double)(i / 16 % 21) * 0.25 - 2.5;
        see(space.horizons[i % 16], 8e-3 * exp2(x), 3 + 0.04 * x * x)->seed = (uint32_t)(i / 336);
    }
    for (int i = 0; i < 3; i++) {
        clock_t begin = clock();
        conclude();
        best = fmin(best, 1e3 * (double)(clock() - begin) / CLOCKS_PER_SEC);
    }
    return best;
}

static void a_thousand_observations_take_little_more_time_than_hundred(void **state)
{
    (void)state;
    uint64_t many[16];
    for (size_t h = 0; h < 16; h++)
        many[h] = (uint64_t)1000000 << h;
    space.horizons = many;
    space.horizon_count = 16;
    double hundred = answer_ms(112), thousand = answer_ms(1000);
    printf("16 horizons: %.1f ms for 112 observations, %.1f ms for 1000\n", hundred, thousand);
    assert_true(few_runs() || thousand < 4 * hundred); /* the square would take 80 times */
}

/* ---- the law ---- */

/* Bjorck et al. 2024 (arXiv 2409.19913), table 9: optima of a 125M model at 25, 50, 100 B tokens;
 * at 800 B it was 1.98e-4. */
static void see_optimum(uint64_t tokens, double lr, double error)
{
    struct observation *o = see(tokens, lr, error);
    o->kind = OBSERVED_OPTIMUM;
}

static void published_optima_predict_eight_times_the_tokens(void **state)
{
    (void)state;
    const double optima[] = {1.34e-3, 1.02e-3, 6.60e-4};
    static const uint64_t tokens[] = {25000000000, 50000000000, 100000000000};
    space.horizons = tokens;
    space.target_tokens = UINT64_C(800000000000);
    space.lr_low = 6.60e-4;
    space.lr_high = 1.34e-3;
    for (int h = 0; h < 3; h++)
        see_optimum(tokens[h], optima[h], 0.1);
    space.prior_beta_sd = 1; /* nearly the data alone, as `fit` has it for optima */
    conclude();
    assert_int_equal(answer.status, ANSWER_IDENTIFIED);
    assert_true(near(answer.target.lr, 1.98e-4, 0.25));
    assert_true(answer.target.ci90[0] < 1.98e-4 && 1.98e-4 < answer.target.ci90[1]);
    assert_true(fabs(answer.law.beta - 0.5108) < 0.04); /* ln(1.34e-3 / 6.60e-4) / ln 4 */
    assert_true(isnan(answer.horizons[0].loss_min));
    assert_true(isnan(answer.target.no_basin)); /* no losses say so */
    assert_int_equal(answer.horizons[0].trials, 0);
    double alone = answer.law.beta, weight = answer.law.prior_weight;
    space.prior_beta_sd = 0.2; /* shrunk, it is further off, and its interval knows */
    conclude();
    assert_true(answer.law.beta < alone);
    assert_true(answer.law.prior_weight > weight && answer.law.prior_weight < 0.6);
    assert_true(answer.target.ci90[0] < 1.98e-4 && 1.98e-4 < answer.target.ci90[1]);
}

static void misfit_grows_with_scatter(void **state)
{
    (void)state;
    static uint64_t tokens[8];
    double width[2], misfit[2];
    space.horizons = tokens;
    space.horizon_count = 8;
    space.target_tokens = UINT64_C(1) << 32;
    for (int wild = 0; wild < 2; wild++) {
        count = 0;
        for (int h = 0; h < 8; h++) {
            tokens[h] = UINT64_C(1000000) << h;
            see_optimum(tokens[h], 8e-3 * pow(2, -0.3 * h) * (wild ? h % 2 ? 1.4 : 0.7 : 1), 0.02);
        }
        conclude();
        misfit[wild] = answer.law.misfit;
        width[wild] = log(answer.target.ci90[1] / answer.target.ci90[0]);
    }
    assert_true(misfit[0] > 0.02 && misfit[0] < 0.15);
    assert_true(misfit[1] > 0.2);
    assert_true(width[1] > 1.8 * width[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(clean_losses_give_their_optima),
        TEST(a_target_as_long_as_the_longest_is_measured),
        TEST(two_losses_place_an_optimum_by_the_shape_of_the_others),
        TEST(one_horizon_is_extrapolated_by_the_assumption_alone),
        TEST(a_far_target_is_refused_with_the_horizon_needed),
        TEST(a_rising_optimum_is_told),
        TEST(a_held_out_horizon_that_was_missed_is_told),
        TEST(optima_far_apart_are_no_noise),
        TEST(seeds_that_disagree_are_told),
        TEST(keeping_costs_what_the_answer_does_at_the_same_length),
        TEST(keeping_costs_more_where_the_target_is_far),
        TEST(a_near_target_of_clean_basins_is_strong),
        TEST(an_optimum_without_a_trial_above_is_not_strong),
        TEST(a_refused_answer_has_no_confidence),
        TEST(order_does_not_matter),
        TEST(awkward_observations_break_nothing),
        TEST(points_beyond_the_cliff_move_little),
        TEST(what_a_seed_adds_everywhere_is_no_noise),
        TEST(memory_that_is_missing_is_told),
        TEST(a_thousand_observations_take_little_more_time_than_hundred),
        TEST(published_optima_predict_eight_times_the_tokens),
        TEST(misfit_grows_with_scatter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
