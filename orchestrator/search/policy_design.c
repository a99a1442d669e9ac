/* Policy `design` over cells: of all possible next trials it proposes those that reduce the
 * variances of the optima of all cells (and of the target, if it is none of them) most for their
 * FLOPs (cell_candidates.c). A cell's first trials come in pairs, because the level there is
 * unknown. */
#include "search/policy_cells.h"

#include <math.h>
#include "lrsearch/memory.h"
#include "search/candidates.h"

#define BEGUN 2 /* trials from which on a cell counts as begun */

struct choice {
    struct candidate *first, *second; /* NULL: none */
    double gain;                      /* nats per target run */
};

struct cells_design {
    const struct search_space *space;
    struct cell_data *data;
    struct posterior *posterior;
    struct candidates candidates;
    uint32_t begun[SEARCH_CELLS];   /* trials */
    bool horizons[ANSWER_HORIZONS]; /* begun */
};

static void condition_on(struct cells_design *design, struct candidate *candidate)
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
static bool is_open(const struct cells_design *design, const struct candidate *from,
                    const struct candidate *end)
{
    if (design->data->basins[from->basin].losses > 0)
        return false;
    for (; from < end; from++)
        if (from->known)
            return false;
    return true;
}

static struct choice choose_trial(struct cells_design *design,
                                  bool (*wanted)(const struct cells_design *, size_t basin))
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

static bool any_basin(const struct cells_design *design, size_t basin)
{
    (void)design;
    (void)basin;
    return true;
}

static bool cheapest_basin(const struct cells_design *design, size_t basin)
{
    const struct cell_basin *of = &design->data->basins[basin];
    return of->cell == cheapest_cell(design->space) && of->horizon == 0;
}

static bool shortest_of_new_cell(const struct cells_design *design, size_t basin)
{
    const struct cell_basin *of = &design->data->basins[basin];
    return design->begun[of->cell] < BEGUN && of->horizon == 0;
}

static bool other_horizon(const struct cells_design *design, size_t basin)
{
    return !design->horizons[design->data->basins[basin].horizon];
}

/* The best choice whose gain exceeds min_gain. Each cell must be tried, and a law needs two
 * horizons, whatever that costs. Without any loss yet, only the cheapest cell is tried. */
static struct choice choose_worthy(struct cells_design *design)
{
    size_t horizons = 0;
    bool new_cell = false;
    if (!cell_data_has_losses(design->data))
        return choose_trial(design, cheapest_basin);
    struct choice best = choose_trial(design, any_basin);
    if (best.gain > design->space->min_gain)
        return best;
    for (uint32_t c = 0; c < design->space->cell_count; c++)
        new_cell = new_cell || design->begun[c] < BEGUN;
    for (size_t h = 0; h < design->space->horizon_count; h++)
        horizons += design->horizons[h];
    best.first = NULL;
    if (new_cell)
        best = choose_trial(design, shortest_of_new_cell);
    if (!best.first && horizons == 1 && design->space->horizon_count > 1)
        best = choose_trial(design, other_horizon);
    return best;
}

static void condition_on_running(struct cells_design *design, const struct observation *seen,
                                 size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < design->candidates.count && seen[i].kind == OBSERVED_RUNNING; j++) {
            struct candidate *candidate = &design->candidates.all[j];
            if (candidate_is(&candidate->proposal, &seen[i]) &&
                candidate->proposal.seed == seen[i].seed)
                condition_on(design, candidate);
        }
}

static int choose_round(struct cells_design *design, const struct observation *seen, size_t count,
                        struct proposal *round)
{
    int asked = 0, most = (int)design->space->round_trials;
    condition_on_running(design, seen, count);
    most = most > 0 && most < POLICY_ROUND_MAX - 1 ? most : POLICY_ROUND_MAX - 1;
    while (asked < most) {
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
    const struct search_space *space = data->space;
    double center = 0, variance = 0;
    for (size_t i = 0; i < data->terms[0].count; i++) {
        const struct term *term = &data->terms[0].term[i];
        double value = term_value(term, &space->cells[cell], (int)cell,
                                  cell_data_t(data, (double)space->horizons[0]));
        center += value * term->mean;
        variance += pow(value * term->deviation, 2);
    }
    return (struct expected_place){center, sqrt(variance)};
}

/* The first trials, in the cheapest cell at the shortest horizon; returns their number. */
static int propose_first_trials(const struct cells_design *design, struct proposal *round)
{
    const struct search_space *space = design->space;
    const struct candidates *candidates = &design->candidates;
    uint32_t cell = cheapest_cell(space);
    struct expected_place place = expected(design->data, cell);
    int places[LR_GRID_MAX + 1];
    int count =
        lr_grid_first_trials(&candidates->grids[0], space->prior_lr > 0 ? &place : NULL, places);
    for (int i = 0; i < count; i++) {
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

static bool prepare(struct cells_design *design)
{
    const struct cell_data *data = design->data;
    for (size_t b = 0; b < data->basin_count; b++) {
        design->begun[data->basins[b].cell] += data->basins[b].trials;
        if (data->basins[b].trials > 0)
            design->horizons[data->basins[b].horizon] = true;
    }
    design->posterior = posterior_create(data);
    return design->posterior && candidates_fill(&design->candidates, design->posterior);
}

int cells_next(const struct search_space *space, const struct observation *seen, size_t count,
               struct proposal *round)
{
    int asked = LR_ENOMEM;
    struct cells_design *design = lr_calloc(1, sizeof(*design));
    if (!design)
        return asked;
    design->space = space;
    design->data = cell_data_create(space, seen, count, -1);
    if (design->data) {
        candidates_lay_grids(&design->candidates, design->data);
        if (design->data->seen_count == 0)
            asked =
                count == 0 ? propose_first_trials(design, round) : 0; /* none while trials run */
        else if (prepare(design))
            asked = choose_round(design, seen, count, round);
    }
    if (search_interrupted(space))
        asked = LR_ECANCELED;
    candidates_destroy(&design->candidates);
    posterior_destroy(design->posterior);
    cell_data_destroy(design->data);
    lr_free(design);
    return asked;
}
