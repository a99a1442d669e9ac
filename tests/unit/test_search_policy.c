/* What a policy promises, held against worlds that are out to break it. */
#include "cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "few_runs.h"
#include "lrsearch/memory.h"
#include "lrsearch/rng.h"
#include "surface.h"

#define SEARCHES (few_runs() ? 60u : 300u)

static const uint64_t horizons[] = {1000000, 2000000, 4000000, 9000000};
static struct observation seen[SURFACE_SEEN];
static struct proposal round_of[POLICY_ROUND_MAX], second[POLICY_ROUND_MAX];

static struct search_space space_of(double low, double high, size_t count, uint32_t seeds)
{
    return (struct search_space){.lr_low = low,
                                 .lr_high = high,
                                 .horizons = horizons,
                                 .horizon_count = count,
                                 .seeds = seeds,
                                 .resolution = 0.5,
                                 .target_tokens = 64000000,
                                 .bootstrap = 20,
                                 .seed = 1,
                                 .prior_beta = 0.25,
                                 .prior_beta_sd = 0.2,
                                 .min_gain = 0.008,
                                 .round_trials = 8};
}

/* A world without sense: any loss, a divergence or nothing at all, whatever the LR. */
static struct observation nonsense(uint64_t seed, const struct proposal *p, uint64_t index)
{
    struct observation o = {.tokens = p->tokens, .lr = p->lr, .seed = p->seed, .loss = NAN};
    double diverges = 0.6 * rng_uniform(seed, 50, 0), fails = 0.6 * rng_uniform(seed, 50, 1);
    double u = rng_uniform(seed, 51, index);
    o.kind = u < diverges           ? OBSERVED_DIVERGED
             : u < diverges + fails ? OBSERVED_NOTHING
                                    : OBSERVED_LOSS;
    if (o.kind == OBSERVED_LOSS)
        o.loss = 3 + rng_normal(seed, 52, index) * (seed % 5 == 0 ? 0 : 1);
    return o;
}

static size_t same_lr(size_t count, const struct proposal *p, enum observed kind)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += seen[i].tokens == p->tokens && seen[i].lr == p->lr && seen[i].kind == kind;
    return found;
}

/* Every seed that told anything at an LR below diverged there. */
static bool above_a_wall(size_t count, const struct proposal *p)
{
    for (size_t i = 0; i < count; i++) {
        struct proposal there = {.tokens = seen[i].tokens, .lr = seen[i].lr};
        if (seen[i].tokens == p->tokens && seen[i].lr < p->lr &&
            seen[i].kind == OBSERVED_DIVERGED && same_lr(count, &there, OBSERVED_LOSS) == 0)
            return true;
    }
    return false;
}

static void check_proposal(const struct search_space *space, size_t count, int i, bool walls)
{
    const struct proposal *p = &round_of[i];
    assert_true(p->lr >= space->lr_low && p->lr <= space->lr_high);
    assert_true(p->seed < space->seeds);
    for (size_t j = 0; j < count; j++)
        assert_false(seen[j].tokens == p->tokens && seen[j].lr == p->lr && seen[j].seed == p->seed);
    for (int j = 0; j < i; j++)
        assert_false(round_of[j].tokens == p->tokens && round_of[j].lr == p->lr &&
                     round_of[j].seed == p->seed);
    if (walls)
        assert_false(above_a_wall(count, p));
}

static void shuffle(size_t count, uint64_t seed)
{
    for (size_t i = count; i-- > 1;) {
        size_t j = (size_t)rng_below(seed, 60, i, i + 1);
        struct observation swap = seen[i];
        seen[i] = seen[j];
        seen[j] = swap;
    }
}

