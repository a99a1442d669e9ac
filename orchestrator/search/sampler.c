/* Gibbs sampler. For each coordinate a sweep draws one of noise, model error, shapes, curvature and
 * drift, and the law's level, with the vertices integrated out (sampler_basins.c); then the
 * vertices; moves the law together with them (sampler_law.c); draws each basin's vertex, curvature
 * and level; then the law given the vertices. Basins that nothing is known of are skipped.
 *
 * The vertices must be drawn right after what was drawn without them: a move that uses those of the
 * sweep before would change the distribution (van Dyk and Park 2008, partially collapsed Gibbs
 * samplers). */
#include "search/sampler.h"

#include <assert.h>
#include <math.h>
#include "lrsearch/memory.h"
#include "lrsearch/rng.h"
#include "search/fast_math.h"
#include "search/sampler_basins.h"
#include "search/sampler_law.h"

/* With more basins the rows of all nodes in use fit into no cache, and those of other nodes than
 * the basin's own are only computed where its vertex may lie. */
#define KEPT_BASINS 32
#define ROWS_MOST 24576 /* of 2 KB */
#define ROWS_A_BASIN 1024

double sampler_uniform(struct sampler *sampler)
{
    return rng_uniform(sampler->data->space.seed, RNG_CELLS, sampler->draws++);
}

double sampler_normal(struct sampler *sampler)
{
    return rng_normal(sampler->data->space.seed, RNG_CELLS, sampler->draws++);
}

int sampler_pick_weighted(struct sampler *sampler, const double *weights, int count)
{
    double total = 0;
    int last = -1;
    for (int i = 0; i < count; i++)
        total += weights[i];
    double share = sampler_uniform(sampler) * total;
    for (int i = 0; i < count; i++) {
        if (!(weights[i] > 0))
            continue;
        last = i;
        if (share < weights[i])
            break;
        share -= weights[i];
    }
    return last;
}

int sampler_pick(struct sampler *sampler, double *log_weights, int count)
{
    double largest = -INFINITY;
    assert(count > 0);
    for (int i = 0; i < count; i++)
        largest = log_weights[i] > largest ? log_weights[i] : largest;
    for (int i = 0; i < count; i++)
        log_weights[i] -= largest;
    fast_exp(log_weights, count);
    int picked = sampler_pick_weighted(sampler, log_weights, count);
    return picked < 0 ? 0 : picked; /* no weight is a number above -infinity */
}

/* ---- initial state: vertices at the lowest losses, the law at its prior means ---- */

static void begin_law(struct sampler *sampler, int k)
{
    struct sampler_law *law = &sampler->laws[k];
    for (size_t i = 0; i < TERMS_MAX; i++)
        law->stretch[i] = 1;
    law->shape = BASIN_PARABOLA;
    law->curvature = BASIN_CURVATURES / 2 - 1;
    law->drift = 1;
    law->misfit = 1;
    for (int e = 0; e < EFFECT_COUNT; e++)
        law->effect[e] = 1;
    for (size_t i = 0; i < sampler->data->terms[k].count; i++)
        law->theta[i] = sampler->data->terms[k].term[i].mean;
}

static void begin_basin(struct sampler *sampler, size_t b, int k)
{
    const struct cell_basin *basin = &sampler->data->basins[b];
    const struct vertex_grid *grid = &sampler->data->grids[k];
    struct sampler_basin *state = &sampler->basins[b];
    const struct cell_point *best = cell_basin_best(basin);
    double x = best             ? best->x[k]
               : basin->optimum ? log2(basin->optimum->lr)
                                : state->line[k] + (k > 0 ? state->vertex[0] : 0);
    state->known = cell_basin_is_known(basin);
    state->shape = BASIN_PARABOLA;
    state->place[k] = vertex_grid_nearest(grid, x);
    state->vertex[k] = vertex_grid_x(grid, state->place[k]);
    state->curvature[k] = sampler_curvature(sampler, k, basin->t);
}

struct sampler_features sampler_features_of(const struct terms *terms,
                                            const struct search_cell *cell, int index, int horizon,
                                            double t)
{
    struct sampler_features features = {.count = 0};
    for (size_t i = 0; i < terms->count; i++) {
        double value = term_value(&terms->term[i], cell, index, horizon, t);
        if (!(fabs(value) > 0))
            continue;
        assert(features.count < SAMPLER_FEATURES);
        features.of[features.count].term = (int)i;
        features.of[features.count++].value = value;
    }
    return features;
}

double sampler_line(const struct sampler *sampler, int k, const struct sampler_features *features)
{
    double sum = 0;
    for (int i = 0; i < features->count; i++)
        sum += features->of[i].value * sampler->laws[k].theta[features->of[i].term];
    return sum;
}

static void begin_features(struct sampler *sampler, int k)
{
    const struct cell_data *data = sampler->data;
    for (size_t b = 0; b < data->basin_count; b++) {
        const struct cell_basin *basin = &data->basins[b];
        struct sampler_features *features = &sampler->features[k][b];
        *features = sampler_features_of(&data->terms[k], &data->space.cells[basin->cell],
                                        (int)basin->cell, (int)basin->horizon, basin->t);
    }
}

