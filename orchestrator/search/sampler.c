/* Gibbs sampler. For each coordinate a sweep draws noise and shape, moves the law together with the
 * vertices (sampler_law.c), draws each basin's vertex, curvature and level (sampler_basins.c), then
 * the law given the vertices. Basins without losses or walls are skipped. */
#include "search/sampler.h"

#include <assert.h>
#include <math.h>
#include "lrsearch/memory.h"
#include "lrsearch/rng.h"
#include "search/sampler_basins.h"
#include "search/sampler_law.h"

#define NEGLIGIBLE (-40.0) /* log weight below the largest that counts as 0 */

double sampler_uniform(struct sampler *sampler)
{
    return rng_uniform(sampler->data->space->seed, RNG_CELLS, sampler->draws++);
}

double sampler_normal(struct sampler *sampler)
{
    return rng_normal(sampler->data->space->seed, RNG_CELLS, sampler->draws++);
}

int sampler_pick(struct sampler *sampler, double *log_weights, int count)
{
    double largest = -INFINITY, total = 0;
    assert(count > 0);
    for (int i = 0; i < count; i++)
        largest = log_weights[i] > largest ? log_weights[i] : largest;
    for (int i = 0; i < count; i++) {
        double below = log_weights[i] - largest;
        total += log_weights[i] = below > NEGLIGIBLE ? exp(below) : 0;
    }
    double share = sampler_uniform(sampler) * total;
    int last = 0;
    for (int i = 0; i < count; i++) {
        if (!(log_weights[i] > 0))
            continue;
        last = i;
        if (share < log_weights[i])
            break;
        share -= log_weights[i];
    }
    return last;
}

/* ---- initial state: vertices at the lowest losses, the law at its prior means ---- */

static void begin_law(struct sampler *sampler, int k)
{
    struct sampler_law *law = &sampler->laws[k];
    for (size_t i = 0; i < TERMS_MAX; i++)
        law->stretch[i] = 1;
    law->curvature = SAMPLER_CURVATURES / 2 - 1;
    law->misfit = law->effect = 1;
    for (size_t i = 0; i < sampler->data->terms[k].count; i++)
        law->theta[i] = sampler->data->terms[k].term[i].mean;
}

static void begin_basin(struct sampler *sampler, size_t b, int k)
{
    const struct cell_basin *basin = &sampler->data->basins[b];
    const struct vertex_grid *grid = &sampler->data->grids[k];
    struct sampler_basin *state = &sampler->basins[b];
    const struct cell_point *best = cell_basin_best(basin);
    double x = best ? best->x[k] : state->line[k] + (k > 0 ? state->vertex[0] : 0);
    state->known = basin->losses + basin->walls > 0;
    state->place[k] = vertex_grid_nearest(grid, x);
    state->vertex[k] = vertex_grid_x(grid, state->place[k]);
    state->curvature[k] = sampler_curvature(sampler, k, basin->t);
}

static void begin_chain(struct sampler *sampler)
{
    const struct cell_data *data = sampler->data;
    sampler->sigma = BASIN_SIGMAS / 2 - 1;
    for (int k = 0; k < data->coordinate_count; k++) {
        const struct terms *terms = &data->terms[k];
        double *feature = sampler->features[k];
        for (size_t b = 0; b < data->basin_count; b++)
            for (size_t i = 0; i < terms->count; i++) {
                uint32_t cell = data->basins[b].cell;
                *feature++ = term_value(&terms->term[i], &data->space->cells[cell], (int)cell,
                                        data->basins[b].t);
            }
        begin_law(sampler, k);
        sampler_set_lines(sampler, k);
        for (size_t b = 0; b < data->basin_count; b++)
            begin_basin(sampler, b, k);
    }
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
        sampler->features[k] = lr_calloc(data->basin_count * terms + 1, sizeof(double));
        good = good && sampler->features[k];
        largest = terms > largest ? terms : largest;
    }
    sampler->matrix = lr_calloc(largest * largest + 1, sizeof(double));
    sampler->unexplained = lr_calloc(data->seen_count + 1, sizeof(double));
    if (!good || !sampler->matrix || !sampler->unexplained) {
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
    for (int k = 0; k < SEARCH_COORDINATES; k++)
        lr_free(sampler->features[k]);
    lr_free(sampler->matrix);
    lr_free(sampler->unexplained);
    lr_free(sampler);
}

static void sweep_once(struct sampler *sampler)
{
    for (int k = 0; k < sampler->data->coordinate_count; k++) {
        sampler_turn_to(sampler, k);
        sampler_draw_shape(sampler, k);
        sampler_weigh(sampler, k);
        sampler_shift_law(sampler, k);
        sampler_draw_basins(sampler, k);
        sampler_draw_law(sampler, k);
    }
}

bool sampler_run(struct sampler *sampler, int sweeps)
{
    for (int i = 0; i < sweeps; i++) {
        if (search_interrupted(sampler->data->space))
            return false;
        sweep_once(sampler);
    }
    return true;
}