static void every_search_ends(const struct policy *policy, bool walls, uint64_t searches)
{
    size_t trials = 0, longest = 0; /* so that a policy that asks nothing is not praised */
    for (uint64_t seed = 0; seed < searches; seed++) {
        struct search_space space = space_of(1e-4, 1e-4 * exp2(1 + 11 * rng_uniform(seed, 53, 0)),
                                             1 + (size_t)rng_below(seed, 53, 1, 4),
                                             1 + (uint32_t)rng_below(seed, 53, 2, 3));
        space.resolution = 0.1 + rng_uniform(seed, 53, 3);
        struct forecast_stage stages[16];
        int used = policy->forecast(&space, stages, 16), asked;
        size_t most = 0, count = 0, rounds = 0;
        for (int i = 0; i < used; i++) {
            assert_true(stages[i].trials <= stages[i].trials_max);
            assert_true(stages[i].name[0] != 0);
            most += stages[i].trials_max;
        }
        while ((asked = policy->next(&space, seen, count, round_of)) > 0) {
            size_t before = count;
            assert_true(++rounds <= most);
            for (int i = 0; i < asked; i++)
                check_proposal(&space, before, i, walls);
            for (int i = 0; i < asked; i++) {
                seen[count] = nonsense(seed, &round_of[i], count);
                count++;
            }
            if (seed % 10 == 0) { /* asked again, in another order: the same */
                shuffle(count, seed);
                int first = policy->next(&space, seen, count, round_of);
                shuffle(count, seed + 1);
                assert_int_equal(policy->next(&space, seen, count, second), first);
                assert_memory_equal(round_of, second, (size_t)first * sizeof(*second));
            }
        }
        assert_int_equal(asked, 0);
        assert_true(count <= most);
        trials += count;
        longest = rounds > longest ? rounds : longest;
    }
    printf("%s: %zu trials in %d searches, %zu rounds at most\n", policy->name, trials,
           (int)searches, longest);
    assert_true(trials > 3 * searches);
}

static void narrow_ends_whatever_happens(void **state)
{
    (void)state;
    every_search_ends(&policy_narrow, true, SEARCHES);
}

static void grid_ends_whatever_happens(void **state)
{
    (void)state;
    every_search_ends(&policy_grid, false, 1000);
}

static void design_ends_whatever_happens(void **state)
{
    (void)state;
    every_search_ends(&policy_design, true, SEARCHES / 3);
}

static void coarse_points_span_the_range_with_every_seed(void **state)
{
    (void)state;
    struct search_space space = space_of(1e-3, 6.4e-2, 3, 2);
    assert_int_equal(policy_narrow.next(&space, NULL, 0, round_of), 8);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(round_of[i].seed, i % 2);
        assert_int_equal(round_of[i].tokens, 1000000);
        assert_true(fabs(round_of[i].lr / (1e-3 * exp2(2 * (i / 2))) - 1) < 1e-9);
    }
    assert_true(round_of[0].lr == 1e-3 && round_of[7].lr == 6.4e-2); /* to the last bit */
}

static void a_seed_that_is_missing_is_asked_for(void **state)
{
    (void)state;
    struct search_space space = space_of(1e-3, 6.4e-2, 1, 3);
    int asked = policy_narrow.next(&space, NULL, 0, round_of);
    assert_int_equal(asked, 12);
    size_t count = 0;
    for (int i = 0; i < asked; i++)
        if (i != 4)
            seen[count++] = (struct observation){.tokens = round_of[i].tokens,
                                                 .lr = round_of[i].lr,
                                                 .seed = round_of[i].seed,
                                                 .kind = OBSERVED_LOSS,
                                                 .loss = 3};
    struct proposal missing = round_of[4];
    assert_int_equal(policy_narrow.next(&space, seen, count, round_of), 1);
    assert_memory_equal(&round_of[0].lr, &missing.lr, sizeof(missing.lr));
    assert_int_equal(round_of[0].seed, missing.seed);
}