/* Sorts the features of the known basins by term. */
static void begin_columns(struct sampler *sampler, int k)
{
    const struct cell_data *data = sampler->data;
    struct sampler_entry *entries = sampler->entries[k];
    struct sampler_column *columns = sampler->columns[k];
    size_t first = 0;
    for (size_t b = 0; b < data->basin_count; b++)
        for (int i = 0; i < sampler->features[k][b].count; i++)
            columns[sampler->features[k][b].of[i].term].end +=
                cell_basin_is_known(&data->basins[b]);
    for (size_t i = 0; i < data->terms[k].count; i++) {
        size_t count = columns[i].end;
        columns[i].first = columns[i].end = first;
        first += count;
    }
    for (size_t b = 0; b < data->basin_count; b++) {
        const struct sampler_features *features = &sampler->features[k][b];
        for (int i = 0; i < features->count && cell_basin_is_known(&data->basins[b]); i++) {
            struct sampler_column *column = &columns[features->of[i].term];
            entries[column->end++] = (struct sampler_entry){(uint32_t)b, features->of[i].value};
            column->reach = fmax(column->reach, fabs(features->of[i].value));
        }
    }
}

static void begin_chain(struct sampler *sampler)
{
    const struct cell_data *data = sampler->data;
    sampler->sigma = BASIN_SIGMAS / 2 - 1;
    sampler->error = 1;
    for (int k = 0; k < data->coordinate_count; k++) {
        begin_features(sampler, k);
        begin_columns(sampler, k);
        begin_law(sampler, k);
        sampler_set_lines(sampler, k);
        for (size_t b = 0; b < data->basin_count; b++)
            begin_basin(sampler, b, k);
    }
}

static bool make_rows(struct sampler *sampler)
{
    size_t basins = sampler->data->basin_count, wanted = basins;
    if (sampler->data->coordinate_count == 1 && basins <= KEPT_BASINS) {
        wanted = basins * ROWS_A_BASIN < ROWS_MOST ? basins * ROWS_A_BASIN : ROWS_MOST;
        sampler->row_index = lr_calloc(basins * SAMPLER_NODES + 1, sizeof(*sampler->row_index));
        if (!sampler->row_index)
            return false;
    }
    sampler->row_capacity = (uint32_t)wanted;
    sampler->rows = lr_malloc((wanted + 1) * sizeof(*sampler->rows));
    return sampler->rows;
}

struct sampler *sampler_create(const struct cell_data *data)
{
    struct sampler *sampler = lr_calloc(1, sizeof(*sampler));
    size_t largest = 0;
    if (!sampler)
        return NULL;
    sampler->data = data;
    sampler->basins = lr_calloc(data->basin_count + 1, sizeof(*sampler->basins));
    bool good = sampler->basins;
    for (int k = 0; k < data->coordinate_count; k++) {
        size_t terms = data->terms[k].count;
        sampler->features[k] = lr_calloc(data->basin_count + 1, sizeof(*sampler->features[k]));
        sampler->entries[k] =
            lr_calloc(data->basin_count * SAMPLER_FEATURES + 1, sizeof(*sampler->entries[k]));
        sampler->columns[k] = lr_calloc(terms + 1, sizeof(*sampler->columns[k]));
        good = good && sampler->features[k] && sampler->entries[k] && sampler->columns[k];
        largest = terms > largest ? terms : largest;
    }
    sampler->matrix = lr_calloc(largest * largest + 1, sizeof(double));
    sampler->unexplained = lr_calloc(data->seen_count + 1, sizeof(double));
    if (!good || !sampler->matrix || !sampler->unexplained || !make_rows(sampler)) {
        sampler_destroy(sampler);
        return NULL;
    }
    begin_chain(sampler);
    return sampler;
}

void sampler_destroy(struct sampler *sampler)
{
    if (!sampler)
        return;
    lr_free(sampler->basins);
    for (int k = 0; k < SEARCH_COORDINATES; k++) {
        lr_free(sampler->features[k]);
        lr_free(sampler->entries[k]);
        lr_free(sampler->columns[k]);
    }
    lr_free(sampler->matrix);
    lr_free(sampler->unexplained);
    lr_free(sampler->row_index);
    lr_free(sampler->rows);
    lr_free(sampler);
}

static void sweep_once(struct sampler *sampler)
{
    for (int k = 0; k < sampler->data->coordinate_count; k++) {
        sampler_turn_to(sampler, k);
        sampler_draw_shapes(sampler, k);
        sampler_weigh(sampler, k);
        sampler_jump_level(sampler);
        sampler_draw_vertices(sampler, k);
        sampler_shift_law(sampler, k);
        sampler_draw_basins(sampler, k);
        sampler_draw_law(sampler, k);
    }
    sampler->sweeps++;
}

bool sampler_run(struct sampler *sampler, int sweeps)
{
    for (int i = 0; i < sweeps; i++) {
        if (search_interrupted(&sampler->data->space))
            return false;
        sweep_once(sampler);
    }
    return true;
}
