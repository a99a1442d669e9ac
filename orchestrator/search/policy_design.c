/* The search that narrows: a coarse look over the range at the shortest horizon, then of all trials
 * near an expected optimum those that reduce the variances of the optima at the target most for
 * their FLOPs (candidates.c). A basin's first trials come in pairs, because the level there is
 * unknown. It ends when the target is known as well as search.precision asks or no trial is worth
 * its FLOPs; but each optimum that the answer rests on is bracketed first: a trial inside its
 * interval, and one on both sides within an octave. Somewhere the lowest loss must lie between two
 * trials. While trials run (search.mode async), only what gains far more than usual is proposed. */
#include <math.h>
#include "lrsearch/memory.h"
#include "search/basin_model.h"
#include "search/candidates.h"
#include "search/flat.h"
#include "search/policy.h"
#include "search/search_answer.h"

#define BEGUN 2           /* trials from which on a cell counts as begun */
#define SHOWN 3           /* losses that show where they fall */
#define BEYOND 0.5        /* octaves around an end of the range that count as the end */
#define EARLY 16.0        /* times the usual gain while trials run, whose results may change all */
#define REFUSED 4.0       /* factor by which a refused answer lowers search.min_gain */
#define BRACKET_MOST 0.3  /* target runs that one trial of a bracket may cost */
#define EXPECTED_TRIALS 4 /* at each horizon, after the first */

struct choice {
    struct candidate *first, *second; /* NULL: none */
    double gain;                      /* nats per target run */
};

struct design {
    const struct search_space *space; /* with at least one cell */
    struct cell_data *data;
    struct posterior *posterior;
    struct candidates candidates;
    uint32_t begun[SEARCH_CELLS];   /* trials */
    bool horizons[ANSWER_HORIZONS]; /* begun */
    bool running;                   /* trials are */
    bool beyond_range;              /* the optimum seems to lie there */
    double least_gain;              /* a trial is worth its tokens from here on */
};

static void condition_on(struct design *design, struct candidate *candidate)
{
    candidates_condition(&design->candidates, candidate);
    design->begun[candidate->proposal.cell]++;
    design->horizons[design->data->basins[candidate->basin].horizon] = true;
}

/* ---- the choice ---- */

static void consider(struct choice *best, double gain, struct candidate *first,
                     struct candidate *second)
{
    if (gain > best->gain)
        *best = (struct choice){first, second, gain};
}

/* True if the basin's level is unknown, so that only pairs have information. [from, end): the
 * candidates of one basin. */
static bool is_open(const struct design *design, const struct candidate *from,
                    const struct candidate *end)
{
    if (design->data->basins[from->basin].losses > 0)
        return false;
    for (; from < end; from++)
        if (from->known)
            return false;
    return true;
}

static struct choice choose_trial(struct design *design,
                                  bool (*wanted)(const struct design *, size_t basin))
{
    struct choice best = {NULL, NULL, 0};
    const struct candidates *of = &design->candidates;
    for (size_t i = 0, end; i < of->count && !search_interrupted(design->space); i = end) {
        struct candidate *all = of->all;
        for (end = i + 1; end < of->count && all[end].basin == all[i].basin;)
            end++;
        if (!wanted(design, all[i].basin))
            continue;
        bool open = is_open(design, all + i, all + end);
        for (size_t a = i; a < end; a++) {
            if (all[a].known || (open && !all[a].central))
                continue;
            consider(&best, candidate_gain(of, &all[a]) / all[a].cost, &all[a], NULL);
            for (size_t b = a + 1; b < end && open; b++)
                if (!all[b].known && all[b].central)
                    consider(&best, candidates_pair_gain(of, &all[a], &all[b]) / (2 * all[a].cost),
                             &all[a], &all[b]);
        }
    }
    return best;
}

static uint32_t cheapest_cell(const struct search_space *space)
{
    uint32_t best = 0;
    for (uint32_t c = 1; c < space->cell_count; c++)
        if (space->cells[c].cost < space->cells[best].cost)
            best = c;
    return best;
}

static bool any_basin(const struct design *design, size_t basin)
{
    (void)design;
    (void)basin;
    return true;
}

static bool cheapest_basin(const struct design *design, size_t basin)
{
    const struct cell_basin *of = &design->data->basins[basin];
    return of->cell == cheapest_cell(design->space) && of->horizon == 0;
}

static bool shortest_of_new_cell(const struct design *design, size_t basin)
{
    const struct cell_basin *of = &design->data->basins[basin];
    return design->begun[of->cell] < BEGUN && of->horizon == 0;
}

static bool other_horizon(const struct design *design, size_t basin)
{
    return !design->horizons[design->data->basins[basin].horizon];
}

