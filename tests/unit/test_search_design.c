/* Policy `design`: what it asks for, and why. */
#include "cmocka_all.h"

#include <math.h>
#include <string.h>
#include "search_case.h"

static struct proposal asked[POLICY_ROUND_MAX];

static int ask(void)
{
    size_t trials;
    assert_int_equal(search_next(&policy_design, &space, seen, count, asked, &trials), 0);
    return (int)trials;
}

static void it_begins_evenly_where_it_is_cheapest(void **state)
{
    (void)state;
    assert_int_equal(ask(), 4);
    assert_true(asked[0].lr == 1e-3 && asked[3].lr == 6.4e-2);
    for (int i = 0; i < 4; i++)
        assert_int_equal(asked[i].tokens, 1000000);
}

/* The first basin known, a new horizon is opened by two trials, one on each side of what is
 * expected there: one alone tells nothing, for nobody knows the level. */
static void a_new_horizon_is_opened_by_a_pair(void **state)
{
    int pairs = 0;
    (void)state;
    see_basin(1000000, 8e-3, 0);
    int trials = ask();
    for (size_t h = 1; h < 3; h++) {
        int below = 0, above = 0;
        for (int i = 0; i < trials; i++)
            if (asked[i].tokens == horizons[h])
                *(asked[i].lr < 8e-3 * pow((double)(1 << h), -0.3) ? &below : &above) += 1;
        assert_int_equal(below > 0, above > 0);
        pairs += below > 0;
    }
    assert_true(pairs > 0);
}

/* Loss at `octaves` from the optimum of horizons[h], on the surface of see_clean_basins(). */
static void see_clean(int h, double octaves)
{
    see(horizons[h], 8e-3 * exp2(octaves - 0.3 * h), 3 + 0.04 * octaves * octaves);
}

/* As see_clean_basins(), with a trial at each optimum. */
static void see_brackets(void)
{
    for (int h = 0; h < 3; h++)
        for (int i = -2; i <= 2; i++)
            see_clean(h, 0.5 * i);
}

static void a_gain_too_small_ends_it(void **state)
{
    (void)state;
    see_brackets();
    space.precision = 1e-9;
    space.target_tokens = 256000000; /* far: not known within half an octave */
    space.min_gain = 10;
    assert_int_equal(ask(), 0);
    space.min_gain = 1e-9;
    assert_true(ask() > 0);
}

static void a_precise_answer_ends_it(void **state)
{
    (void)state;
    see_brackets();
    space.target_tokens = 256000000;
    space.min_gain = 1e-9;
    space.precision = 1e-9;
    assert_true(ask() > 0);
    conclude();
    assert_string_equal(answer.stopped, "no further trial was expected to be worth its tokens "
                                        "(search.min_gain)");
    space.precision = 0.1;
    assert_int_equal(ask(), 0);
    conclude();
    assert_string_equal(answer.stopped, "precise enough: the answer is expected to cost less than "
                                        "search.precision, 0.1 nats");
    space.precision = 1e-9;
    space.target_tokens = 4000000;
    assert_int_equal(ask(), 0);
    conclude();
    assert_string_equal(answer.stopped,
                        "precise enough: the interval reaches less than half an octave each way");
}

/* A basin expected from published shapes alone is no minimum that was seen: the answer would be
 * refused, so the search goes on even if it expects a small error. */
static void it_goes_on_while_its_answer_would_be_refused(void **state)
{
    (void)state;
    for (int h = 0; h < 3; h++)
        for (int i = -1; i <= 1; i += 2)
            see(horizons[h], 8e-3 * exp2(i - 0.3 * h), 3);
    space.precision = 10;
    conclude();
    assert_int_equal(answer.status, ANSWER_NOT_IDENTIFIED);
    assert_true(ask() > 0);
}

