/* search.prior_lr on surfaces whose truth is known: a prior that is right saves trainings, one that
 * is wrong costs some, and is found out. */
#include "cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "search/cell_terms.h"
#include "search/search_space.h"
#include "few_runs.h"
#include "surface.h"

#define RUNS (few_runs() ? 2 : 12)
#define ENOUGH 12

struct tally {
    double identified, holds, far; /* off by more than 1.5 octaves */
    double warned, penalty, tokens, trials;
};

static struct surface_run run;

static bool warns_of_prior(const struct answer *answer)
{
    for (size_t i = 0; i < answer->warning_count; i++)
        if (strncmp(answer->warnings[i], "search.prior_lr expects ", 24) == 0)
            return true;
    return false;
}

/* `off`: octaves from the truth at the longest horizon; NaN: no prior. */
static struct tally measure(double off, double sd)
{
    struct tally tally = {0};
    for (uint64_t seed = 0; seed < RUNS; seed++) {
        struct surface surface = surface_draw(seed, 0.003);
        struct search_space space = surface_space(&surface, 1);
        uint64_t longest = surface.horizons[surface.horizon_count - 1];
        space.prior_beta_sd = 0.2; /* trainings that tell LR* tell beta, too: import.c */
        if (!isnan(off)) {
            space.prior_tokens = longest;
            space.prior_lr = surface_optimum(&surface, longest) * exp2(off);
            space.prior_lr_sd = sd;
        }
        assert_int_equal(surface_search(&run, &surface, &space, &policy_design), 0);
        const struct target_answer *target = &run.answer.target;
        double truth = surface_optimum(&surface, surface.target);
        tally.tokens += run.tokens / RUNS;
        tally.trials += (double)run.count / RUNS;
        if (run.answer.status != ANSWER_IDENTIFIED)
            continue;
        tally.identified++;
        tally.warned += warns_of_prior(&run.answer);
        tally.holds += target->ci90[0] <= truth && truth <= target->ci90[1];
        tally.far += fabs(log2(target->lr / truth)) > 1.5;
        tally.penalty += surface_penalty(&surface, surface.target, target->lr);
    }
    tally.holds /= tally.identified;
    tally.penalty /= tally.identified;
    printf("prior %4.1f octaves off, sd %.2f: %2.0f of %d identified, interval holds %.2f, far off "
           "%.0f, warned %.0f, penalty %.4f, %.1f trials, %.3f target runs\n",
           off, sd, tally.identified, RUNS, tally.holds, tally.far, tally.warned, tally.penalty,
           tally.trials, tally.tokens);
    return tally;
}

/* Over 12 surfaces: 18.2 trials without a prior, 14.2 with one that is right, 22.2 with one that is
 * three octaves off; its interval holds as often, and each answer is warned of it. Part of the
 * trials bracket the optima, whatever is known of them. */
static void right_saves_and_wrong_is_found_out(void **state)
{
    (void)state;
    struct tally without = measure(NAN, 1), right = measure(0, 0.6), wrong = measure(3, 0.6);
    if (RUNS < ENOUGH)
        return;
    assert_true(right.trials < 0.8 * without.trials);
    assert_true(right.tokens < 0.8 * without.tokens);
    assert_true(right.holds >= 0.75 && right.warned == 0);
    assert_true(wrong.holds >= 0.75 && wrong.far == 0);
    assert_true(wrong.warned == wrong.identified);
    assert_true(wrong.identified >= 0.75 * RUNS);
}

static const uint64_t horizons[] = {1000000, 4000000};

/* Seven losses show a basin near 4.5e-3, and everything above 1.1e-2 diverges: a prior that expects
 * the optimum three octaves higher does not move it above all that was tried. */
static void a_wrong_prior_does_not_move_a_clear_minimum(void **state)
{
    (void)state;
    const double lrs[] = {1.68e-3, 2e-3,   4.76e-3, 5.66e-3, 6.73e-3, 8e-3,
                          9.51e-3, 0.0113, 0.0135,  0.016,   0.032,   0.064};
    const double losses[] = {3.033, 3.026, 2.998, 3.006, 3.017, 3.028,
                             3.042, NAN,   NAN,   NAN,   NAN,   NAN};
    struct observation seen[12];
    static struct answer answer;
    struct surface surface = surface_draw(1, 0.003);
    struct search_space space = surface_space(&surface, 1);
    space.prior_tokens = 4000000;
    space.prior_lr_sd = 0.6;
    for (int i = 0; i < 12; i++)
        seen[i] = (struct observation){.tokens = 1000000,
                                       .lr = lrs[i],
                                       .ratios = {1, 1},
                                       .loss = losses[i],
                                       .kind = i < 7 ? OBSERVED_LOSS : OBSERVED_DIVERGED};
    for (space.seed = 1; space.seed <= 5; space.seed++)
        for (int known = 0; known < 2; known++) {
            space.prior_lr = known ? 0.025 : 0;
            assert_int_equal(search_answer(&answer, &space, seen, 12, NULL), 0);
            assert_true(fabs(log2(answer.horizons[0].lr_opt / 4.5e-3)) < 0.5);
        }
}

