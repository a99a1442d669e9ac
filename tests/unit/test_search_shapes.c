/* Searches on surfaces whose shapes the model does not assume, and on surfaces that have no optimum
 * to be found. The surfaces are those of lib/families.c; seeds are fixed, so the figures
 * are too. */
#include "cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "families.h"
#include "few_runs.h"
#include "search/search_answer.h"

#define RUNS (few_runs() ? 1u : 40u)
#define SEEN 512

static struct observation seen[SEEN];
static size_t count;
static struct answer answer;

static struct search_space space_of(const uint64_t *horizons)
{
    return (struct search_space){.lr_low = FAMILY_LR_LOW,
                                 .lr_high = FAMILY_LR_HIGH,
                                 .horizons = horizons,
                                 .horizon_count = FAMILY_HORIZONS,
                                 .seeds = 1,
                                 .resolution = 0.5,
                                 .target_tokens = family_target,
                                 .seed = 1,
                                 .prior_beta = 0.25,
                                 .prior_beta_sd = 0.25,
                                 .precision = 0.001,
                                 .min_gain = 0.005,
                                 .round_trials = 8,
                                 .ratios = {{1, 1}, {1, 1}}};
}

static void search(const struct search_space *space,
                   struct observation (*observe)(const void *, const struct proposal *),
                   const void *context)
{
    static struct proposal round[POLICY_ROUND_MAX];
    size_t asked;
    count = 0;
    for (;;) {
        assert_int_equal(search_next(&policy_design, space, seen, count, round, &asked), 0);
        if (asked == 0)
            break;
        assert_true(count + asked <= SEEN);
        for (size_t i = 0; i < asked; i++)
            seen[count++] = observe(context, &round[i]);
    }
    assert_int_equal(search_answer(&answer, space, seen, count, NULL), 0);
}

static bool warned_of(uint64_t tokens)
{
    char text[32];
    snprintf(text, sizeof(text), "%uM tokens: ", (unsigned)(tokens / 1000000));
    for (size_t i = 0; i < answer.warning_count; i++)
        if (strncmp(answer.warnings[i], text, strlen(text)) == 0)
            return true;
    return false;
}

/* Every horizon that counts was tried where its optimum is said to be, and on both sides within an
 * octave, or a warning says that it was not. */
static void check_brackets(void)
{
    for (size_t h = 0; h < answer.horizon_count; h++) {
        const struct horizon_answer *horizon = &answer.horizons[h];
        bool inside = false, below = false, above = false;
        if (!horizon_counts(horizon) || warned_of(horizon->tokens))
            continue;
        for (size_t i = 0; i < count; i++) {
            double off = log2(seen[i].lr / horizon->lr_opt);
            if (seen[i].tokens != horizon->tokens)
                continue;
            inside = inside || fabs(off) < 0.14 ||
                     (seen[i].lr >= horizon->ci90[0] && seen[i].lr <= horizon->ci90[1]);
            below = below || (off < 0 && off > -1.14);
            above = above || (off > 0 && off < 1.14);
        }
        assert_true(inside && below && above);
        assert_true(horizon->bracketed && !horizon->interpolated);
    }
}

/* ---- shapes ---- */

struct tally {
    double identified, holds, bias, octaves;
    double bracketed, counted; /* horizons */
};

static struct tally measure(const struct family_kind *kind, uint64_t runs)
{
    struct tally tally = {0};
    for (uint64_t seed = 1; seed <= runs; seed++) {
        struct family family = family_draw(kind, seed, 0.1);
        struct search_space space = space_of(family_horizons);
        search(&space, family_observe, &family);
        check_brackets();
        const struct target_answer *target = &answer.target;
        double truth = family_optimum(&family, family_target);
        tally.identified += answer.status == ANSWER_IDENTIFIED;
        tally.holds += target->ci90[0] <= truth && truth <= target->ci90[1];
        tally.bias += log2(target->lr / truth) / (double)runs;
        tally.octaves += log2(target->ci90[1] / target->ci90[0]) / (double)runs;
        for (size_t h = 0; h < answer.horizon_count; h++) {
            tally.counted += horizon_counts(&answer.horizons[h]);
            tally.bracketed += horizon_counts(&answer.horizons[h]) && answer.horizons[h].bracketed;
        }
    }
    print_message("%-12s identified %2.0f of %u, interval holds %2.0f, bias %+.2f octaves, width "
                  "%.2f, bracketed %.0f of %.0f\n",
                  kind->name, tally.identified, (unsigned)runs, tally.holds, tally.bias,
                  tally.octaves, tally.bracketed, tally.counted);
    return tally;
}

