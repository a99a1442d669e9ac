/* Many small random campaigns with axes, with trials that diverge, fail, end out of order or give
 * strange losses: whatever happens, nothing is asked for twice, the search ends, and its answer is
 * in order. */
#include "cmocka_all.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "few_runs.h"
#include "lrsearch/rng.h"
#include "search/policy.h"
#include "search/search_answer.h"

#define DRAWS ((uint64_t)RNG_SIMULATE + (10u << 8))
#define CAMPAIGNS (few_runs() ? 3u : 12u)
#define CELLS 5
#define HORIZONS 3
#define SEEN 4096
#define ROUNDS 400

enum world {
    WORLD_BASINS,
    WORLD_EQUAL,
    WORLD_HUGE,
    WORLD_NOISE,
    WORLD_DIVERGES,
    WORLD_FAILS,
    WORLDS
};

static struct game {
    uint64_t seed, draws;
    struct search_space space;
    struct search_cell cells[CELLS];
    uint64_t horizons[HORIZONS];
    enum world world;
    double curvature, cliff, failures, noise, delay;
    struct observation seen[SEEN];
    bool running[SEEN];
    size_t count;
} game;
static struct proposal asked[POLICY_ROUND_MAX], again[POLICY_ROUND_MAX];
static struct observation shuffled[SEEN];
static struct answer answer, other;

static double uniform(void)
{
    return rng_uniform(game.seed, DRAWS, game.draws++);
}

static double between(double low, double high)
{
    return low + (high - low) * uniform();
}

static size_t below(size_t bound)
{
    return (size_t)rng_below(game.seed, DRAWS, game.draws++, bound);
}

/* ---- a campaign ---- */

static void draw_cell(struct search_cell *cell, const bool *spans, size_t groups)
{
    *cell = (struct search_cell){.group = (uint32_t)below(groups)};
    for (int axis = 0; axis < AXIS_COUNT; axis++)
        cell->axes[axis] = spans[axis] ? (double)below(3) : 0;
    cell->cost = exp2(2 * cell->axes[AXIS_WIDTH] + cell->axes[AXIS_DEPTH]);
    cell->log2_params = below(4) > 0 ? 20 + log2(cell->cost) : 0;
}

static void draw_space(void)
{
    static const double gains[] = {1e-9, 0.008, 0.02, 0.1, 50};
    static const double precisions[] = {1e-9, 0.001, 0.001, 0.05};
    struct search_space *space = &game.space;
    bool spans[AXIS_COUNT];
    for (int axis = 0; axis < AXIS_COUNT; axis++)
        spans[axis] = below(2) > 0;
    *space = (struct search_space){.lr_low = 1e-3,
                                   .seeds = (uint32_t)(1 + below(3)),
                                   .resolution = below(2) ? 1 : between(0.05, 2),
                                   .seed = game.seed,
                                   .prior_beta = 0.25,
                                   .prior_beta_sd = 0.2,
                                   .precision = precisions[below(4)],
                                   .min_gain = gains[below(5)],
                                   .round_trials = (uint32_t)below(12),
                                   .cells = game.cells,
                                   .cell_count = 2 + below(CELLS - 1),
                                   .horizons = game.horizons,
                                   .horizon_count = 1 + below(HORIZONS),
                                   .group_count = 1 + below(3),
                                   .base = {64, 2, 1024, 4096}};
    bool exhausts = space->min_gain < 1e-6; /* asks for all there is */
    if (exhausts)
        space->cell_count = 2;
    space->lr_high = space->lr_low * exp2(between(0.5, exhausts ? 1 : 7));
    for (uint32_t g = 0; g < space->group_count; g++)
        space->groups[g] = (struct search_group){g, NAN, {-0.3, 0.4}, {0.5, 0.5}, 0.5};
    for (int r = 0; r < RATIO_COUNT; r++) {
        space->ratios[r] = (struct ratio_range){0.5, 0.5};
        if (below(3) == 0 && !exhausts)
            space->ratios[r].high *= exp2(between(0.2, 5));
    }
    for (size_t h = 0; h < space->horizon_count; h++)
        game.horizons[h] = h ? game.horizons[h - 1] * (2 + below(3)) : 1000000;
    space->target_tokens = below(2) ? game.horizons[space->horizon_count - 1]
                                    : game.horizons[space->horizon_count - 1] * (1 + below(50));
    for (size_t c = 0; c < space->cell_count; c++)
        draw_cell(&game.cells[c], spans, space->group_count);
    for (int axis = 0; axis < AXIS_COUNT; axis++) /* all are relative to the first */
        game.cells[0].axes[axis] = 0;
    space->target = game.cells[below(space->cell_count)];
    if (below(2))
        for (int axis = 0; axis < AXIS_COUNT; axis++)
            space->target.axes[axis] += spans[axis] ? between(0, 6) : 0;
}

