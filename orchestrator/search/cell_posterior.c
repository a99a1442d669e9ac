/* Runs the sampler and keeps posterior samples. A sweep goes over the coordinates: shape and noise are drawn,
 * the law is moved with its vertices (cell_law.c), each basin's vertex, curvature and level are
 * drawn (cell_basins.c), then the law. What has no losses is drawn only for the posterior samples that are
 * kept.
 */
#include "search/sampler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "lrsearch/rng.h"

#define BURN_IN 200 /* sweeps; far more than law and noise need to forget where they began */
#define THIN 2
#define NEGLIGIBLE -40.0  /* in log weight */
#define NOTHING_KNOWN 1.0 /* nats: the level of a basin without a loss is anywhere */

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

/* ---- the beginning ---- */

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
    const struct cell_point *best = NULL;
    for (size_t i = 0; i < basin->losses; i++)
        if (!best || basin->points[i].loss < best->loss)
            best = &basin->points[i];
    double x = best ? best->x[k] : state->line[k] + (k > 0 ? state->vertex[0] : 0);
    double place = round((x - grid->low) / grid->step);
    state->known = basin->losses + basin->walls > 0;
    state->place[k] = (int)fmax(0, fmin(place, grid->count - 1));
    state->vertex[k] = grid->low + state->place[k] * grid->step;
    state->curvature[k] = sampler_curvature(sampler, k, basin->t);
}

static bool allocate(struct sampler *sampler)
{
    const struct cell_data *data = sampler->data;
    size_t largest = 0;
    bool good = true;
    sampler->basins = lr_calloc(data->basin_count + 1, sizeof(*sampler->basins));
    for (int k = 0; k < data->coordinate_count; k++) {
        size_t terms = data->terms[k].count;
        sampler->features[k] = lr_calloc(data->basin_count * terms + 1, sizeof(double));
        good = good && sampler->features[k];
        largest = terms > largest ? terms : largest;
    }
    sampler->matrix = lr_calloc(largest * largest + 1, sizeof(double));
    sampler->unexplained = lr_calloc(data->seen_count + 1, sizeof(double));
    return good && sampler->basins && sampler->matrix && sampler->unexplained;
}

static void begin(struct sampler *sampler)
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
        sampler_draw_lines(sampler, k);
        for (size_t b = 0; b < data->basin_count; b++)
            begin_basin(sampler, b, k);
    }
}

static void sweep(struct sampler *sampler)
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

/* False: interrupted. */
static bool sweeps(struct sampler *sampler, int count)
{
    for (int i = 0; i < count; i++) {
        if (search_interrupted(sampler->data->space))
            return false;
        sweep(sampler);
    }
    return true;
}

/* ---- keeping a sample ---- */

static double draw_curvature(struct sampler *sampler, int k, double t)
{
    double mean = sampler_curvature(sampler, k, t);
    return fmax(mean * (1 + CURVATURE_SPREAD * sampler_normal(sampler)), mean / 10);
}

static void keep_basin(struct sampler *sampler, size_t b, struct cell_basin_sample *sample)
{
    const struct cell_basin *basin = &sampler->data->basins[b];
    const struct sampler_basin *state = &sampler->basins[b];
    for (int k = 0; k < sampler->data->coordinate_count; k++) {
        if (state->known) {
            sample->vertex[k] = state->vertex[k];
            sample->curvature[k] = state->curvature[k];
            continue;
        }
        double base = k > 0 ? sample->vertex[0] : 0;
        sample->vertex[k] =
            base + state->line[k] + sampler_misfit(sampler, k) * sampler_normal(sampler);
        sample->curvature[k] = draw_curvature(sampler, k, basin->t);
    }
    sample->level =
        basin->losses > 0 ? basin->bottom + state->level : NOTHING_KNOWN * sampler_normal(sampler);
}

static double line_at(const struct sampler *sampler, int k, const struct search_cell *cell,
                      int index, double t)
{
    const struct terms *terms = &sampler->data->terms[k];
    double sum = 0;
    for (size_t i = 0; i < terms->count; i++)
        sum += sampler->laws[k].theta[i] * term_value(&terms->term[i], cell, index, t);
    return sum;
}

