/* Candidates around each expected optimum; their information gain follows from the covariance of
 * their losses with the optima over the posterior samples. Conditioning on one moves the samples as
 * if its loss were known (a square-root filter: Evensen 2004), and all covariances. */
#include "search/candidates.h"

#include <math.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "search/observations.h"

/* Octaves around the expected LR: trials far from the optimum rest on the basin's assumed shape.
 * The less certain the optimum, the farther. */
#define REACH 1.0
#define REACH_MOST 2.6
#define RATIO_REACH 2.1    /* octaves around the expected ratio */
#define SPACING 0.25       /* octaves between LRs at most */
#define CELLS_SPACING 0.5  /* the same with several cells */
#define LEAST_SPACING 0.25 /* nearer ones are redundant */
#define RATIO_SPACING 1.0

/* ---- grids ---- */

static void lay_grid(struct candidates *candidates, int k)
{
    const struct search_space *space = candidates->space;
    int coordinate = candidates->data->coordinates[k];
    double spacing = space->cell_count > 1 ? CELLS_SPACING : SPACING;
    double resolution = fmax(LEAST_SPACING, fmin(space->resolution, spacing));
    const struct ratio_range *ratio = coordinate ? &space->ratios[coordinate - 1] : NULL;
    candidates->grids[k] = ratio ? lr_grid_make(ratio->low, ratio->high, RATIO_SPACING)
                                 : lr_grid_make(space->lr_low, space->lr_high, resolution);
}

void candidates_lay_grids(struct candidates *candidates, const struct cell_data *data)
{
    candidates->data = data;
    candidates->space = &data->space;
    for (int k = 0; k < data->coordinate_count; k++)
        lay_grid(candidates, k);
}

double candidates_value(const struct candidates *candidates, int k, int place)
{
    return lr_grid_lr(&candidates->grids[k], place);
}

/* Upper bound of a grid's places within `reach` octaves of a point. */
static size_t places_within(const struct lr_grid *grid, double reach)
{
    double places = grid->step > 0 ? 2 * reach / grid->step + 2 : 1;
    return (size_t)fmin(places, grid->last + 1);
}

/* ---- the candidates ---- */

bool candidate_is(const struct proposal *proposal, const struct observation *seen)
{
    return proposal->tokens == seen->tokens && proposal->cell == seen->cell &&
           same_value(proposal->lr, seen->lr) && same_ratios(proposal->ratios, seen->ratios);
}

static uint32_t next_seed(const struct cell_data *data, const struct proposal *proposal)
{
    uint32_t seed = 0;
    for (size_t i = 0; i < data->seen_count; i++) /* sorted by seed */
        seed += candidate_is(proposal, &data->seen[i]) && data->seen[i].seed == seed;
    return seed;
}

/* True if `wall` lies between the candidate and the best loss, or at the candidate: nothing is
 * expected there but another divergence. Without a loss, what is above it. */
static bool is_beyond(const struct candidates *candidates, const struct cell_point *best,
                      const struct cell_point *wall, const struct candidate *candidate)
{
    bool above = true, below = best && wall->x[0] < best->x[0];
    for (int k = 0; k < candidates->data->coordinate_count; k++) {
        above = above && wall->x[k] <= candidate->x[k] + 1e-6;
        below = below && wall->x[k] >= candidate->x[k] - 1e-6;
    }
    bool right = !best || wall->x[0] > best->x[0] - 1e-6;
    return below || (above && right);
}

static bool beyond_a_wall(const struct candidates *candidates, const struct candidate *candidate)
{
    const struct cell_basin *basin = &candidates->data->basins[candidate->basin];
    const struct cell_point *best = cell_basin_best(basin);
    for (size_t i = basin->losses; i < basin->losses + basin->walls; i++)
        if (is_beyond(candidates, best, &basin->points[i], candidate))
            return true;
    return false;
}

static void add_candidate(struct candidates *candidates, size_t basin, const int *places,
                          bool central)
{
    const struct search_space *space = candidates->space;
    const struct cell_data *data = candidates->data;
    struct candidate candidate = {.basin = basin, .central = central};
    struct proposal *proposal = &candidate.proposal;
    uint32_t cell = data->basins[basin].cell;
    proposal->cell = cell;
    proposal->tokens = space->horizons[data->basins[basin].horizon];
    proposal->lr = candidates_value(candidates, 0, places[0]);
    for (int r = 0; r < RATIO_COUNT; r++)
        proposal->ratios[r] = space->ratios[r].low;
    for (int k = 1; k < data->coordinate_count; k++)
        proposal->ratios[data->coordinates[k] - 1] = candidates_value(candidates, k, places[k]);
    for (int k = 0; k < data->coordinate_count; k++)
        candidate.x[k] = cell_data_x(data, k, proposal->lr, proposal->ratios);
    proposal->seed = next_seed(data, proposal);
    candidate.cost = (double)proposal->tokens * space->cells[cell].cost / candidates->unit;
    if (proposal->seed < space->seeds && !beyond_a_wall(candidates, &candidate))
        candidates->all[candidates->count++] = candidate;
}

