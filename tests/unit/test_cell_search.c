/* A campaign with axes: what the sampler says, what the search asks for, what it saves, and what
 * the answer says. */
#include "cmocka_all.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "cell_surface.h"
#include "few_runs.h"
#include "lrsearch/memory.h"
#include "lrsearch/trial.h"
#include "search/posterior.h"
#include "search/search_answer.h"

static struct cell_run run;
static struct answer answer;
static struct proposal asked[POLICY_ROUND_MAX];

static int clear_run(void **state)
{
    (void)state;
    memset(&run, 0, sizeof(run));
    return 0;
}

static void play(const struct cell_surface *surface, const struct search_space *space)
{
    int trials;
    while ((trials = cell_surface_round(&run, surface, space, &policy_design)) > 0)
        ;
    assert_int_equal(trials, 0);
}

static int ask(const struct search_space *space, size_t count, struct proposal *round)
{
    size_t trials;
    int rc = search_next(&policy_design, space, run.seen, count, round, &trials);
    return rc ? rc : (int)trials;
}

/* ---- the sampler ---- */

/* A campaign with one cell is one without cells. */
static void one_cell_is_a_campaign_without_axes(void **state)
{
    (void)state;
    struct surface surface = surface_draw(3, 0.003);
    struct search_space space = surface_space(&surface, 1);
    static struct surface_run single;
    static struct answer with_cell;
    assert_int_equal(surface_search(&single, &surface, &space, &policy_design), 0);
    const struct search_cell cell = {.cost = 1};
    space.cells = &cell;
    space.cell_count = space.group_count = 1;
    space.target = cell;
    assert_int_equal(search_answer(&with_cell, &space, single.seen, single.count, NULL), 0);
    assert_int_equal(with_cell.cell_count, 1);
    assert_true(with_cell.target.lr == single.answer.target.lr);
    assert_true(with_cell.cells[0].lr == single.answer.target.lr);
    assert_memory_equal(with_cell.target.ci90, single.answer.target.ci90, 2 * sizeof(double));
    assert_memory_equal(with_cell.horizons, single.answer.horizons, sizeof(with_cell.horizons));
    assert_int_equal(with_cell.status, single.answer.status);
    memcpy(run.seen, single.seen, sizeof(run.seen));
    assert_int_equal(ask(&space, single.count, asked), 0); /* it ended there too */
}

static void the_order_of_what_was_seen_does_not_matter(void **state)
{
    (void)state;
    struct cell_surface surface = cell_surface_draw(1, 0.003);
    struct search_space space = cell_surface_space(&surface);
    for (int i = 0; i < 4; i++)
        cell_surface_round(&run, &surface, &space, &policy_design);
    int first = ask(&space, run.count, asked);
    assert_true(first > 0);
    static struct proposal again[POLICY_ROUND_MAX];
    for (size_t i = 0; i < run.count / 2; i++) {
        struct observation o = run.seen[i];
        run.seen[i] = run.seen[run.count - 1 - i];
        run.seen[run.count - 1 - i] = o;
    }
    assert_int_equal(ask(&space, run.count, again), first);
    assert_memory_equal(asked, again, (size_t)first * sizeof(*again));
}

/* What a seed adds to all losses alike is no noise: it moves no minimum. */
static void seeds_that_differ_throughout_are_no_noise(void **state)
{
    (void)state;
    struct cell_surface surface = cell_surface_draw(1, 0.003);
    struct search_space space = cell_surface_space(&surface);
    for (size_t i = 0; i < 6; i++)
        run.seen[i] =
            (struct observation){.tokens = 1000000,
                                 .lr = 1e-3 * exp2((double)(i / 2)),
                                 .seed = (uint32_t)(i % 2),
                                 .ratios = {1, 1},
                                 .loss = 3 + 0.01 * (double)i / 2 + 0.2 * (double)(i % 2)};
    run.seen[5].loss += 0.03;
    struct cell_data *data = cell_data_create(&space, run.seen, 6, -1);
    assert_non_null(data);
    assert_int_equal(data->basins[0].losses, 3);
    double scatter = 0;
    for (int i = 0; i < 3; i++) {
        scatter += data->basins[0].points[i].scatter;
        assert_true(fabs(data->basins[0].points[i].freedom - 2.0 / 3) < 1e-12);
    }
    /* they differ by .205, .205, .235: off their mean by -.01, -.01, .02, with half the squares */
    assert_true(fabs(scatter - (0.01 * 0.01 + 0.01 * 0.01 + 0.02 * 0.02) / 2) < 1e-9);
    cell_data_destroy(data);
}