/* Even where no gain is worth it: the missing side is tried at each horizon, nothing else. */
static void a_missing_side_is_tried_whatever_the_gain(void **state)
{
    (void)state;
    const double places[2][4] = {{-0.9, -0.5, -0.25, 0}, {0, 0.25, 0.5, 0.9}};
    for (int side = 0; side < 2; side++) {
        setup(state);
        space.min_gain = 10;
        space.precision = 10;
        see_brackets();
        count -= 5;
        for (int i = 0; i < 4; i++)
            see_clean(2, places[side][i]);
        int trials = ask();
        assert_int_equal(trials, 1);
        double off = log2(asked[0].lr / (8e-3 * exp2(-0.6)));
        assert_int_equal(asked[0].tokens, horizons[2]);
        assert_true(side ? off < 0 && off > -1.3 : off > 0 && off < 1.3);
        see_clean(2, off);
        assert_int_equal(ask(), 0);
    }
}

/* Two losses may bracket the expected optimum while the lower one has nothing on its other side:
 * such an answer would be refused. */
static void the_lowest_loss_gets_a_trial_on_both_sides(void **state)
{
    (void)state;
    space.min_gain = 10;
    space.precision = 10;
    space.prior_beta = 0;
    for (int h = 0; h < 3; h++) {
        see(horizons[h], 8e-3, 3);
        see(horizons[h], 1.6e-2, 3.0002);
    }
    assert_int_equal(ask(), 1);
    assert_int_equal(asked[0].tokens, horizons[0]);
    assert_true(asked[0].lr < 7.9e-3 && asked[0].lr > 3.5e-3);
    see(horizons[0], asked[0].lr, 3.02);
    assert_int_equal(ask(), 0);
}

/* Whatever it costs: the sign of beta is measured. */
static void a_second_horizon_is_always_tried(void **state)
{
    (void)state;
    see_basin(1000000, 8e-3, 0);
    space.min_gain = 10;
    assert_true(ask() >= 2);
    assert_true(asked[0].tokens > 1000000);
    space.horizon_count = 1;
    assert_int_equal(ask(), 0);
}

static void what_runs_is_not_asked_for_and_counts(void **state)
{
    (void)state;
    see_basin(1000000, 8e-3, 0);
    int trials = ask();
    assert_true(trials >= 2);
    for (int i = 0; i < trials; i++) {
        struct observation *running = see(asked[i].tokens, asked[i].lr, NAN);
        running->kind = OBSERVED_RUNNING;
        running->seed = asked[i].seed;
    }
    static struct proposal first[POLICY_ROUND_MAX];
    memcpy(first, asked, sizeof(first));
    int more = ask();
    for (int i = 0; i < more; i++)
        for (int j = 0; j < trials; j++)
            assert_false(asked[i].tokens == first[j].tokens && asked[i].lr == first[j].lr &&
                         asked[i].seed == first[j].seed);
    assert_true(more < trials); /* they would have told most of it */
}

/* What the results may change waits for them; what gains far more than usual does not. */
static void while_trials_run_only_large_gains_count(void **state)
{
    (void)state;
    see_basin(1000000, 8e-3, 0);
    space.min_gain = 10;
    assert_true(ask() >= 2); /* a second horizon */
    see(1000000, 1e-3, NAN)->kind = OBSERVED_RUNNING;
    assert_int_equal(ask(), 0);
    setup(state);
    see_brackets();
    space.precision = 1e-9;
    space.target_tokens = 256000000;
    for (space.min_gain = 10; ask() == 0; space.min_gain /= 2)
        assert_true(space.min_gain > 1e-9);
    see(1000000, 1e-3, NAN)->kind = OBSERVED_RUNNING; /* far from the optimum */
    assert_int_equal(ask(), 0);
    space.min_gain /= 32;
    assert_true(ask() > 0);
}

static void it_waits_for_its_first_trials(void **state)
{
    (void)state;
    see(1000000, 1e-3, NAN)->kind = OBSERVED_RUNNING;
    assert_int_equal(ask(), 0);
}