/* Posterior means of the LR's vertex and of log2 of each ratio; *deviation: of the vertex. */
static void expect(const struct candidates *candidates, size_t basin,
                   double out[SEARCH_COORDINATES], double *deviation)
{
    double square = 0;
    memset(out, 0, SEARCH_COORDINATES * sizeof(*out));
    for (int s = 0; s < POSTERIOR_SAMPLES; s++) {
        const struct basin_sample *at = posterior_basin(candidates->posterior, s, basin);
        for (int k = 0; k < candidates->data->coordinate_count; k++)
            out[k] += (at->vertex[k] - (k > 0 ? at->vertex[0] : 0)) / POSTERIOR_SAMPLES;
        square += at->vertex[0] * at->vertex[0] / POSTERIOR_SAMPLES;
    }
    *deviation = sqrt(fmax(square - out[0] * out[0], 0));
}

/* Adds candidates with one of the ratios changed. */
static void add_beside(struct candidates *candidates, size_t basin, int *places)
{
    for (int k = 1; k < candidates->data->coordinate_count; k++) {
        const struct lr_grid *ratios = &candidates->grids[k];
        int nearest = places[k];
        for (int q = 0; q <= ratios->last; q++) {
            places[k] = q;
            if (q != nearest && fabs((q - nearest) * ratios->step) <= RATIO_REACH)
                add_candidate(candidates, basin, places, false);
        }
        places[k] = nearest;
    }
}

/* True if the basin has a loss. Without its level the gain of other ratios is 0. */
static bool is_begun(const struct candidates *candidates, size_t basin)
{
    return candidates->data->basins[basin].losses > 0;
}

static void add_basin(struct candidates *candidates, size_t basin)
{
    double expected[SEARCH_COORDINATES], deviation;
    int places[SEARCH_COORDINATES];
    expect(candidates, basin, expected, &deviation);
    double reach = fmin(REACH + deviation, REACH_MOST);
    for (int k = 0; k < candidates->data->coordinate_count; k++)
        places[k] = lr_grid_nearest(&candidates->grids[k], expected[k]);
    const struct lr_grid *lrs = &candidates->grids[0];
    double center = lrs->low + lrs->step * places[0];
    if (fabs(expected[0] - center) < lrs->step)
        center = expected[0]; /* expected within the range */
    for (int p = 0; p <= lrs->last; p++) {
        if (fabs(lrs->low + lrs->step * p - center) > reach)
            continue;
        places[0] = p;
        add_candidate(candidates, basin, places, true);
        if (is_begun(candidates, basin))
            add_beside(candidates, basin, places);
    }
}

static size_t most_of(const struct candidates *candidates, size_t basin)
{
    size_t beside = 0;
    for (int k = 1; k < candidates->data->coordinate_count && is_begun(candidates, basin); k++)
        beside += places_within(&candidates->grids[k], RATIO_REACH);
    return places_within(&candidates->grids[0], REACH_MOST) * (1 + beside);
}

/* ---- information gain ---- */

static double centered(double *values)
{
    double mean = 0, sum = 0;
    for (int s = 0; s < POSTERIOR_SAMPLES; s++)
        mean += values[s] / POSTERIOR_SAMPLES;
    for (int s = 0; s < POSTERIOR_SAMPLES; s++) {
        values[s] -= mean;
        sum += values[s] * values[s];
    }
    return sum / POSTERIOR_SAMPLES;
}

static void predict(struct candidates *candidates, struct candidate *candidate)
{
    for (int s = 0; s < POSTERIOR_SAMPLES; s++) {
        const struct sample *sample = &candidates->posterior->samples[s];
        const struct basin_sample *at = posterior_basin(candidates->posterior, s, candidate->basin);
        double height = 0;
        for (int k = 0; k < candidates->data->coordinate_count; k++) {
            double off = candidate->x[k] - at->vertex[k];
            height += at->curvature[k] * basin_heights_at(candidates->data->heights, off,
                                                          k == 0 ? at->shape : BASIN_PARABOLA);
        }
        double error = sample->error * height;
        candidate->values[s] = at->level + height;
        candidate->noise += (sample->sigma * sample->sigma + error * error) / POSTERIOR_SAMPLES;
    }
    candidate->spread = centered(candidate->values);
}

/* values[s]: the optimum in sample s minus the mean, times sqrt(mean curvature): an error of d
 * octaves costs curvature d^2 nats, for the hidden matrices and for each further LR. */