/* ---- what it asks for ---- */

static void it_begins_in_the_cheapest_cell(void **state)
{
    (void)state;
    struct cell_surface surface = cell_surface_draw(1, 0.003);
    struct search_space space = cell_surface_space(&surface);
    surface.axes[4].cost = 0.5;
    int count = ask(&space, 0, asked);
    assert_int_equal(count, 4); /* six octaves */
    for (int i = 0; i < count; i++)
        assert_true(asked[i].cell == 4 && asked[i].tokens == 1000000);
}

static void it_waits_for_its_first_trials(void **state)
{
    (void)state;
    struct cell_surface surface = cell_surface_draw(1, 0.003);
    struct search_space space = cell_surface_space(&surface);
    int count = ask(&space, 0, asked);
    for (int i = 0; i < count; i++)
        run.seen[i] = (struct observation){.tokens = asked[i].tokens,
                                           .lr = asked[i].lr,
                                           .ratios = {1, 1},
                                           .kind = OBSERVED_RUNNING};
    assert_int_equal(ask(&space, (size_t)count, asked), 0);
}

/* What runs is not asked for again, and counts as known. */
static void what_runs_counts_as_known(void **state)
{
    (void)state;
    struct cell_surface surface = cell_surface_draw(1, 0.003);
    struct search_space space = cell_surface_space(&surface);
    cell_surface_round(&run, &surface, &space, &policy_design);
    cell_surface_round(&run, &surface, &space, &policy_design);
    static struct proposal first[POLICY_ROUND_MAX];
    int count = ask(&space, run.count, first);
    assert_true(count > 0);
    for (int i = 0; i < count; i++) {
        struct observation *o = &run.seen[run.count + (size_t)i];
        *o = (struct observation){.tokens = first[i].tokens,
                                  .lr = first[i].lr,
                                  .seed = first[i].seed,
                                  .cell = first[i].cell,
                                  .kind = OBSERVED_RUNNING};
        memcpy(o->ratios, first[i].ratios, sizeof(o->ratios));
    }
    int more = ask(&space, run.count + (size_t)count, asked);
    for (int i = 0; i < more; i++)
        for (int j = 0; j < count; j++)
            assert_false(asked[i].cell == first[j].cell && asked[i].tokens == first[j].tokens &&
                         asked[i].lr == first[j].lr && asked[i].seed == first[j].seed);
}

static void it_ends_where_everything_diverges(void **state)
{
    (void)state;
    struct cell_surface surface = cell_surface_draw(1, 0.003);
    struct search_space space = cell_surface_space(&surface);
    for (int rounds = 0; rounds < 40; rounds++) {
        int count = ask(&space, run.count, asked);
        assert_true(count >= 0);
        if (count == 0)
            break;
        for (int i = 0; i < count; i++) {
            assert_int_equal(asked[i].cell, 0); /* no cell is worth it */
            run.seen[run.count++] = (struct observation){.tokens = asked[i].tokens,
                                                         .lr = asked[i].lr,
                                                         .ratios = {1, 1},
                                                         .loss = NAN,
                                                         .kind = OBSERVED_DIVERGED};
        }
    }
    assert_true(run.count > 3 && run.count < 40);
    assert_int_equal(search_answer(&answer, &space, run.seen, run.count, NULL), 0);
    assert_int_equal(answer.status, ANSWER_NOT_IDENTIFIED);
    assert_non_null(strstr(answer.reason, "every trial diverged"));
}