static void check_shape(const char *name, enum family_shape shape)
{
    const struct family_kind kind = {.name = name,
                                     .shape = shape,
                                     .height = {0.02, 0.06},
                                     .noise = {0.002, 0.006},
                                     .beta = {0.25, 0.1}};
    struct tally tally = measure(&kind, RUNS);
    assert_true(tally.bracketed >= 0.9 * tally.counted);
    if (few_runs())
        return;
    assert_true(tally.holds >= 32);
    assert_true(fabs(tally.bias) < 0.25);
    assert_true(tally.identified >= 36);
}

static void a_parabola(void **state)
{
    (void)state;
    check_shape("parabola", SHAPE_PARABOLA);
}

static void a_corner(void **state)
{
    (void)state;
    check_shape("V", SHAPE_V);
}

static void a_flat_bottom_between_cliffs(void **state)
{
    (void)state;
    check_shape("quartic", SHAPE_QUARTIC);
}

static void steep_to_the_left(void **state)
{
    (void)state;
    check_shape("left-steep", SHAPE_LEFT_STEEP);
}

static void steep_to_the_right(void **state)
{
    (void)state;
    check_shape("right-steep", SHAPE_RIGHT_STEEP);
}

static void an_optimum_that_rises(void **state)
{
    (void)state;
    const struct family_kind kind = {.name = "rising",
                                     .shape = SHAPE_ASYMMETRIC,
                                     .height = {0.02, 0.06},
                                     .noise = {0.002, 0.006},
                                     .beta = {-0.3, 0}};
    struct tally tally = measure(&kind, RUNS);
    if (few_runs())
        return;
    assert_true(tally.holds >= 32);
    assert_true(fabs(tally.bias) < 0.25);
}

/* ---- costs at the target ---- */

/* Printed over true costs, sums over campaigns whose curvature falls as tokens^-within to the
 * longest horizon and as tokens^-beyond from there to the target. */
static void check_costs(double within, double beyond, double factor)
{
    const struct family_kind kind = {.name = "flattens",
                                     .shape = SHAPE_ASYMMETRIC,
                                     .height = {0.05, 0.12},
                                     .noise = {0.002, 0.006},
                                     .beta = {0.25, 0.1},
                                     .flattening = {within, beyond}};
    double twice[2] = {0, 0}, keep[2] = {0, 0};
    for (uint64_t seed = 1; seed <= (few_runs() ? 1 : 10); seed++) {
        struct family family = family_draw(&kind, seed, 0.1);
        struct search_space space = space_of(family_horizons);
        search(&space, family_observe, &family);
        const struct target_answer *target = &answer.target;
        double truth = family_optimum(&family, family_target);
        twice[0] += target->loss_penalty_if_wrong_2x;
        for (int off = -1; off <= 1; off += 2)
            twice[1] += family_penalty(&family, family_target, truth * exp2(off)) / 2;
        keep[0] += target->keep_penalty;
        keep[1] += family_penalty(&family, family_target, target->keep_lr);
    }
    print_message("flattens by %.1f, beyond by %.1f: a factor of 2 is said to cost %.2f times, "
                  "keeping %.2f times the truth\n",
                  within, beyond, twice[0] / twice[1], keep[0] / keep[1]);
    if (few_runs())
        return;
    assert_true(twice[0] / twice[1] > 1 / factor && twice[0] / twice[1] < factor);
    assert_true(keep[0] / keep[1] > 1 / factor && keep[0] / keep[1] < factor);
}

static void basins_that_flatten_only_while_trainings_are_short(void **state)
{
    (void)state;
    check_costs(0.8, 0, 2);
}

static void basins_that_go_on_to_flatten(void **state)
{
    (void)state;
    check_costs(0.6, 0.6, 3);
}

/* ---- precision ---- */