static void predict_optimum(const struct candidates *candidates, size_t optimum,
                            double values[POSTERIOR_SAMPLES])
{
    size_t cell = optimum / (size_t)candidates->data->coordinate_count;
    int k = (int)(optimum % (size_t)candidates->data->coordinate_count);
    double worth = 0;
    for (int s = 0; s < POSTERIOR_SAMPLES; s++) {
        const struct optimum_sample *at = posterior_optimum(candidates->posterior, s, cell);
        worth += at->curvature[k] / POSTERIOR_SAMPLES;
        values[s] = at->optimum[0] + (k > 0 ? at->optimum[k] : 0);
    }
    centered(values);
    for (int s = 0; s < POSTERIOR_SAMPLES; s++)
        values[s] *= sqrt(worth);
}

/* Eight partial sums, so that they fit into one or two vector registers. */
static double product(const double *a, const double *b)
{
    double sums[8] = {0}, sum = 0;
    for (int s = 0; s < POSTERIOR_SAMPLES; s += 8)
        for (int i = 0; i < 8; i++)
            sums[i] += a[s + i] * b[s + i];
    for (int i = 0; i < 8; i++)
        sum += sums[i];
    return sum / POSTERIOR_SAMPLES;
}

void candidates_condition(struct candidates *candidates, struct candidate *known)
{
    double by[POSTERIOR_SAMPLES], with[(SEARCH_CELLS + 1) * SEARCH_COORDINATES];
    double variance = known->spread, all = variance + known->noise;
    known->known = true;
    if (!(variance > 0))
        return;
    double share = (1 - sqrt(known->noise / all)) / variance;
    memcpy(by, known->values, sizeof(by));
    memcpy(with, known->with, candidates->optima * sizeof(*with));
    for (size_t i = 0; i < candidates->count; i++) {
        struct candidate *candidate = &candidates->all[i];
        double shared = product(candidate->values, by);
        for (int s = 0; s < POSTERIOR_SAMPLES; s++)
            candidate->values[s] -= share * shared * by[s];
        for (size_t a = 0; a < candidates->optima; a++)
            candidate->with[a] -= shared * with[a] / all;
        candidate->spread = fmax(candidate->spread - shared * shared / all, 0);
    }
}

double candidate_gain(const struct candidates *candidates, const struct candidate *candidate)
{
    double sum = 0;
    for (size_t i = 0; i < candidates->optima; i++)
        sum += candidate->with[i] * candidate->with[i];
    return sum / (candidate->spread + candidate->noise);
}

double candidates_pair_gain(const struct candidates *candidates, const struct candidate *a,
                            const struct candidate *b)
{
    double aa = a->spread + a->noise, bb = b->spread + b->noise;
    double ab = product(a->values, b->values), determinant = aa * bb - ab * ab, sum = 0;
    for (size_t i = 0; i < candidates->optima; i++) {
        double u = a->with[i], v = b->with[i];
        sum += u * u * bb - 2 * u * v * ab + v * v * aa;
    }
    return determinant > 0 ? sum / determinant : 0;
}

/* ---- the whole ---- */

static bool weigh(struct candidates *candidates)
{
    double optimum[POSTERIOR_SAMPLES];
    size_t count = candidates->count, optima = candidates->optima;
    candidates->values = lr_calloc(count * POSTERIOR_SAMPLES + 1, sizeof(double));
    candidates->with = lr_calloc(count * optima + 1, sizeof(double));
    if (!candidates->values || !candidates->with)
        return false;
    for (size_t i = 0; i < count && !search_interrupted(candidates->space); i++) {
        candidates->all[i].values = candidates->values + i * POSTERIOR_SAMPLES;
        candidates->all[i].with = candidates->with + i * optima;
        predict(candidates, &candidates->all[i]);
    }
    for (size_t a = 0; a < optima && !search_interrupted(candidates->space); a++) {
        predict_optimum(candidates, a, optimum);
        for (size_t i = 0; i < count; i++)
            candidates->all[i].with[a] = product(candidates->all[i].values, optimum);
    }
    return !search_interrupted(candidates->space); /* otherwise some have no values */
}

bool candidates_fill(struct candidates *candidates, const struct posterior *posterior)
{
    const struct search_space *space = candidates->space;
    size_t most = 0, wanted = posterior->optimum_count - (target_cell(space) >= 0);
    double cost = 0;
    for (size_t c = 0; c < space->cell_count; c++)
        cost += space->cells[c].cost / (double)space->cell_count;
    candidates->unit = cost * (double)space->target_tokens;
    candidates->posterior = posterior;
    candidates->optima = wanted * (size_t)candidates->data->coordinate_count;
    for (size_t b = 0; b < candidates->data->basin_count; b++)
        most += most_of(candidates, b);
    candidates->all = lr_calloc(most + 1, sizeof(*candidates->all));
    for (size_t b = 0; b < candidates->data->basin_count && candidates->all; b++)
        add_basin(candidates, b);
    return candidates->all && weigh(candidates);
}

void candidates_destroy(struct candidates *candidates)
{
    lr_free(candidates->all);
    lr_free(candidates->values);
    lr_free(candidates->with);
}
