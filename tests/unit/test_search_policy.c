/* What a policy promises, held against worlds that are out to break it. */
#include "cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "few_runs.h"
#include "lrsearch/memory.h"
#include "lrsearch/rng.h"
#include "plan/plan.h"
#include "surface.h"

#define SEARCHES (few_runs() ? 6u : 60u)

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
                                 .seed = 1,
                                 .prior_beta = 0.25,
                                 .prior_beta_sd = 0.2,
                                 .precision = 0.001,
                                 .min_gain = 0.008,
                                 .round_trials = 8,
                                 .ratios = {{1, 1}, {1, 1}}};
}

static size_t ask(const struct policy *policy, const struct search_space *space, size_t count,
                  struct proposal *round)
{
    size_t asked = POLICY_ROUND_MAX + 1;
    assert_int_equal(search_next(policy, space, seen, count, round, &asked), 0);
    assert_true(asked <= POLICY_ROUND_MAX);
    return asked;
}

/* A world without sense: any loss, a divergence or nothing at all, whatever the LR. */
static struct observation nonsense(uint64_t seed, const struct proposal *p, uint64_t index)
{
    struct observation o = {
        .tokens = p->tokens, .lr = p->lr, .seed = p->seed, .loss = NAN, .ratios = {1, 1}};
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

/* Every seed that told anything at an LR between it and the best loss diverged there; without a
 * loss, at an LR below. */
static bool beyond_a_wall(size_t count, const struct proposal *p)
{
    double best = 0, least = INFINITY;
    for (size_t i = 0; i < count; i++)
        if (seen[i].tokens == p->tokens && seen[i].kind == OBSERVED_LOSS && seen[i].loss < least) {
            best = seen[i].lr;
            least = seen[i].loss;
        }
    for (size_t i = 0; i < count; i++) {
        struct proposal there = {.tokens = seen[i].tokens, .lr = seen[i].lr};
        if (seen[i].tokens == p->tokens && seen[i].kind == OBSERVED_DIVERGED &&
            same_lr(count, &there, OBSERVED_LOSS) == 0 && seen[i].lr > best && seen[i].lr <= p->lr)
            return true;
    }
    return false;
}

static void check_proposal(const struct search_space *space, size_t count, size_t i, bool walls)
{
    const struct proposal *p = &round_of[i];
    assert_true(p->lr >= space->lr_low && p->lr <= space->lr_high);
    assert_true(p->seed < space->seeds);
    for (size_t j = 0; j < count; j++)
        assert_false(seen[j].tokens == p->tokens && seen[j].lr == p->lr && seen[j].seed == p->seed);
    for (size_t j = 0; j < i; j++)
        assert_false(round_of[j].tokens == p->tokens && round_of[j].lr == p->lr &&
                     round_of[j].seed == p->seed);
    if (walls)
        assert_false(beyond_a_wall(count, p));
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
        size_t used = search_forecast(policy, &space, stages, 16), asked;
        size_t most = 0, count = 0, rounds = 0;
        for (size_t i = 0; i < used; i++) {
            assert_true(stages[i].trials <= stages[i].trials_max);
            assert_true(stages[i].name[0] != 0);
            most += stages[i].trials_max;
        }
        while ((asked = ask(policy, &space, count, round_of)) > 0) {
            size_t before = count;
            assert_true(++rounds <= most);
            for (size_t i = 0; i < asked; i++)
                check_proposal(&space, before, i, walls && space.seeds == 1);
            for (size_t i = 0; i < asked; i++) {
                seen[count] = nonsense(seed, &round_of[i], count);
                count++;
            }
            if (seed % 10 == 0) { /* asked again, in another order: the same */
                shuffle(count, seed);
                size_t first = ask(policy, &space, count, round_of);
                shuffle(count, seed + 1);
                assert_int_equal(ask(policy, &space, count, second), first);
                assert_memory_equal(round_of, second, first * sizeof(*second));
            }
        }
        assert_true(count <= most);
        trials += count;
        longest = rounds > longest ? rounds : longest;
    }
    printf("%s: %zu trials in %d searches, %zu rounds at most\n", policy->name, trials,
           (int)searches, longest);
    assert_true(trials > 3 * searches);
}

static void grid_ends_whatever_happens(void **state)
{
    (void)state;
    every_search_ends(&policy_grid, false, 1000);
}

static void design_ends_whatever_happens(void **state)
{
    (void)state;
    every_search_ends(&policy_design, true, SEARCHES);
}

static void coarse_points_span_the_range(void **state)
{
    (void)state;
    struct search_space space = space_of(1e-3, 6.4e-2, 3, 2);
    assert_int_equal(ask(&policy_design, &space, 0, round_of), 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(round_of[i].seed, 0);
        assert_int_equal(round_of[i].tokens, 1000000);
        assert_true(fabs(round_of[i].lr / (1e-3 * exp2(2 * i)) - 1) < 1e-9);
    }
    assert_true(round_of[0].lr == 1e-3 && round_of[3].lr == 6.4e-2); /* to the last bit */
}

/* A trial that told nothing is not asked for again. */
static void a_failed_trial_is_not_repeated(void **state)
{
    (void)state;
    struct search_space space = space_of(1e-3, 6.4e-2, 1, 1);
    size_t asked = ask(&policy_design, &space, 0, round_of), count = 0;
    for (size_t i = 0; i < asked; i++)
        seen[count++] = (struct observation){.tokens = round_of[i].tokens,
                                             .lr = round_of[i].lr,
                                             .ratios = {1, 1},
                                             .kind = i == 2 ? OBSERVED_NOTHING : OBSERVED_LOSS,
                                             .loss = 3 + 0.1 * fabs((double)i - 1.7)};
    double failed = seen[2].lr;
    for (int round = 0; round < 5; round++) {
        asked = ask(&policy_design, &space, count, round_of);
        for (size_t i = 0; i < asked; i++) {
            assert_true(fabs(log2(round_of[i].lr / failed)) > 1e-3);
            double x = log2(round_of[i].lr / 6e-3);
            seen[count++] = (struct observation){.tokens = round_of[i].tokens,
                                                 .lr = round_of[i].lr,
                                                 .ratios = {1, 1},
                                                 .loss = 3 + 0.02 * x * x};
        }
    }
    assert_true(count > 4);
}