static void a_coarser_precision_ends_earlier_and_says_so(void **state)
{
    (void)state;
    const struct family_kind kind = {.name = "precision",
                                     .shape = SHAPE_ASYMMETRIC,
                                     .height = {0.03, 0.03},
                                     .noise = {0.004, 0.004},
                                     .beta = {0.25, 0.1}};
    size_t trials[2] = {0, 0}, said = 0, runs = few_runs() ? 1 : 5;
    for (uint64_t seed = 1; seed <= runs; seed++)
        for (int coarse = 0; coarse < 2; coarse++) {
            struct family family = family_draw(&kind, seed, 0.1);
            struct search_space space = space_of(family_horizons);
            space.precision = coarse ? 0.03 : 1e-6;
            space.min_gain = 0.0005; /* not what ends it */
            search(&space, family_observe, &family);
            trials[coarse] += count;
            said += coarse && strstr(answer.stopped, "less than search.precision, 0.03 nats");
            assert_true(!coarse || answer.target.loss_penalty < 0.03);
            assert_true(answer.stopped[0] != 0);
        }
    print_message("%zu trials at precision 1e-6, %zu at .03\n", trials[0], trials[1]);
    assert_true((double)trials[1] < 0.8 * (double)trials[0]);
    assert_int_equal(said, runs);
}

/* ---- to be refused ---- */

struct refusals {
    unsigned identified, advised_range, holds_truth, wrong;
};

/* Plays a family; `wrong`: identified, although the interval does not hold the truth. */
static struct refusals refuse(const struct family_kind *kind, uint64_t runs)
{
    struct refusals all = {0};
    for (uint64_t seed = 1; seed <= runs; seed++) {
        struct family family = family_draw(kind, seed, 0.1);
        struct search_space space = space_of(family_horizons);
        search(&space, family_observe, &family);
        const struct target_answer *target = &answer.target;
        double truth = family_optimum(&family, family_target);
        bool identified = answer.status == ANSWER_IDENTIFIED;
        all.identified += identified;
        all.wrong += identified && !(target->ci90[0] <= truth && truth <= target->ci90[1]);
        assert_int_equal(answer.confidence.word == CONFIDENCE_NONE, !identified);
        assert_int_equal(answer.reason[0] == 0, identified);
        if (answer.advice.kind == ADVICE_RANGE) {
            char range[64];
            snprintf(range, sizeof(range), "[%.3g, %.3g]", answer.advice.lr[0],
                     answer.advice.lr[1]);
            assert_non_null(strstr(answer.reason, range)); /* the sentence says the same */
            all.advised_range++;
            truth = family_optimum(&family, answer.horizons[answer.horizon_count - 1].tokens);
            all.holds_truth += answer.advice.lr[0] <= truth && truth <= answer.advice.lr[1];
        }
        if (answer.advice.kind == ADVICE_SEEDS)
            assert_non_null(strstr(answer.reason, "raise search.seeds to"));
        check_brackets();
    }
    print_message("%-12s identified %u of %u (%u wrong), a range advised %u, right %u\n",
                  kind->name, all.identified, (unsigned)runs, all.wrong, all.advised_range,
                  all.holds_truth);
    return all;
}

static void without_a_basin_nothing_is_identified(void **state)
{
    (void)state;
    const struct family_kind kinds[] = {
        {.name = "noise", .shape = SHAPE_SLOPE, .noise = {0.01, 0.01}},
        {.name = "weak slope",
         .shape = SHAPE_SLOPE,
         .height = {0.0005, 0.0005},
         .noise = {0.01, 0.01}},
        {.name = "equal", .shape = SHAPE_SLOPE, .noise = {1e-9, 1e-9}},
    };
    uint64_t runs = few_runs() ? 1 : 8;
    for (int i = 0; i < 3; i++)
        assert_true(refuse(&kinds[i], i < 2 ? runs : 1).identified <= runs / 8);
}

static void beyond_the_range_the_advice_is_where_the_optimum_is(void **state)
{
    (void)state;
    struct family_kind kind = {.name = "edges",
                               .shape = SHAPE_PARABOLA,
                               .height = {0.02, 0.06},
                               .noise = {0.002, 0.006},
                               .beta = {0.25, 0.1}};
    uint64_t runs = few_runs() ? 1 : 6;
    for (int side = -1; side <= 1; side += 2) {
        kind.outside = 2 * side;
        struct refusals all = refuse(&kind, runs);
        assert_int_equal(all.identified, 0);
        assert_int_equal(all.advised_range, runs);
        assert_true(few_runs() || all.holds_truth >= runs - 1);
    }
}