static void other_policies_search_each_cell_by_itself(void **state)
{
    (void)state;
    struct cell_surface surface = cell_surface_draw(1, 0.003);
    struct search_space space = cell_surface_space(&surface);
    static struct proposal alone[POLICY_ROUND_MAX];
    struct search_space own = cell_space(&space, 7);
    size_t one, all;
    assert_int_equal(search_next(&policy_grid, &own, NULL, 0, alone, &one), 0);
    assert_int_equal(search_next(&policy_grid, &space, NULL, 0, asked, &all), 0);
    assert_int_equal(one, 21);
    assert_int_equal(all, CELL_SURFACES * one);
    for (size_t i = 0; i < one; i++) {
        assert_int_equal(asked[7 * one + i].cell, 7);
        assert_true(asked[7 * one + i].lr == alone[i].lr);
    }
}

/* ---- what it saves, and what it says ---- */

static void a_shared_search_costs_less_than_half_of_separate_ones(void **state)
{
    (void)state;
    struct cell_surface surface = cell_surface_draw(2, 0.003);
    struct search_space space = cell_surface_space(&surface);
    double apart_cost, least = INFINITY;
    struct cell_outcome apart = cell_surface_apart(&surface, &space, &apart_cost);
    struct cell_outcome shared;
    space.precision = 1e-9; /* not to end before its intervals are as narrow */
    space.min_gain = 0.002;
    while (!isfinite(least) && cell_surface_round(&run, &surface, &space, &policy_design) > 0) {
        if (cell_surface_outcome(&run, &surface, &space).width <= apart.width)
            least = run.cost;
    }
    shared = cell_surface_outcome(&run, &surface, &space);
    print_message("apart %.2f target runs for intervals of %.2f octaves, shared %.2f: "
                  "%.2f for %.2f, penalty %.4f against %.4f\n",
                  apart_cost, apart.width, least, run.cost, shared.width, shared.penalty,
                  apart.penalty);
    assert_true(least <= 0.5 * apart_cost);
    assert_true(shared.width < apart.width);
    assert_true(shared.holds >= 7.0 / 9);
    bool begun[CELL_SURFACES] = {false};
    space = cell_surface_space(&surface);
    while (cell_surface_round(&run, &surface, &space, &policy_design) > 0) {
    }
    for (size_t i = 0; i < run.count; i++)
        begun[run.seen[i].cell] = true;
    for (int c = 0; c < CELL_SURFACES; c++)
        assert_true(begun[c]);
}

/* parametrization: ANSWER_EVERY takes any */
static const struct exponent_answer *exponent_of(uint32_t parametrization, const char *of,
                                                 const char *axis, uint32_t vocab)
{
    for (size_t i = 0; i < answer.exponent_count; i++) {
        const struct exponent_answer *exponent = &answer.exponents[i];
        bool meant =
            parametrization == ANSWER_EVERY || exponent->parametrization == parametrization;
        if (meant && strcmp(exponent->of, of) == 0 && strcmp(exponent->axis, axis) == 0 &&
            exponent->vocab == vocab)
            return exponent;
    }
    fail_msg("there is no exponent of %s over %s at vocabulary %u", of, axis, vocab);
    return NULL;
}

static const struct exponent_answer *exponent(const char *of, const char *axis, uint32_t vocab)
{
    return exponent_of(ANSWER_EVERY, of, axis, vocab);
}

static bool holds(const double ci90[2], double value)
{
    return ci90[0] <= value && value <= ci90[1];
}