static void begin(uint64_t seed)
{
    memset(&game, 0, sizeof(game));
    game.seed = seed;
    draw_space();
    game.world = below(2) ? WORLD_BASINS : (enum world)below(WORLDS);
    game.curvature = 0.012 * exp2(between(-2, 3));
    game.cliff = between(0, 4);
    game.failures = below(2) ? 0.15 : 0;
    game.noise = below(2) ? 0.003 : 0.03;
    game.delay = below(2) ? 0 : between(0.2, 0.6);
}

/* ---- a trial ---- */

static struct observation run_trial(const struct proposal *p)
{
    const struct search_cell *cell = &game.cells[p->cell];
    struct observation o = {p->tokens, p->lr, p->seed, p->cell, OBSERVED_LOSS, 0, {0}, 0};
    double best = log2(4e-3) - 0.3 * cell->axes[AXIS_WIDTH] - 0.3 * log2((double)p->tokens / 1e6);
    double off = log2(p->lr) - best;
    memcpy(o.ratios, p->ratios, sizeof(o.ratios));
    o.loss =
        3 + game.curvature * off * off + game.noise * rng_normal(game.seed, DRAWS, game.draws++);
    for (int r = 0; r < RATIO_COUNT; r++)
        o.loss += game.curvature / 3 * pow(log2(p->ratios[r]) + off, 2);
    if (game.world == WORLD_EQUAL)
        o.loss = 3;
    if (game.world == WORLD_HUGE)
        o.loss = exp2(between(0, 10));
    if (game.world == WORLD_NOISE)
        o.loss = 3 + uniform();
    if (game.world == WORLD_DIVERGES || off > game.cliff)
        o.kind = OBSERVED_DIVERGED;
    if (game.world == WORLD_FAILS || uniform() < game.failures)
        o.kind = OBSERVED_NOTHING;
    o.loss = o.kind == OBSERVED_LOSS ? o.loss : NAN;
    return o;
}

static bool same_trial(const struct observation *a, const struct proposal *b)
{
    bool same = a->tokens == b->tokens && a->cell == b->cell && a->seed == b->seed &&
                fabs(log2(a->lr / b->lr)) < 1e-6;
    for (int r = 0; r < RATIO_COUNT; r++)
        same = same && fabs(log2(a->ratios[r] / b->ratios[r])) < 1e-6;
    return same;
}

static void check_proposal(const struct proposal *p)
{
    const struct search_space *space = &game.space;
    bool horizon = false;
    for (size_t h = 0; h < space->horizon_count; h++)
        horizon = horizon || space->horizons[h] == p->tokens;
    assert_true(horizon && p->cell < space->cell_count && p->seed < space->seeds);
    assert_true(p->lr >= space->lr_low * 0.999999 && p->lr <= space->lr_high * 1.000001);
    for (int r = 0; r < RATIO_COUNT; r++)
        assert_true(p->ratios[r] >= space->ratios[r].low * 0.999999 &&
                    p->ratios[r] <= space->ratios[r].high * 1.000001);
    for (size_t i = 0; i < game.count; i++)
        if (same_trial(&game.seen[i], p))
            fail_msg("campaign %u asks twice", (unsigned)game.seed);
}

