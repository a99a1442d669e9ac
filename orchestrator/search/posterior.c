/* Keeps every THIN-th state of the sampler, and draws what the sampler skips: basins without data,
 * and optima at the target's tokens. */
#include "search/posterior.h"

#include <math.h>
#include <stddef.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "search/sampler.h"
#include "search/sampler_basins.h"
#include "search/sampler_law.h"

#define BURN_IN 200 /* sweeps; far more than law and noise need to forget the initial state */
#define THIN 2
#define MANY 64 /* basins with data: from so many on each sweep is kept, since it takes long */

static double draw_curvature(struct sampler *sampler, int k, double t)
{
    double mean = sampler_curvature(sampler, k, t);
    return fmax(mean * (1 + CURVATURE_SPREAD * sampler_normal(sampler)), mean / 10);
}

/* Draws basins without losses or walls here, for kept samples only. */
static void keep_basin(struct sampler *sampler, size_t b, struct basin_sample *sample)
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
    sample->shape = basin->losses > 0 ? state->shape : sampler_new_shape(sampler);
    sample->level = basin->losses > 0 ? basin->bottom + state->level
                                      : LEVEL_DEVIATION * sampler_normal(sampler);
}

/* The optimum at target_tokens of a cell (index >= 0), or of a target that is none of them (-1).
 * `features`: of its law there; `shared`: random effect of an untried horizon of that length. */