static void ratios_are_found_together_with_the_lr(void **state)
{
    (void)state;
    struct cell_surface surface = cell_surface_draw(1, 0.003);
    surface.ratio_curvature = 0.006;
    struct search_space space = cell_surface_space(&surface);
    space.round_trials = 16;
    play(&surface, &space);
    assert_int_equal(search_answer(&answer, &space, run.seen, run.count, NULL), 0);
    assert_int_equal(answer.cell_count, CELL_SURFACES);
    int right = 0;
    for (int c = 0; c < CELL_SURFACES; c++) {
        right += holds(answer.cells[c].ratio_ci90[RATIO_EMBEDDING], surface.ratio[c]);
        assert_true(isnan(answer.cells[c].ratio[RATIO_OUTPUT]));
        assert_true(fabs(log2(answer.cells[c].ratio[RATIO_EMBEDDING] / surface.ratio[c])) < 1.2);
    }
    assert_true(right >= 7);
    const struct exponent_answer *gamma = exponent("embedding_lr_ratio", "width", 4096);
    assert_true(holds(gamma->ci90, surface.gamma - 0.1));
    assert_true(gamma->prior_weight < 0.5);
    assert_true(holds(exponent("lr", "width", 0)->ci90, surface.width_exponent));
    assert_true(holds(exponent("lr", "vocab", 0)->ci90, surface.vocab_exponent));
    assert_true(holds(exponent("lr", "tokens", 0)->ci90, -surface.cells[0].beta));
    assert_int_equal(answer.status, ANSWER_IDENTIFIED);
    assert_true(answer.joint.known && answer.joint.holdout.known);
    assert_int_equal(answer.joint.holdout.cell % 3, 2); /* the widest */
    assert_true(holds(answer.target.ratio_ci90[RATIO_EMBEDDING], surface.ratio[8]));
    /* half or twice the LR with the ratio kept: the embedding's is off as well */
    struct cell_data *data = cell_data_create(&space, run.seen, run.count, -1);
    struct posterior *posterior = posterior_create(data);
    double wrong = 0;
    for (int s = 0; s < POSTERIOR_SAMPLES; s++) { /* each height has the mean 1 at both sides */
        const double *curvature = posterior_optimum(posterior, s, CELL_SURFACES)->curvature;
        wrong += (curvature[0] + curvature[1]) / POSTERIOR_SAMPLES;
    }
    assert_true(fabs(answer.target.loss_penalty_if_wrong_2x - wrong) < 1e-9);
    posterior_destroy(posterior);
    cell_data_destroy(data);
    assert_true(answer.verdict_count >= 5);
    assert_non_null(strstr(answer.verdicts[0],
                           "vocabulary 1024: sp: the best ratio of embedding LR "
                           "to hidden LR goes as width^"));
    assert_non_null(strstr(answer.verdicts[3], "each doubling of the vocabulary"));

    /* another parametrization's exponent lies near, though none of its cells was trained */
    space.group_count = 2;
    space.groups[1] = (struct search_group){PARAM_MUP, NAN, {0, 0.3}, {-0.25, 0.5}, 1};
    assert_int_equal(search_answer(&answer, &space, run.seen, run.count, NULL), 0);
    const struct exponent_answer *other =
        exponent_of(PARAM_MUP, "embedding_lr_ratio", "width", 4096);
    gamma = exponent_of(PARAM_SP, "embedding_lr_ratio", "width", 4096);
    assert_true(fabs(other->value - gamma->value) < 0.1);
    assert_true(other->prior_weight > gamma->prior_weight && other->prior_weight < 0.7);
    assert_true(exponent_of(PARAM_MUP, "lr", "width", 0)->prior_weight > 0.9);
}

static void a_law_that_rises_is_warned_of(void **state)
{
    (void)state;
    struct cell_surface surface = cell_surface_draw(1, 0.003);
    bool warned = false;
    for (int c = 0; c < CELL_SURFACES; c++)
        surface.cells[c].beta = -0.5;
    struct search_space space = cell_surface_space(&surface);
    space.round_trials = 16;
    play(&surface, &space);
    assert_int_equal(search_answer(&answer, &space, run.seen, run.count, NULL), 0);
    assert_true(answer.law.beta < 0);
    for (size_t i = 0; i < answer.warning_count; i++)
        warned |= strstr(answer.warnings[i], "the optimum rises with the horizon") != NULL;
    assert_true(warned);
}