static void a_round_is_as_long_as_it_may_be(void **state)
{
    (void)state;
    see_basin(1000000, 8e-3, 0);
    space.min_gain = 1e-9;
    space.round_trials = 30;
    assert_true(ask() >= 20);
    space.round_trials = 3;
    int trials = ask();
    assert_true(trials >= 3 && trials <= 4); /* a pair is not torn apart */
}

/* Replicates are bought where the noise limits the answer. Each LR that may be asked for was tried
 * with two seeds: that they agree ends the search, that they differ asks for a third. */
static void seeds_are_bought_against_noise_only(void **state)
{
    (void)state;
    int trials[2] = {0, 0};
    for (int loud = 0; loud < 2; loud++) {
        const double bumps[] = {0.06, -0.09, 0.03, 0.09, -0.06};
        setup(state);
        space.seeds = 4;
        space.min_gain = 1e-6;
        space.precision = 1e-9;
        space.target_tokens = horizons[2];
        for (int h = 0; h < 3; h++)
            for (int i = 0; i <= 24; i++)
                for (uint32_t seed = 0; seed < 2; seed++) {
                    double noise = loud ? bumps[(i + h) % 5] * (seed ? 1 : -1) : 0;
                    double octaves = 0.25 * i - 3;
                    see(horizons[h], 1e-3 * exp2(0.25 * i), 3 + 0.01 * octaves * octaves + noise)
                        ->seed = seed;
                }
        trials[loud] = ask();
        for (int i = 0; i < trials[loud]; i++)
            assert_true(asked[i].seed > 1);
    }
    assert_int_equal(trials[0], 0);
    assert_true(trials[1] >= 4);
}

/* Asks until no more is asked for, and lets everything at `highest` and above diverge; below,
 * losses have their lowest at `best`. Returns the lowest LR that was tried. */
static double run_below(double highest, double best)
{
    double lowest = INFINITY;
    for (int trials; count < 200 && (trials = ask()) > 0;)
        for (int i = 0; i < trials; i++) {
            double x = log2(asked[i].lr / best);
            bool good = asked[i].lr < highest;
            struct observation *o =
                see(asked[i].tokens, asked[i].lr, good ? 3 + 0.04 * x * x : NAN);
            o->kind = good ? OBSERVED_LOSS : OBSERVED_DIVERGED;
            o->seed = asked[i].seed;
            lowest = fmin(lowest, o->lr);
        }
    return lowest;
}

/* With search.extend the range widens downward, by six octaves at most. */
static void where_all_diverges_the_range_widens_downward(void **state)
{
    (void)state;
    space.lr_low = 1e-1;
    space.lr_high = 10;
    assert_true(run_below(5e-2, 1e-2) == 1e-1);
    conclude();
    assert_non_null(strstr(answer.reason, "every trial diverged"));
    count = 0;
    space.extend = true;
    assert_true(run_below(5e-2, 1e-2) < 1e-2);
    conclude();
    assert_int_equal(answer.status, ANSWER_IDENTIFIED);
    assert_true(fabs(log2(answer.target.lr / 1e-2)) < 1);
    count = 0;
    assert_true(fabs(log2(run_below(0, 1) / (1e-1 / 64))) < 1e-6);
    conclude();
    assert_non_null(strstr(answer.reason, "every trial diverged: the range [0.00156, 10]"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_begins_evenly_where_it_is_cheapest),
        TEST(a_new_horizon_is_opened_by_a_pair),
        TEST(a_gain_too_small_ends_it),
        TEST(a_precise_answer_ends_it),
        TEST(it_goes_on_while_its_answer_would_be_refused),
        TEST(a_missing_side_is_tried_whatever_the_gain),
        TEST(the_lowest_loss_gets_a_trial_on_both_sides),
        TEST(a_second_horizon_is_always_tried),
        TEST(what_runs_is_not_asked_for_and_counts),
        TEST(while_trials_run_only_large_gains_count),
        TEST(it_waits_for_its_first_trials),
        TEST(a_round_is_as_long_as_it_may_be),
        TEST(seeds_are_bought_against_noise_only),
        TEST(where_all_diverges_the_range_widens_downward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