/* One seed diverges at an LR where the other trains: the wall lies there, but the other seeds of
 * that LR are no proof, and LRs below it are tried. */
static void seeds_that_disagree_do_not_end_the_search(void **state)
{
    (void)state;
    struct search_space space = space_of(1e-3, 6.4e-2, 1, 2);
    const double lr[] = {1e-3, 4e-3, 1.6e-2, 6.4e-2}, loss[] = {3.5, 3.2, 3.0, 3.3};
    size_t count = 0;
    for (int i = 0; i < 4; i++)
        for (uint32_t seed = 0; seed < 2; seed++)
            seen[count++] = (struct observation){.tokens = 1000000,
                                                 .lr = lr[i],
                                                 .seed = seed,
                                                 .ratios = {1, 1},
                                                 .kind = i == 1 && seed == 0 ? OBSERVED_DIVERGED
                                                                             : OBSERVED_LOSS,
                                                 .loss = loss[i]};
    size_t asked = ask(&policy_design, &space, count, round_of);
    bool near = false;
    for (size_t i = 0; i < asked; i++)
        near = near || fabs(log2(round_of[i].lr / 1.6e-2)) < 1.6;
    assert_true(near);
}

/* A clean surface: around each optimum that something was trained at, and few trials. */
static void design_narrows_to_each_optimum(void **state)
{
    (void)state;
    static struct surface_run run;
    size_t trials = 0, searches = few_runs() ? 4 : 30;
    for (uint64_t seed = 0; seed < searches; seed++) {
        struct surface surface = surface_draw(seed, 1e-4);
        surface.cliff = 99;
        struct search_space space = surface_space(&surface, 1);
        assert_int_equal(surface_search(&run, &surface, &space, &policy_design), 0);
        trials += run.count;
        for (size_t h = 0; h < space.horizon_count; h++) {
            double best = log2(surface_optimum(&surface, horizons[h])), nearest = 9;
            int left = 0, right = 0, all = 0;
            for (size_t i = 0; i < run.count; i++) {
                double off = log2(run.seen[i].lr) - best;
                if (run.seen[i].tokens != horizons[h])
                    continue;
                all++;
                left += off < 0 && off > -1.6;
                right += off >= 0 && off < 1.6;
                nearest = fmin(nearest, fabs(off));
            }
            bool inside = best > log2(2e-3) && best < log2(3.2e-2);
            if (!inside || all == 0)
                continue;
            assert_true(left >= 1 && right >= 1);
            assert_true(nearest <= 0.35);
        }
    }
    printf("%.1f trials a search\n", (double)trials / (double)searches);
    assert_true(trials <= 20 * searches);
}

static void a_large_grid_takes_several_rounds(void **state)
{
    (void)state;
    struct search_space space = space_of(1e-4, 1e-4 * exp2(20), 4, 32);
    size_t count = 0, rounds = 0, asked;
    while ((asked = ask(&policy_grid, &space, count, round_of)) > 0) {
        rounds++;
        for (size_t i = 0; i < asked; i++)
            seen[count++] = (struct observation){.tokens = round_of[i].tokens,
                                                 .lr = round_of[i].lr,
                                                 .seed = round_of[i].seed,
                                                 .ratios = {1, 1},
                                                 .kind = OBSERVED_NOTHING};
    }
    assert_int_equal(count, 21 * 4 * 32);
    assert_int_equal(rounds, 3);
}

static void a_missing_allocation_is_told(void **state)
{
    (void)state;
    struct search_space space = space_of(1e-3, 6.4e-2, 2, 1);
    seen[0] = (struct observation){.tokens = 1000000, .lr = 4e-3, .loss = 3, .ratios = {1, 1}};
    for (size_t count = 0; count < 2; count++) { /* the first round, and one with a posterior */
        long failing = 0;
        for (;; failing++) {
            size_t asked = 77;
            lr_memory_fail_after(failing);
            int rc = search_next(&policy_design, &space, seen, count, round_of, &asked);
            lr_memory_fail_after(-1);
            if (rc == 0)
                break;
            assert_int_equal(rc, LR_ENOMEM);
            assert_int_equal(asked, 0);
        }
        assert_true(failing >= 3); /* sorted observations and their points */
    }
}

static void policies_have_names(void **state)
{
    (void)state;
    assert_ptr_equal(policy_find("design"), &policy_design);
    assert_ptr_equal(policy_find("grid"), &policy_grid);
    assert_null(policy_find("narrow"));
#define X(enumerator, name) assert_non_null(policy_find(name)); /* each that a plan may name */
    POLICY_MAP(X)
#undef X
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grid_ends_whatever_happens),
        cmocka_unit_test(design_ends_whatever_happens),
        cmocka_unit_test(coarse_points_span_the_range),
        cmocka_unit_test(a_failed_trial_is_not_repeated),
        cmocka_unit_test(seeds_that_disagree_do_not_end_the_search),
        cmocka_unit_test(design_narrows_to_each_optimum),
        cmocka_unit_test(a_large_grid_takes_several_rounds),
        cmocka_unit_test(a_missing_allocation_is_told),
        cmocka_unit_test(policies_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