static void an_answer_without_trials_says_so(void **state)
{
    (void)state;
    struct cell_surface surface = cell_surface_draw(1, 0.003);
    struct search_space space = cell_surface_space(&surface);
    assert_int_equal(search_answer(&answer, &space, NULL, 0, NULL), 0);
    assert_int_equal(answer.status, ANSWER_NOT_IDENTIFIED);
    assert_string_equal(answer.reason, "no trial has finished");
    assert_int_equal(answer.basin_count, 0);
    assert_false(answer.joint.known);
}

static void without_memory_nothing_is_lost(void **state)
{
    (void)state;
    struct cell_surface surface = cell_surface_draw(1, 0.003);
    struct search_space space = cell_surface_space(&surface);
    cell_surface_round(&run, &surface, &space, &policy_design);
    for (long n = 0; n < 40; n++) {
        lr_memory_fail_after(n);
        int count = ask(&space, run.count, asked);
        lr_memory_fail_after(-1);
        if (count >= 0)
            return; /* so many allocations it takes */
        assert_int_equal(count, LR_ENOMEM);
    }
    fail_msg("more than 40 allocations");
}

static bool at_the_end(void *context)
{
    int *left = context;
    *left -= *left > 0;
    return *left == 0;
}

static void an_interrupted_decision_is_made_again(void **state)
{
    (void)state;
    struct cell_surface surface = cell_surface_draw(1, 0.003);
    struct search_space space = cell_surface_space(&surface), patient = space;
    static struct proposal wanted[POLICY_ROUND_MAX];
    struct lr_error err = {0};
    const int moments[] = {1, 2, 300, 1200, 1300}; /* 712 and more sweeps, then the choice */
    int left, canceled = 0;
    space.interrupted = at_the_end;
    space.interrupted_context = &left;
    cell_surface_round(&run, &surface, &patient, &policy_design);
    cell_surface_round(&run, &surface, &patient, &policy_design);
    int count = ask(&patient, run.count, wanted);
    assert_true(count > 0);
    for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
        left = moments[i];
        int rc = ask(&space, run.count, asked);
        canceled += rc == LR_ECANCELED;
        assert_true(rc == LR_ECANCELED || rc == count);
    }
    assert_true(canceled >= 3);
    left = 1000000;
    assert_int_equal(ask(&space, run.count, asked), count);
    assert_memory_equal(asked, wanted, (size_t)count * sizeof(*asked));
    left = 300;
    assert_int_equal(search_answer(&answer, &space, run.seen, run.count, &err), LR_ECANCELED);
    assert_string_equal(err.text, "interrupted in a fit");
    assert_true(isnan(answer.target.lr));
    assert_int_equal(answer.cell_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(one_cell_is_a_campaign_without_axes, clear_run),
        cmocka_unit_test_setup(the_order_of_what_was_seen_does_not_matter, clear_run),
        cmocka_unit_test_setup(seeds_that_differ_throughout_are_no_noise, clear_run),
        cmocka_unit_test_setup(it_begins_in_the_cheapest_cell, clear_run),
        cmocka_unit_test_setup(it_waits_for_its_first_trials, clear_run),
        cmocka_unit_test_setup(what_runs_counts_as_known, clear_run),
        cmocka_unit_test_setup(it_ends_where_everything_diverges, clear_run),
        cmocka_unit_test_setup(other_policies_search_each_cell_by_itself, clear_run),
        cmocka_unit_test_setup(a_shared_search_costs_less_than_half_of_separate_ones, clear_run),
        cmocka_unit_test_setup(ratios_are_found_together_with_the_lr, clear_run),
        cmocka_unit_test_setup(a_law_that_rises_is_warned_of, clear_run),
        cmocka_unit_test_setup(an_answer_without_trials_says_so, clear_run),
        cmocka_unit_test_setup(without_memory_nothing_is_lost, clear_run),
        cmocka_unit_test_setup(an_interrupted_decision_is_made_again, clear_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