/* ---- brackets ---- */

/* The unknown candidate nearest to `x`, its ratios as expected, of a basin; NULL: none within
 * `reach` octaves. */
static struct candidate *nearest_to(const struct design *design, size_t basin, double x,
                                    double reach)
{
    struct candidate *best = NULL;
    for (size_t i = 0; i < design->candidates.count; i++) {
        struct candidate *candidate = &design->candidates.all[i];
        if (candidate->basin != basin || candidate->known || !candidate->central)
            continue;
        double off = fabs(candidate->x[0] - x);
        if (off > reach || (best && off >= fabs(best->x[0] - x)))
            continue;
        best = candidate;
    }
    return best;
}

/* The trial that the bracket of a basin lacks; NULL: none, or none can be had. */
static struct candidate *missing_in_bracket(const struct design *design, size_t basin)
{
    struct bracket bracket = bracket_of(design->posterior, basin);
    for (size_t i = 0; i < design->candidates.count; i++)
        if (design->candidates.all[i].basin == basin && design->candidates.all[i].known)
            bracket_add(&bracket, design->candidates.all[i].x[0]);
    double inside =
        fmax((bracket.high - bracket.low) / 2, design->candidates.grids[0].step / 2 + 1e-6);
    struct candidate *missing = NULL;
    if (!bracket.inside)
        missing = nearest_to(design, basin, bracket.center, inside);
    if (!missing && !bracket.below)
        missing = nearest_to(design, basin, bracket.center - BRACKET_SIDE, BRACKET_SIDE);
    if (!missing && !bracket.above)
        missing = nearest_to(design, basin, bracket.center + BRACKET_SIDE, BRACKET_SIDE);
    return missing;
}

/* The longest horizon first. The cell nearest to the target is the one that its answer rests on. */
static struct candidate *bracket_trial(const struct design *design)
{
    size_t horizons = design->space->horizon_count;
    uint32_t cell = nearest_cell(design->space);
    for (size_t h = horizons; h-- > 0;) {
        size_t basin = cell * horizons + h;
        struct candidate *missing = NULL;
        if (design->data->basins[basin].losses > 0)
            missing = missing_in_bracket(design, basin);
        if (missing && missing->cost > BRACKET_MOST)
            missing = NULL;
        if (missing)
            return missing;
    }
    return NULL;
}

/* The trial that is missing beside the lowest loss of a horizon of the nearest cell, the shortest
 * that has one within its grid. Without it the answer would be refused, since no lowest loss lies
 * between two trials. NULL: one does, or such trials run. */
static struct candidate *minimum_trial(const struct design *design)
{
    size_t horizons = design->space->horizon_count;
    size_t first = nearest_cell(design->space) * horizons;
    struct candidate *missing = NULL;
    for (size_t b = 0; b < design->data->basin_count; b++) {
        const struct cell_basin *basin = &design->data->basins[b];
        const struct cell_point *best = cell_basin_best(basin);
        struct tried_sides tried = cell_basin_tried(basin);
        for (size_t i = 0; i < design->candidates.count && best; i++) {
            const struct candidate *candidate = &design->candidates.all[i];
            if (candidate->basin != b || !candidate->known)
                continue;
            tried.below = tried.below || candidate->x[0] < best->x[0] - 1e-6;
            tried.above = tried.above || candidate->x[0] > best->x[0] + 1e-6;
        }
        if ((tried.below && tried.above) || basin->optimum)
            return NULL;
        if (!best || missing || b < first || b >= first + horizons)
            continue;
        double side = tried.below ? BRACKET_SIDE : -BRACKET_SIDE;
        missing = nearest_to(design, b, best->x[0] + side, BRACKET_SIDE - 0.01);
        if (missing && missing->cost > BRACKET_MOST)
            missing = NULL;
    }
    return missing;
}

/* ---- the end ---- */

/* True if the losses show a minimum, so that more of them can make the answer certain enough. */
static bool shows_basin(const struct design *design)
{
    uint32_t cell = nearest_cell(design->space);
    bool bracketed = false;
    for (size_t h = 0; h < design->space->horizon_count; h++) {
        size_t basin = cell * design->space->horizon_count + h;
        struct bracket bracket = bracket_of(design->posterior, basin);
        bracketed = bracketed || (bracket.inside && bracket.below && bracket.above);
    }
    return bracketed && no_basin_probability(design->data, cell) < FLAT_MOST;
}

/* True if the optimum seems to lie beyond the range of the search: no trial within it would tell
 * where. By the longest horizon of the nearest cell that has SHOWN losses. */