static void where_all_diverge_lower_rates_are_advised(void **state)
{
    (void)state;
    const struct family_kind kind = {
        .name = "all diverge", .shape = SHAPE_PARABOLA, .all_diverge = true};
    struct refusals all = refuse(&kind, 2);
    assert_int_equal(all.identified, 0);
    assert_int_equal(all.advised_range, 2);
    assert_true(answer.advice.lr[1] <= FAMILY_LR_LOW);
    assert_non_null(strstr(answer.reason, "every trial diverged"));
}

/* An answer, if any, lies where something trained. */
static void low_rates_that_diverge_do_not_push_the_answer_below_them(void **state)
{
    (void)state;
    const struct family_kind kind = {.name = "low diverge",
                                     .shape = SHAPE_PARABOLA,
                                     .height = {0.02, 0.06},
                                     .noise = {0.002, 0.006},
                                     .beta = {0.25, 0.1},
                                     .diverges_below = 1.5};
    uint64_t runs = few_runs() ? 1 : 10;
    for (uint64_t seed = 1; seed <= runs; seed++) {
        struct family family = family_draw(&kind, seed, 0.1);
        struct search_space space = space_of(family_horizons);
        search(&space, family_observe, &family);
        double truth = family_optimum(&family, family_target);
        if (answer.status == ANSWER_IDENTIFIED)
            assert_true(fabs(log2(answer.target.lr / truth)) < 1.5);
        for (size_t h = 0; h < answer.horizon_count; h++) {
            const struct horizon_answer *horizon = &answer.horizons[h];
            if (answer.status == ANSWER_IDENTIFIED && horizon_counts(horizon))
                assert_true(fabs(log2(horizon->lr_opt / family_optimum(&family, horizon->tokens))) <
                            1.2);
        }
    }
}

/* ---- a misfit that cells share ---- */

/* Losses at every octave and horizon; the optima of all cells are off their law by the same. */
static double width_of(double shared)
{
    static const double off[FAMILY_HORIZONS] = {1, -1, 1};
    struct cell_surface surface = cell_surface_draw(1, 0.003);
    struct search_space space = cell_surface_space(&surface);
    size_t used = 0;
    double width = 0;
    for (uint32_t c = 0; c < CELL_SURFACES; c++)
        for (size_t h = 0; h < 3; h++)
            for (int i = -2; i <= 2; i++) {
                double optimum = log2(8e-3) + surface.width_exponent * (c % 3) +
                                 surface.vocab_exponent * 2 * (c / 3) - 0.25 * (double)h +
                                 shared * off[h];
                seen[used++] = (struct observation){.tokens = surface.cells[0].horizons[h],
                                                    .cell = c,
                                                    .lr = exp2(optimum + 0.6 * i),
                                                    .ratios = {1, 1},
                                                    .loss = 3 + 0.02 * 0.36 * i * i};
            }
    assert_int_equal(search_answer(&answer, &space, seen, used, NULL), 0);
    for (int c = 0; c < CELL_SURFACES; c++)
        width += log2(answer.cells[c].ci90[1] / answer.cells[c].ci90[0]) / CELL_SURFACES;
    return width;
}

static void a_shared_misfit_widens_the_intervals_of_all_cells(void **state)
{
    (void)state;
    double without = width_of(0), with = width_of(0.25);
    print_message("cells: intervals of %.2f octaves on the law, %.2f with a shared misfit\n",
                  without, with);
    assert_true(with > 1.3 * without);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_parabola),
        cmocka_unit_test(a_corner),
        cmocka_unit_test(a_flat_bottom_between_cliffs),
        cmocka_unit_test(steep_to_the_left),
        cmocka_unit_test(steep_to_the_right),
        cmocka_unit_test(an_optimum_that_rises),
        cmocka_unit_test(basins_that_flatten_only_while_trainings_are_short),
        cmocka_unit_test(basins_that_go_on_to_flatten),
        cmocka_unit_test(a_coarser_precision_ends_earlier_and_says_so),
        cmocka_unit_test(without_a_basin_nothing_is_identified),
        cmocka_unit_test(beyond_the_range_the_advice_is_where_the_optimum_is),
        cmocka_unit_test(where_all_diverge_lower_rates_are_advised),
        cmocka_unit_test(low_rates_that_diverge_do_not_push_the_answer_below_them),
        cmocka_unit_test(a_shared_misfit_widens_the_intervals_of_all_cells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