/* What was seen, trials that are still running among it, in another order. */
static const struct observation *shuffle(void)
{
    memcpy(shuffled, game.seen, game.count * sizeof(*shuffled));
    for (size_t i = 0; i < game.count; i++) {
        size_t j = below(i + 1);
        struct observation o = shuffled[i];
        shuffled[i] = shuffled[j];
        shuffled[j] = o;
    }
    return shuffled;
}

/* Ends each running trial with a chance; true: one still runs. */
static bool finish_some(double chance)
{
    bool runs = false;
    for (size_t i = 0; i < game.count; i++) {
        struct observation *o = &game.seen[i];
        if (o->kind != OBSERVED_RUNNING)
            continue;
        if (uniform() < chance) {
            struct proposal p = {o->tokens, o->lr, o->seed, o->cell, {0}};
            memcpy(p.ratios, o->ratios, sizeof(p.ratios));
            *o = run_trial(&p);
        } else {
            runs = true;
        }
    }
    return runs;
}

static void play(void)
{
    bool runs = false;
    for (int round = 0;; round++) {
        if (round == ROUNDS)
            fail_msg("campaign %u does not end", (unsigned)game.seed);
        size_t trials, also;
        assert_int_equal(
            search_next(&policy_design, &game.space, game.seen, game.count, asked, &trials), 0);
        assert_true(trials <= POLICY_ROUND_MAX);
        if (round % 8 == 3) {
            assert_int_equal(
                search_next(&policy_design, &game.space, shuffle(), game.count, again, &also), 0);
            assert_int_equal(also, trials);
            assert_memory_equal(asked, again, trials * sizeof(*asked));
        }
        if (trials == 0 && !runs)
            return;
        assert_true(game.count + trials < SEEN);
        for (size_t i = 0; i < trials; i++) {
            check_proposal(&asked[i]);
            struct observation *o = &game.seen[game.count++];
            *o = (struct observation){asked[i].tokens,  asked[i].lr, asked[i].seed, asked[i].cell,
                                      OBSERVED_RUNNING, NAN,         {0},           0};
            memcpy(o->ratios, asked[i].ratios, sizeof(o->ratios));
        }
        runs = finish_some(trials ? 1 - game.delay : 1);
    }
}

/* ---- its answer ---- */

static void check_interval(double value, const double ci90[2], bool positive)
{
    assert_true(isfinite(value) && isfinite(ci90[0]) && isfinite(ci90[1]));
    assert_true(ci90[0] <= ci90[1]);
    assert_true(!positive || (ci90[0] > 0 && value > 0));
}

static void check_basins(void)
{
    for (size_t b = 0; b < answer.basin_count; b++) {
        const struct horizon_answer *horizon = &answer.basins[b].horizon;
        assert_true(horizon->trials > 0 && horizon->diverged <= horizon->trials);
        if (isfinite(horizon->lr_opt)) {
            check_interval(horizon->lr_opt, horizon->ci90, true);
            assert_true(horizon->curvature > 0 && isfinite(horizon->loss_min));
        }
    }
}