static struct search_space a_space(void)
{
    return (struct search_space){.lr_low = 1e-4,
                                 .lr_high = 1e-1,
                                 .horizons = horizons,
                                 .horizon_count = 2,
                                 .seeds = 1,
                                 .resolution = 0.5,
                                 .target_tokens = 64000000,
                                 .seed = 1,
                                 .prior_beta = 0.25,
                                 .prior_beta_sd = 0.2,
                                 .precision = 0.001,
                                 .min_gain = 0.005,
                                 .ratios = {{1, 1}, {1, 1}},
                                 .prior_lr = 4e-3,
                                 .prior_lr_sd = 0.5,
                                 .prior_tokens = 16000000};
}

static int ask(const struct search_space *space, struct proposal *round)
{
    size_t asked;
    assert_int_equal(search_next(&policy_design, space, NULL, 0, round, &asked), 0);
    return (int)asked;
}

/* 16 times the tokens with beta .25: half the learning rate. */
static void is_carried_along_the_law(void **state)
{
    (void)state;
    struct search_space space = a_space();
    struct expected_place place = prior_lr_at(&space, 1e6);
    assert_float_equal(exp2(place.center), 8e-3, 1e-9);
    assert_float_equal(place.deviation, hypot(0.5, 0.8), 1e-9);
    struct proposal round[POLICY_ROUND_MAX];
    int count = ask(&space, round);
    assert_int_equal(count, 3);
    for (int i = 0; i < count; i++) {
        assert_int_equal(round[i].tokens, 1000000);
        assert_true(fabs(log2(round[i].lr / 8e-3)) < 1.5);
    }
    space.prior_lr = 0;
    count = ask(&space, round);
    assert_float_equal(round[0].lr, 1e-4, 1e-12);
    assert_float_equal(round[count - 1].lr, 1e-1, 1e-9);
}

/* Far above the range, and at its end: there is no place but the range's end. */
static void stays_in_the_range(void **state)
{
    (void)state;
    struct search_space space = a_space();
    struct proposal round[POLICY_ROUND_MAX];
    space.prior_lr = 10;
    int count = ask(&space, round);
    assert_int_equal(count, 3);
    assert_float_equal(round[2].lr, 1e-1, 1e-9);
    assert_true(round[0].lr > 1e-2 && round[0].lr < round[1].lr && round[1].lr < round[2].lr);
    space.prior_lr = 1e-9;
    count = ask(&space, round);
    assert_int_equal(count, 3);
    assert_float_equal(round[0].lr, 1e-4, 1e-12);
    assert_true(round[2].lr < 1e-3);
}

static void is_the_level_of_many_models(void **state)
{
    (void)state;
    const struct search_cell cells[2] = {{.cost = 1}, {.axes = {[AXIS_DEPTH] = 1}, .cost = 2}};
    struct search_space space = a_space();
    struct terms terms;
    space.cells = cells;
    space.cell_count = 2;
    terms_lay(&terms, &space, 0);
    terms_set_reference(&terms, &space, 4e6);
    const struct term *level = term_find(&terms, TERM_LEVEL, 0);
    const struct term *tokens = term_find(&terms, TERM_TOKENS, 0);
    assert_true(level->heavy);
    assert_float_equal(exp2(level->mean), 4e-3, 1e-9);
    assert_float_equal(level->deviation, 0.5, 1e-12);
    /* at prior_tokens, two octaves from the reference, beta does not count */
    assert_float_equal(term_value(tokens, &cells[0], 0, -1, 2), 0, 1e-12);
    assert_float_equal(term_value(tokens, &cells[0], 0, -1, 0), 2, 1e-12);
    struct proposal round[POLICY_ROUND_MAX];
    int count = ask(&space, round);
    assert_int_equal(count, 3);
    for (int i = 0; i < count; i++)
        assert_true(fabs(log2(round[i].lr / 8e-3)) < 2.5);
    space.prior_lr = 0;
    terms_lay(&terms, &space, 0);
    assert_false(term_find(&terms, TERM_LEVEL, 0)->heavy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_saves_and_wrong_is_found_out),
        cmocka_unit_test(a_wrong_prior_does_not_move_a_clear_minimum),
        cmocka_unit_test(is_carried_along_the_law),
        cmocka_unit_test(stays_in_the_range),
        cmocka_unit_test(is_the_level_of_many_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
