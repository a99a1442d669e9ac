/* Policy `design`: what it asks for, and why. */
#include "cmocka_all.h"

#include <math.h>
#include <stddef.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "search/posterior.h"
#include "search_case.h"

static struct proposal asked[POLICY_ROUND_MAX];

static int ask(void)
{
    return policy_design.next(&space, seen, count, asked);
}

static int setup_design(void **state)
{
    setup(state);
    space.min_gain = 0.008;
    space.round_trials = 8;
    return 0;
}

static struct spread vertex_of(size_t horizon)
{
    struct observations *obs = observations_create(&space, seen, count);
    assert_non_null(obs);
    struct posterior *posterior = posterior_create(obs, 3, space.target_tokens);
    assert_non_null(posterior);
    struct spread spread =
        posterior_spread(posterior, offsetof(struct sample, vertex) + horizon * sizeof(double));
    lr_free(posterior);
    observations_destroy(obs);
    return spread;
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

static void a_gain_too_small_ends_it(void **state)
{
    (void)state;
    see_clean_basins();
    space.min_gain = 10;
    assert_int_equal(ask(), 0);
    space.min_gain = 1e-9;
    assert_true(ask() > 0);
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

/* A divergence says that the optimum is to its left, and nothing about how far. */
static void a_divergence_tells_one_side(void **state)
{
    (void)state;
    see(1000000, 4e-3, 3);
    see(1000000, 8e-3, 2.99);
    struct spread before = vertex_of(0);
    see(1000000, 1.6e-2, NAN)->kind = OBSERVED_DIVERGED;
    struct spread after = vertex_of(0);
    assert_true(after.mean < before.mean - 0.1);
    assert_true(after.ci90[1] < before.ci90[1] - 0.1);
}

/* Replicates are bought where the noise limits the answer: with two seeds that differ by .03 a
 * third is asked for, with two that agree nothing more. */
static void seeds_are_bought_against_noise_only(void **state)
{
    (void)state;
    int replicates[2] = {0, 0};
    for (int loud = 0; loud < 2; loud++) {
        const double bumps[] = {0.02, -0.03, 0.01, 0.03, -0.02};
        setup_design(state);
        space.seeds = 4;
        space.min_gain = 1e-4;
        for (int h = 0; h < 3; h++)
            for (int i = -5; i <= 5; i++)
                for (uint32_t seed = 0; seed < 2; seed++) {
                    double noise = loud ? bumps[(i + 5 + h) % 5] * (seed ? 1 : -1) : 0;
                    double lr = 8e-3 * exp2(0.5 * i); /* on the LRs that it may ask for */
                    see(horizons[h], lr, 3 + 0.01 * i * i + noise)->seed = seed;
                }
        int trials = ask();
        for (int i = 0; i < trials; i++)
            replicates[loud] += asked[i].seed > 1;
    }
    assert_true(replicates[0] <= 1);
    assert_true(replicates[1] >= 4);
}

#define DESIGN(name) cmocka_unit_test_setup(name, setup_design)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESIGN(it_begins_evenly_where_it_is_cheapest),
        DESIGN(a_new_horizon_is_opened_by_a_pair),
        DESIGN(a_gain_too_small_ends_it),
        DESIGN(a_second_horizon_is_always_tried),
        DESIGN(what_runs_is_not_asked_for_and_counts),
        DESIGN(it_waits_for_its_first_trials),
        DESIGN(a_round_is_as_long_as_it_may_be),
        DESIGN(a_divergence_tells_one_side),
        DESIGN(seeds_are_bought_against_noise_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