/* A cell (index >= 0), or a target that is none of the cells, at target_tokens. */
static void keep_optimum(struct sampler *sampler, const struct cell_basin_sample *basins,
                         const struct search_cell *cell, int index,
                         struct cell_optimum_sample *optimum)
{
    const struct cell_data *data = sampler->data;
    const struct search_space *space = data->space;
    double t = cell_data_t(data, (double)space->target_tokens);
    const struct cell_basin *longest = NULL;
    const struct cell_basin_sample *at = NULL, *nearest = NULL;
    for (size_t h = 0; h < space->horizon_count && index >= 0; h++) {
        size_t b = (size_t)index * space->horizon_count + h;
        if (data->basins[b].losses > 0) {
            longest = &data->basins[b];
            nearest = &basins[b];
        }
        if (space->horizons[h] == space->target_tokens)
            at = &basins[b];
    }
    for (int k = 0; k < data->coordinate_count; k++) {
        double own = index >= 0 ? 0
                                : sampler_cell_effect(sampler, k) * sampler_normal(sampler) -
                                      (k == 0 ? t * CELL_TOKENS * sampler_normal(sampler) : 0);
        optimum->optimum[k] = at ? at->vertex[k] - (k > 0 ? at->vertex[0] : 0)
                                 : line_at(sampler, k, cell, index, t) + own +
                                       sampler_misfit(sampler, k) * sampler_normal(sampler);
        if (at)
            optimum->curvature[k] = at->curvature[k];
        else if (longest)
            optimum->curvature[k] = nearest->curvature[k] * sampler_curvature(sampler, k, t) /
                                    sampler_curvature(sampler, k, longest->t);
        else
            optimum->curvature[k] = draw_curvature(sampler, k, t);
    }
}

static void keep(struct sampler *sampler, struct cell_posterior *posterior, size_t s)
{
    const struct cell_data *data = sampler->data;
    const struct search_space *space = data->space;
    struct cell_sample *sample = &posterior->samples[s];
    struct cell_basin_sample *basins = posterior->basins + s * posterior->basin_count;
    struct cell_optimum_sample *optima = posterior->optima + s * posterior->optimum_count;
    sample->sigma = basin_sigma(sampler->sigma);
    for (int k = 0; k < data->coordinate_count; k++) {
        sample->asymmetry[k] = basin_asymmetry[sampler->laws[k].asymmetry];
        sample->misfit[k] = sampler_misfit(sampler, k);
        memcpy(sample->theta[k], sampler->laws[k].theta, sizeof(sample->theta[k]));
    }
    for (size_t b = 0; b < data->basin_count; b++)
        keep_basin(sampler, b, &basins[b]);
    for (size_t c = 0; c < space->cell_count; c++)
        keep_optimum(sampler, basins, &space->cells[c], (int)c, &optima[c]);
    int same = target_cell(space);
    if (same >= 0)
        optima[space->cell_count] = optima[same];
    else
        keep_optimum(sampler, basins, &space->target, -1, &optima[space->cell_count]);
}

/* ---- the whole ---- */

struct cell_posterior *cell_posterior_create(const struct cell_data *data)
{
    struct sampler sampler = {.data = data};
    struct cell_posterior *posterior = lr_calloc(1, sizeof(*posterior));
    bool good = posterior && allocate(&sampler);
    if (good) {
        posterior->data = data;
        posterior->basin_count = data->basin_count;
        posterior->optimum_count = data->space->cell_count + 1;
        posterior->basins =
            lr_calloc(CELL_SAMPLES * posterior->basin_count + 1, sizeof(*posterior->basins));
        posterior->optima =
            lr_calloc(CELL_SAMPLES * posterior->optimum_count, sizeof(*posterior->optima));
        good = posterior->basins && posterior->optima;
    }
    if (good) {
        begin(&sampler);
        good = sweeps(&sampler, BURN_IN);
        for (size_t s = 0; good && s < CELL_SAMPLES; s++) {
            good = sweeps(&sampler, THIN);
            keep(&sampler, posterior, s);
        }
    }
    if (!good) {
        cell_posterior_destroy(posterior);
        posterior = NULL;
    }
    lr_free(sampler.basins);
    for (int k = 0; k < SEARCH_COORDINATES; k++)
        lr_free(sampler.features[k]);
    lr_free(sampler.matrix);
    lr_free(sampler.unexplained);
    return posterior;
}

void cell_posterior_destroy(struct cell_posterior *posterior)
{
    if (!posterior)
        return;
    lr_free(posterior->basins);
    lr_free(posterior->optima);
    lr_free(posterior);
}

const struct cell_basin_sample *cell_posterior_basin(const struct cell_posterior *posterior,
                                                     int sample, size_t basin)
{
    return &posterior->basins[(size_t)sample * posterior->basin_count + basin];
}

const struct cell_optimum_sample *cell_posterior_optimum(const struct cell_posterior *posterior,
                                                         int sample, size_t optimum)
{
    return &posterior->optima[(size_t)sample * posterior->optimum_count + optimum];
}

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

struct spread cell_spread(double values[CELL_SAMPLES])
{
    struct spread spread = {0};
    for (int s = 0; s < CELL_SAMPLES; s++)
        spread.mean += values[s] / CELL_SAMPLES;
    for (int s = 0; s < CELL_SAMPLES; s++)
        spread.deviation += (values[s] - spread.mean) * (values[s] - spread.mean);
    spread.deviation = sqrt(spread.deviation / (CELL_SAMPLES - 1));
    qsort(values, CELL_SAMPLES, sizeof(*values), by_value);
    spread.ci90[0] = values[CELL_SAMPLES / 20];
    spread.ci90[1] = values[CELL_SAMPLES - 1 - CELL_SAMPLES / 20];
    return spread;
}