static void check_answer(void)
{
    size_t trials = 0, seen = 0, losses = 0;
    assert_int_equal(answer.cell_count, game.space.cell_count);
    for (size_t c = 0; c < answer.cell_count; c++) {
        const struct cell_answer *cell = &answer.cells[c];
        check_interval(cell->lr, cell->ci90, true);
        if (game.space.horizon_count > 1)
            check_interval(cell->beta, cell->beta_ci90, false);
        for (int r = 0; r < RATIO_COUNT; r++)
            if (game.space.ratios[r].low < game.space.ratios[r].high)
                check_interval(cell->ratio[r], cell->ratio_ci90[r], true);
        trials += cell->trials;
    }
    for (size_t i = 0; i < game.count; i++) {
        seen += game.seen[i].kind == OBSERVED_LOSS || game.seen[i].kind == OBSERVED_DIVERGED;
        losses += game.seen[i].kind == OBSERVED_LOSS && isfinite(game.seen[i].loss);
    }
    assert_int_equal(trials, seen);
    if (losses > 0) {
        check_interval(answer.target.lr, answer.target.ci90, true);
        assert_true(answer.target.loss_penalty >= 0 && isfinite(answer.target.loss_penalty));
    } else {
        assert_true(isnan(answer.target.lr));
        assert_int_equal(answer.status, ANSWER_NOT_IDENTIFIED);
    }
    for (size_t i = 0; i < answer.exponent_count; i++) {
        check_interval(answer.exponents[i].value, answer.exponents[i].ci90, false);
        assert_true(answer.exponents[i].prior_weight >= 0 && answer.exponents[i].prior_weight <= 1);
    }
    check_basins();
}

static void assert_same(const double *a, const double *b, size_t count)
{
    assert_memory_equal(a, b, count * sizeof(*a));
}

static void check_same_answer(void)
{
    assert_int_equal(search_answer(&other, &game.space, shuffle(), game.count, NULL), 0);
    for (size_t c = 0; c < answer.cell_count; c++) {
        assert_same(&answer.cells[c].lr, &other.cells[c].lr, 1);
        assert_same(answer.cells[c].ci90, other.cells[c].ci90, 2);
        assert_same(&answer.cells[c].loss, &other.cells[c].loss, 1);
    }
    assert_same(answer.target.ci90, other.target.ci90, 2);
    assert_same(&answer.joint.alpha, &other.joint.alpha, 1);
    assert_string_equal(answer.reason, other.reason);
    assert_int_equal(answer.warning_count, other.warning_count);
}

static void whatever_happens_the_search_ends(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= CAMPAIGNS; seed++) {
        begin(seed);
        play();
        memset(&answer, 0xff, sizeof(answer)); /* it need not be initialised */
        assert_int_equal(search_answer(&answer, &game.space, game.seen, game.count, NULL), 0);
        check_answer();
        if (seed % 4 == 0)
            check_same_answer();
    }
}

/* As many cells as there may be, and more basins than an answer lists. */
static void the_largest_campaign_is_answered(void **state)
{
    (void)state;
    static struct search_cell cells[SEARCH_CELLS];
    enum { LENGTHS = 5 };
    static const uint64_t lengths[LENGTHS] = {1000000, 2000000, 4000000, 8000000, 16000000};
    begin(1);
    game.world = WORLD_BASINS;
    game.failures = 0;
    game.cliff = 9;
    game.space.cells = cells;
    game.space.cell_count = SEARCH_CELLS;
    game.space.group_count = 1;
    game.space.horizons = lengths;
    game.space.horizon_count = LENGTHS;
    game.space.target = cells[0];
    for (uint32_t c = 0; c < SEARCH_CELLS; c++) {
        cells[c] = (struct search_cell){.axes = {c % 4, c / 4 % 2, c / 8 % 4, c / 32}, .cost = 1};
        for (size_t h = 0; h < LENGTHS; h++) {
            struct proposal p = {lengths[h], 1e-3 * (1 + c % 3), 0, 0, {0.5, 0.5}};
            game.seen[game.count] = run_trial(&p);
            game.seen[game.count++].cell = c;
        }
    }
    assert_int_equal(search_answer(&answer, &game.space, game.seen, game.count, NULL), 0);
    check_answer();
    assert_int_equal(answer.basin_count, ANSWER_BASINS);
    bool said = false;
    for (size_t i = 0; i < answer.warning_count; i++)
        said = said || strcmp(answer.warnings[i],
                              "of the 320 horizons of all models that were tried only the first "
                              "256 are listed; all count") == 0;
    assert_true(said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_happens_the_search_ends),
        cmocka_unit_test(the_largest_campaign_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