/* One seed diverges at an LR where the other trains: no wall. */
static void seeds_that_disagree_are_no_wall(void **state)
{
    (void)state;
    struct search_space space = space_of(1e-3, 6.4e-2, 1, 2);
    const double lr[] = {1e-3, 4e-3, 1.6e-2, 6.4e-2}, loss[] = {3.5, 3.2, 3.0, 3.3};
    for (int disagree = 0; disagree < 2; disagree++) {
        bool above = false;
        int asked = policy_narrow.next(&space, NULL, 0, round_of);
        for (int i = 0; i < asked; i++) {
            seen[i] = (struct observation){.tokens = 1000000,
                                           .lr = round_of[i].lr,
                                           .seed = round_of[i].seed,
                                           .kind = OBSERVED_LOSS};
            for (int k = 0; k < 4; k++)
                if (fabs(lr[k] / seen[i].lr - 1) < 1e-9)
                    seen[i].loss = loss[k];
            if (fabs(seen[i].lr / 4e-3 - 1) < 1e-9 && (seen[i].seed == 0 || !disagree))
                seen[i].kind = OBSERVED_DIVERGED;
        }
        asked = policy_narrow.next(&space, seen, 8, round_of);
        for (int i = 0; i < asked; i++)
            above = above || round_of[i].lr > 4e-3 * (1 + 1e-9);
        assert_int_equal(above, disagree);
    }
}

/* A clean surface: five points around each optimum, half an octave apart, and few more. */
static void narrow_puts_five_points_around_each_optimum(void **state)
{
    (void)state;
    static struct surface_run run;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct surface surface = surface_draw(seed, 1e-4);
        surface.cliff = 99;
        struct search_space space = surface_space(&surface, 1);
        assert_int_equal(surface_search(&run, &surface, &space, &policy_narrow), 0);
        assert_true(run.count <= 24);
        for (size_t h = 0; h < space.horizon_count; h++) {
            double best = log2(surface_optimum(&surface, horizons[h])), nearest = 9;
            int left = 0, right = 0;
            for (size_t i = 0; i < run.count; i++) {
                double off = log2(run.seen[i].lr) - best;
                if (run.seen[i].tokens != horizons[h] || fabs(off) > 2.1)
                    continue;
                left += off < 0;
                right += off >= 0;
                nearest = fmin(nearest, fabs(off));
            }
            bool inside = best > log2(2e-3) && best < log2(3.2e-2);
            if (inside)
                assert_true(left >= 2 && right >= 2 && left + right >= 5);
            if (inside)
                assert_true(nearest <= 0.3);
        }
    }
}

static void a_large_grid_takes_several_rounds(void **state)
{
    (void)state;
    struct search_space space = space_of(1e-4, 1e-4 * exp2(20), 4, 32);
    size_t count = 0, rounds = 0;
    int asked;
    while ((asked = policy_grid.next(&space, seen, count, round_of)) > 0) {
        rounds++;
        for (int i = 0; i < asked; i++)
            seen[count++] = (struct observation){.tokens = round_of[i].tokens,
                                                 .lr = round_of[i].lr,
                                                 .seed = round_of[i].seed,
                                                 .kind = OBSERVED_NOTHING};
    }
    assert_int_equal(count, 21 * 4 * 32);
    assert_int_equal(rounds, 3);
}

static void a_missing_allocation_is_told(void **state)
{
    (void)state;
    struct search_space space = space_of(1e-3, 6.4e-2, 2, 1);
    for (const struct policy *const *p =
             (const struct policy *const[]){&policy_narrow, &policy_grid, &policy_design, NULL};
         *p; p++) {
        long failing = 0;
        for (;; failing++) {
            lr_memory_fail_after(failing);
            int asked = (*p)->next(&space, NULL, 0, round_of);
            lr_memory_fail_after(-1);
            if (asked > 0)
                break;
            assert_int_equal(asked, LR_ENOMEM);
        }
        assert_true(failing >= 3); /* sorted observations and their points */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(narrow_ends_whatever_happens),
        cmocka_unit_test(grid_ends_whatever_happens),
        cmocka_unit_test(design_ends_whatever_happens),
        cmocka_unit_test(coarse_points_span_the_range_with_every_seed),
        cmocka_unit_test(a_seed_that_is_missing_is_asked_for),
        cmocka_unit_test(seeds_that_disagree_are_no_wall),
        cmocka_unit_test(narrow_puts_five_points_around_each_optimum),
        cmocka_unit_test(a_large_grid_takes_several_rounds),
        cmocka_unit_test(a_missing_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