static bool is_beyond_range(const struct design *design)
{
    const struct search_space *space = design->space;
    size_t first = nearest_cell(space) * space->horizon_count, h = space->horizon_count;
    while (h > 0 && design->data->basins[first + h - 1].losses < SHOWN)
        h--;
    const struct cell_basin *basin = h > 0 ? &design->data->basins[first + h - 1] : NULL;
    bool ends[2] = {false, false}; /* tried with a loss */
    for (size_t i = 0; basin && i < basin->losses; i++) {
        ends[0] = ends[0] || basin->points[i].x[0] < log2(space->lr_low) + BEYOND;
        ends[1] = ends[1] || basin->points[i].x[0] > log2(space->lr_high) - BEYOND;
    }
    int beyond = 0;
    for (int s = 0; s < POSTERIOR_SAMPLES && basin; s++) {
        double vertex = posterior_basin(design->posterior, s, first + h - 1)->vertex[0];
        beyond += (ends[0] && vertex < log2(space->lr_low) - BEYOND) ||
                  (ends[1] && vertex > log2(space->lr_high) + BEYOND);
    }
    return beyond > POSTERIOR_SAMPLES / 2;
}

/* Least gain of a trial, nats per target run: an answer that would be refused only because it is
 * too uncertain is worth more. INFINITY: the target is known precisely enough. */
static double least_gain(const struct design *design)
{
    struct target_error error = posterior_target_error(design->posterior);
    if (error.penalty < design->space->precision || error.octaves < PRECISE_OCTAVES)
        return INFINITY;
    bool refused = error.farther > log2(ACCEPT_WIDEST) && shows_basin(design);
    return design->space->min_gain / (refused ? REFUSED : 1);
}

/* The best choice whose gain exceeds min_gain, unless the target is known precisely. Each cell must
 * be tried, and a law needs two horizons, whatever that costs: but not while trials run. Without
 * any loss yet, only the cheapest cell is tried. */
static struct choice choose_worthy(struct design *design)
{
    size_t horizons = 0;
    bool new_cell = false;
    struct choice best = {NULL, NULL, 0};
    if (!cell_data_has_losses(design->data))
        return choose_trial(design, cheapest_basin);
    if (design->beyond_range)
        return best;
    if (isfinite(design->least_gain)) {
        best = choose_trial(design, any_basin);
        if (best.gain > design->least_gain * (design->running ? EARLY : 1))
            return best;
    }
    if (design->running)
        return (struct choice){NULL, NULL, 0};
    for (uint32_t c = 0; c < design->space->cell_count; c++)
        new_cell = new_cell || design->begun[c] < BEGUN;
    for (size_t h = 0; h < design->space->horizon_count; h++)
        horizons += design->horizons[h];
    best.first = best.second = NULL;
    if (new_cell)
        best = choose_trial(design, shortest_of_new_cell);
    if (!best.first && horizons == 1 && design->space->horizon_count > 1)
        best = choose_trial(design, other_horizon);
    if (!best.first)
        best = (struct choice){bracket_trial(design), NULL, 0};
    if (!best.first)
        best = (struct choice){minimum_trial(design), NULL, 0};
    return best;
}

static void condition_on_running(struct design *design, const struct observation *seen,
                                 size_t count)
{
    for (size_t i = 0; i < count; i++) {
        design->running = design->running || seen[i].kind == OBSERVED_RUNNING;
        for (size_t j = 0; j < design->candidates.count && seen[i].kind == OBSERVED_RUNNING; j++) {
            struct candidate *candidate = &design->candidates.all[j];
            if (candidate_is(&candidate->proposal, &seen[i]) &&
                candidate->proposal.seed == seen[i].seed)
                condition_on(design, candidate);
        }
    }
}

static size_t choose_round(struct design *design, const struct observation *seen, size_t count,
                           struct proposal *round)
{
    size_t asked = 0, most = design->space->round_trials;
    condition_on_running(design, seen, count);
    most = most > 0 && most < POLICY_ROUND_MAX - 1 ? most : POLICY_ROUND_MAX - 1;
    while (asked < most && !search_interrupted(design->space)) {
        struct choice best = choose_worthy(design);
        if (!best.first)
            break;
        condition_on(design, best.first);
        round[asked++] = best.first->proposal;
        if (best.second) { /* may exceed `most` by one: half a pair has no information */
            condition_on(design, best.second);
            round[asked++] = best.second->proposal;
        }
    }
    return asked;
}

/* ---- the whole ---- */