static void keep_optimum(struct sampler *sampler, const struct basin_sample *basins,
                         const struct sampler_features features[SEARCH_COORDINATES], int index,
                         double shared, struct optimum_sample *optimum)
{
    const struct cell_data *data = sampler->data;
    const struct search_space *space = &data->space;
    double t = cell_data_t(data, (double)space->target_tokens);
    const struct cell_basin *longest = NULL;
    const struct basin_sample *at = NULL, *nearest = NULL;
    for (size_t h = 0; h < space->horizon_count && index >= 0; h++) {
        size_t b = (size_t)index * space->horizon_count + h;
        if (data->basins[b].losses > 0) {
            longest = &data->basins[b];
            nearest = &basins[b];
        }
        if (space->horizons[h] == space->target_tokens)
            at = &basins[b];
    }
    optimum->shape = at ? at->shape : sampler_new_shape(sampler);
    for (int k = 0; k < data->coordinate_count; k++) {
        double own = k == 0 ? shared : 0;
        if (index < 0)
            own += sampler_effect(sampler, k, EFFECT_CELL) * sampler_normal(sampler) -
                   (k == 0 ? t * CELL_TOKENS * sampler_normal(sampler) : 0);
        optimum->optimum[k] = at ? at->vertex[k] - (k > 0 ? at->vertex[0] : 0)
                                 : sampler_line(sampler, k, &features[k]) + own +
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

/* The random effect that all cells share at target_tokens, of a sample. */
static double draw_shared(struct sampler *sampler)
{
    const struct search_space *space = &sampler->data->space;
    const struct terms *terms = &sampler->data->terms[0];
    for (size_t h = 0; h < space->horizon_count; h++) {
        const struct term *term = term_find(terms, TERM_HORIZON, (uint32_t)h);
        if (term && space->horizons[h] == space->target_tokens)
            return sampler->laws[0].theta[term - terms->term];
    }
    return term_find(terms, TERM_HORIZON, 0)
               ? sampler_effect(sampler, 0, EFFECT_HORIZON) * sampler_normal(sampler)
               : 0;
}

/* [optimum][coordinate]: features of the law of each optimum at target_tokens. NULL: no memory. */
static struct sampler_features *optimum_features(const struct cell_data *data)
{
    size_t cells = data->space.cell_count;
    struct sampler_features *all = lr_calloc((cells + 1) * SEARCH_COORDINATES, sizeof(*all));
    double t = cell_data_t(data, (double)data->space.target_tokens);
    for (size_t c = 0; c <= cells && all; c++)
        for (int k = 0; k < data->coordinate_count; k++)
            all[c * SEARCH_COORDINATES + (size_t)k] = sampler_features_of(
                &data->terms[k], c < cells ? &data->space.cells[c] : &data->space.target,
                c < cells ? (int)c : -1, -1, t);
    return all;
}

static void keep_sample(struct sampler *sampler, const struct sampler_features *features,
                        struct posterior *posterior, size_t s)
{
    const struct cell_data *data = sampler->data;
    const struct search_space *space = &data->space;
    struct sample *sample = &posterior->samples[s];
    struct basin_sample *basins = posterior->basins + s * posterior->basin_count;
    struct optimum_sample *optima = posterior->optima + s * posterior->optimum_count;
    double shared = draw_shared(sampler);
    sample->sigma = basin_sigma(sampler->sigma);
    sample->error = basin_error[sampler->error];
    sample->shared = term_find(&data->terms[0], TERM_HORIZON, 0)
                         ? sampler_effect(sampler, 0, EFFECT_HORIZON)
                         : 0;
    for (int k = 0; k < data->coordinate_count; k++) {
        sample->misfit[k] = sampler_misfit(sampler, k);
        memcpy(sample->theta[k], sampler->laws[k].theta, sizeof(sample->theta[k]));
    }
    for (size_t b = 0; b < data->basin_count; b++)
        keep_basin(sampler, b, &basins[b]);
    for (size_t c = 0; c < space->cell_count; c++)
        keep_optimum(sampler, basins, features + c * SEARCH_COORDINATES, (int)c, shared,
                     &optima[c]);
    int same = target_cell(space);
    if (same >= 0)
        optima[space->cell_count] = optima[same];
    else
        keep_optimum(sampler, basins, features + space->cell_count * SEARCH_COORDINATES, -1, shared,
                     &optima[space->cell_count]);
}

struct posterior *posterior_create(const struct cell_data *data)
{
    struct posterior *posterior = lr_calloc(1, sizeof(*posterior));
    struct sampler *sampler = sampler_create(data);
    struct sampler_features *features = optimum_features(data);
    size_t known = 0;
    bool good = false;
    if (!posterior || !sampler || !features)
        goto out;
    posterior->data = data;
    posterior->basin_count = data->basin_count;
    posterior->optimum_count = data->space.cell_count + 1;
    posterior->basins =
        lr_calloc(POSTERIOR_SAMPLES * posterior->basin_count + 1, sizeof(*posterior->basins));
    posterior->optima =
        lr_calloc(POSTERIOR_SAMPLES * posterior->optimum_count, sizeof(*posterior->optima));
    if (!posterior->basins || !posterior->optima)
        goto out;
    for (size_t b = 0; b < data->basin_count; b++) {
        known += cell_basin_is_known(&data->basins[b]);
        posterior->anything =
            posterior->anything || data->basins[b].losses > 0 || data->basins[b].optimum;
    }
    good = sampler_run(sampler, BURN_IN);
    for (size_t s = 0; good && s < POSTERIOR_SAMPLES; s++) {
        good = sampler_run(sampler, known < MANY ? THIN : 1);
        keep_sample(sampler, features, posterior, s);
    }
out:
    lr_free(features);
    sampler_destroy(sampler);
    if (!good) {
        posterior_destroy(posterior);
        posterior = NULL;
    }
    return posterior;
}

void posterior_destroy(struct posterior *posterior)
{
    if (!posterior)
        return;
    lr_free(posterior->basins);
    lr_free(posterior->optima);
    lr_free(posterior);
}

const struct basin_sample *posterior_basin(const struct posterior *posterior, int sample,
                                           size_t basin)
{
    return &posterior->basins[(size_t)sample * posterior->basin_count + basin];
}

const struct optimum_sample *posterior_optimum(const struct posterior *posterior, int sample,
                                               size_t optimum)
{
    return &posterior->optima[(size_t)sample * posterior->optimum_count + optimum];
}

struct spread posterior_spread(const struct posterior *posterior, size_t basin, size_t offset)
{
    double values[POSTERIOR_SAMPLES];
    for (int s = 0; s < POSTERIOR_SAMPLES; s++)
        memcpy(&values[s], (const char *)posterior_basin(posterior, s, basin) + offset,
               sizeof(values[s]));
    return spread_of(values, POSTERIOR_SAMPLES);
}

void posterior_values(const struct posterior *posterior, int k,
                      const double coefficients[TERMS_MAX], double values[POSTERIOR_SAMPLES])
{
    for (int s = 0; s < POSTERIOR_SAMPLES; s++) {
        values[s] = 0;
        for (size_t i = 0; i < posterior->data->terms[k].count; i++)
            values[s] += coefficients[i] * posterior->samples[s].theta[k][i];
    }
}

struct spread posterior_combine(const struct posterior *posterior, int k,
                                const double coefficients[TERMS_MAX])
{
    double values[POSTERIOR_SAMPLES];
    posterior_values(posterior, k, coefficients, values);
    return spread_of(values, POSTERIOR_SAMPLES);
}

/* ---- the target ---- */

struct spread posterior_optimum_spread(const struct posterior *posterior, size_t optimum, int k)
{
    double values[POSTERIOR_SAMPLES];
    for (int s = 0; s < POSTERIOR_SAMPLES; s++)
        values[s] = posterior_optimum(posterior, s, optimum)->optimum[k];
    return spread_of(values, POSTERIOR_SAMPLES);
}

double posterior_penalty(const struct posterior *posterior, double x, const double *ratios)
{
    const struct cell_data *data = posterior->data;
    double sum = 0;
    for (int s = 0; s < POSTERIOR_SAMPLES; s++) {
        const struct optimum_sample *sample =
            posterior_optimum(posterior, s, data->space.cell_count);
        for (int k = 0; k < (ratios ? data->coordinate_count : 1); k++) {
            double off = x - sample->optimum[0] + (k > 0 ? ratios[k] - sample->optimum[k] : 0);
            sum += sample->curvature[k] *
                   basin_heights_at(data->heights, off, k == 0 ? sample->shape : BASIN_PARABOLA);
        }
    }
    return sum / POSTERIOR_SAMPLES;
}

struct target_error posterior_target_error(const struct posterior *posterior)
{
    struct spread optimum =
        posterior_optimum_spread(posterior, posterior->data->space.cell_count, 0);
    return (struct target_error){
        posterior_penalty(posterior, optimum.mean, NULL), (optimum.ci90[1] - optimum.ci90[0]) / 2,
        fmax(optimum.ci90[1] - optimum.mean, optimum.mean - optimum.ci90[0])};
}

/* ---- brackets ---- */

#define SLACK 0.13   /* octaves: half a step of the finest grid of LRs */
#define NO_SIDE 0.05 /* octaves: a trial so near to the optimum is on neither side of it */

static void add_sides(struct bracket *bracket, double x)
{
    double off = x - bracket->center;
    bracket->below = bracket->below || (off < -NO_SIDE && off >= -BRACKET_REACH - SLACK);
    bracket->above = bracket->above || (off > NO_SIDE && off <= BRACKET_REACH + SLACK);
}

void bracket_add(struct bracket *bracket, double x)
{
    /* an interval may be narrower than the steps of the grid */
    double low = fmin(bracket->low, bracket->center - SLACK);
    double high = fmax(bracket->high, bracket->center + SLACK);
    bracket->inside = bracket->inside || (x >= low && x <= high);
    add_sides(bracket, x);
}

struct bracket bracket_of(const struct posterior *posterior, size_t basin)
{
    const struct cell_basin *of = &posterior->data->basins[basin];
    struct spread vertex =
        posterior_spread(posterior, basin, offsetof(struct basin_sample, vertex));
    struct bracket bracket = {.center = vertex.mean, .low = vertex.ci90[0], .high = vertex.ci90[1]};
    for (size_t i = 0; i < of->losses; i++)
        bracket_add(&bracket, of->points[i].x[0]);
    for (size_t i = of->losses; i < of->losses + of->walls; i++)
        add_sides(&bracket, of->points[i].x[0]);
    return bracket;
}