/* Prior of a cell's log2 LR* at the shortest horizon, from the terms of the law. */
static struct expected_place expected(const struct cell_data *data, uint32_t cell)
{
    const struct search_space *space = &data->space;
    double center = 0, variance = 0;
    for (size_t i = 0; i < data->terms[0].count; i++) {
        const struct term *term = &data->terms[0].term[i];
        double value = term_value(term, &space->cells[cell], (int)cell, 0,
                                  cell_data_t(data, (double)space->horizons[0]));
        center += value * term->mean;
        variance += pow(value * term->deviation, 2);
    }
    return (struct expected_place){center, sqrt(variance)};
}

/* Places of the first trials on the LRs' grid, in `cell`; returns their number. */
static size_t first_places(const struct cell_data *data, const struct lr_grid *grid, uint32_t cell,
                           int places[LR_GRID_MAX + 1])
{
    struct expected_place place = expected(data, cell);
    return (size_t)lr_grid_first_trials(grid, data->space.prior_lr > 0 ? &place : NULL, places);
}

/* The first trials, in the cheapest cell at the shortest horizon; returns their number. */
static size_t propose_first_trials(const struct design *design, struct proposal *round)
{
    const struct search_space *space = design->space;
    const struct candidates *candidates = &design->candidates;
    uint32_t cell = cheapest_cell(space);
    int places[LR_GRID_MAX + 1];
    size_t count = first_places(design->data, &candidates->grids[0], cell, places);
    for (size_t i = 0; i < count; i++) {
        round[i] = (struct proposal){.tokens = space->horizons[0],
                                     .cell = cell,
                                     .lr = candidates_value(candidates, 0, places[i])};
        for (int r = 0; r < RATIO_COUNT; r++)
            round[i].ratios[r] = space->ratios[r].low;
        for (int k = 1; k < design->data->coordinate_count; k++)
            round[i].ratios[design->data->coordinates[k] - 1] =
                candidates_value(candidates, k, (candidates->grids[k].last + 1) / 2);
    }
    return count;
}

/* False: no memory, or interrupted. */
static bool prepare(struct design *design)
{
    const struct cell_data *data = design->data;
    for (size_t b = 0; b < data->basin_count; b++) {
        design->begun[data->basins[b].cell] += data->basins[b].trials;
        if (data->basins[b].trials > 0)
            design->horizons[data->basins[b].horizon] = true;
    }
    design->posterior = posterior_create(data);
    if (!design->posterior || !candidates_fill(&design->candidates, design->posterior))
        return false;
    design->least_gain = least_gain(design);
    design->beyond_range = is_beyond_range(design);
    return true;
}

static int design_next(const struct search_space *space, const struct observation *seen,
                       size_t count, struct proposal *round, size_t *asked)
{
    int rc = LR_ENOMEM;
    *asked = 0;
    struct design *design = lr_calloc(1, sizeof(*design));
    if (!design || !(design->data = cell_data_create(space, seen, count, -1)))
        goto out;
    design->space = &design->data->space;
    candidates_lay_grids(&design->candidates, design->data);
    if (design->data->seen_count > 0) {
        if (!prepare(design))
            goto out;
        *asked = choose_round(design, seen, count, round);
    } else if (count == 0) { /* otherwise the first trials run */
        *asked = propose_first_trials(design, round);
    }
    rc = 0;
out:
    if (search_interrupted(space)) {
        *asked = 0;
        rc = LR_ECANCELED;
    }
    if (design) {
        candidates_destroy(&design->candidates);
        posterior_destroy(design->posterior);
        cell_data_destroy(design->data);
    }
    lr_free(design);
    return rc;
}

/* Expected: the average on published sweeps. At most: the whole grid. */
static size_t design_forecast(const struct search_space *space, struct forecast_stage *stages,
                              size_t capacity)
{
    struct candidates candidates;
    struct cell_data *data = cell_data_create(space, NULL, 0, -1);
    int places[LR_GRID_MAX + 1];
    size_t used = 0;
    if (!data)
        return 0;
    candidates_lay_grids(&candidates, data);
    uint32_t cells = (uint32_t)data->space.cell_count;
    uint32_t first = (uint32_t)first_places(data, &candidates.grids[0], 0, places);
    uint32_t all = (uint32_t)(candidates.grids[0].last + 1) * space->seeds * cells;
    if (used < capacity)
        stages[used++] = (struct forecast_stage){"coarse", space->horizons[0], first, first};
    for (size_t h = 0; h < space->horizon_count && used < capacity; h++) {
        uint32_t most = h == 0 ? all - first : all, usual = EXPECTED_TRIALS * cells;
        stages[used++] = (struct forecast_stage){"around the optimum", space->horizons[h],
                                                 most < usual ? most : usual, most};
    }
    cell_data_destroy(data);
    return used;
}

const struct policy policy_design = {"design", design_next, design_forecast, true, NULL};
