/* The law's part of the sampler. Drawn given the vertices alone, the law would move by about a
 * misfit a sweep, while few losses leave it uncertain by octaves. So it is also moved together with
 * all vertices, whose distances from it stay (Yu and Meng 2011: ancillary and sufficient steps in
 * turn). */
#include "search/sampler_law.h"

#include <math.h>
#include <string.h>
#include "search/numerics.h"

/* A ratio's basin is wider; its misfits are larger by this factor. */
#define RATIO_MISFIT 1.5
/* Possible standard deviations of a random effect, octaves, and their prior. */
static const double effect_sizes[EFFECT_COUNT][SAMPLER_SCALES] = {
    [EFFECT_CELL] = {0.05, 0.12, 0.25, 0.5}, [EFFECT_HORIZON] = {0.03, 0.1, 0.2, 0.4}};
static const double effect_prior[EFFECT_COUNT][SAMPLER_SCALES] = {
    [EFFECT_CELL] = {0.25, 0.35, 0.28, 0.12}, [EFFECT_HORIZON] = {0.25, 0.35, 0.3, 0.1}};
static const double steps[] = {0.08, 0.4}; /* standard deviations of the moves, octaves */
#define STEPS (sizeof(steps) / sizeof(steps[0]))

static double misfit_at(const struct sampler *sampler, int k, int index)
{
    return basin_misfit[index] * (sampler->data->coordinates[k] > 0 ? RATIO_MISFIT : 1);
}

double sampler_misfit(const struct sampler *sampler, int k)
{
    return misfit_at(sampler, k, sampler->laws[k].misfit);
}

double sampler_effect(const struct sampler *sampler, int k, enum effect effect)
{
    return effect_sizes[effect][sampler->laws[k].effect[effect]];
}

/* The random effect whose size scales the term; EFFECT_COUNT: none. */
static enum effect effect_of(const struct term *term)
{
    return term->kind == TERM_CELL      ? EFFECT_CELL
           : term->kind == TERM_HORIZON ? EFFECT_HORIZON
                                        : EFFECT_COUNT;
}

static bool has_effect(const struct sampler *sampler, int k, enum effect effect)
{
    const struct terms *terms = &sampler->data->terms[k];
    for (size_t i = 0; i < terms->count; i++)
        if (effect_of(&terms->term[i]) == effect)
            return true;
    return false;
}

void sampler_set_lines(struct sampler *sampler, int k)
{
    for (size_t b = 0; b < sampler->data->basin_count; b++)
        sampler->basins[b].line[k] = sampler_line(sampler, k, &sampler->features[k][b]);
}

double sampler_term_deviation(const struct sampler *sampler, int k, size_t index)
{
    const struct term *term = &sampler->data->terms[k].term[index];
    enum effect effect = effect_of(term);
    if (effect != EFFECT_COUNT)
        return term->deviation * sampler_effect(sampler, k, effect);
    return term->deviation * (term->heavy ? sqrt(sampler->laws[k].stretch[index]) : 1);
}

/* The quantity that the law describes: the LR's vertex, or log2 of the ratio. */
static double subject(const struct sampler_basin *basin, int k)
{
    return basin->vertex[k] - (k > 0 ? basin->vertex[0] : 0);
}

/* ---- moves of the law together with the vertices ---- */

/* Log likelihood of the coordinate at `x`, linear between two vertices of the grid; -infinity
 * outside. */
static double likelihood(const struct sampler *sampler, size_t b, int k, double x)
{
    const struct vertex_grid *grid = &sampler->data->grids[k];
    double place = (x - grid->low) / grid->step, last = grid->count - 1;
    if (!(place >= -0.5 && place <= last + 0.5)) /* a vertex is up to half a step off its place */
        return -INFINITY;
    place = place < 0 ? 0 : place > last ? last : place;
    int below = place < last ? (int)place : grid->count - 2;
    double share = place - below;
    const double *log_of = sampler->basins[b].row->log_of;
    return log_of[below] * (1 - share) + log_of[below + 1] * share;
}

/* Log likelihood of the vertex moved by `by` octaves: of the losses and, for the LR, of the ratios,
 * which are differences from its vertex. */
static double support(const struct sampler *sampler, size_t b, int k, double by)
{
    const struct sampler_basin *basin = &sampler->basins[b];
    double sum = likelihood(sampler, b, k, basin->vertex[k] + by);
    for (int j = 1; j < sampler->data->coordinate_count && k == 0; j++) {
        double z = (subject(basin, j) - by - basin->line[j]) / sampler_misfit(sampler, j);
        sum -= z * z / 2;
    }
    return sum;
}

static void move_vertex(struct sampler *sampler, size_t b, int k, double by)
{
    const struct vertex_grid *grid = &sampler->data->grids[k];
    struct sampler_basin *basin = &sampler->basins[b];
    basin->vertex[k] += by;
    basin->place[k] = vertex_grid_nearest(grid, basin->vertex[k]);
}

static double log_prior(const struct sampler *sampler, int k, size_t term, double value)
{
    double z = (value - sampler->data->terms[k].term[term].mean) /
               sampler_term_deviation(sampler, k, term);
    return -z * z / 2;
}

static void shift_term(struct sampler *sampler, int k, size_t term, double step)
{
    const struct sampler_column *column = &sampler->columns[k][term];
    const struct sampler_entry *entries = sampler->entries[k];
    double *theta = &sampler->laws[k].theta[term];
    double by = step / fmax(column->reach, 0.1) * sampler_normal(sampler),
           luck = log(sampler_uniform(sampler));
    double gain = log_prior(sampler, k, term, *theta + by) - log_prior(sampler, k, term, *theta);
    for (size_t i = column->first; i < column->end; i++) {
        struct sampler_basin *basin = &sampler->basins[entries[i].basin];
        basin->moved = support(sampler, entries[i].basin, k, by * entries[i].value);
        gain += basin->moved - basin->support;
    }
    if (!(luck < gain)) /* rejects NaN too */
        return;
    *theta += by;
    for (size_t i = column->first; i < column->end; i++) {
        struct sampler_basin *basin = &sampler->basins[entries[i].basin];
        move_vertex(sampler, entries[i].basin, k, by * entries[i].value);
        basin->line[k] += by * entries[i].value;
        basin->support = basin->moved;
    }
}

/* Draws one of SAMPLER_SCALES sizes and moves each vertex so that its basin's `off` scales with
 * it. */
static int draw_size(struct sampler *sampler, int k, const double *sizes, const double *prior,
                     int now)
{
    double weights[SAMPLER_SCALES];
    for (int m = 0; m < SAMPLER_SCALES; m++) {
        weights[m] = log(prior[m]);
        double growth = sizes[m] / sizes[now] - 1;
        for (size_t b = 0; b < sampler->data->basin_count; b++)
            if (sampler->basins[b].known)
                weights[m] += m == now ? sampler->basins[b].support
                                       : support(sampler, b, k, sampler->basins[b].off * growth);
    }
    int drawn = sampler_pick(sampler, weights, SAMPLER_SCALES);
    for (size_t b = 0; b < sampler->data->basin_count && drawn != now; b++) {
        if (!sampler->basins[b].known)
            continue;
        move_vertex(sampler, b, k, sampler->basins[b].off * (sizes[drawn] / sizes[now] - 1));
        sampler->basins[b].support = support(sampler, b, k, 0);
    }
    return drawn;
}

/* Draws the size of the misfits, each basin's residual scaling with it. */
static void rescale_misfits(struct sampler *sampler, int k)
{
    for (size_t b = 0; b < sampler->data->basin_count; b++)
        sampler->basins[b].off = subject(&sampler->basins[b], k) - sampler->basins[b].line[k];
    sampler->laws[k].misfit =
        draw_size(sampler, k, basin_misfit, basin_misfit_prior, sampler->laws[k].misfit);
}

/* The same for random effects: with many of them, draw_effect_size() hardly moves their size. */
static void rescale_effects(struct sampler *sampler, int k, enum effect effect)
{
    const struct terms *terms = &sampler->data->terms[k];
    struct sampler_law *law = &sampler->laws[k];
    int now = law->effect[effect];
    for (size_t b = 0; b < sampler->data->basin_count; b++) {
        const struct sampler_features *features = &sampler->features[k][b];
        sampler->basins[b].off = 0;
        for (int i = 0; i < features->count; i++)
            if (effect_of(&terms->term[features->of[i].term]) == effect)
                sampler->basins[b].off += features->of[i].value * law->theta[features->of[i].term];
    }
    law->effect[effect] = draw_size(sampler, k, effect_sizes[effect], effect_prior[effect], now);
    double growth = effect_sizes[effect][law->effect[effect]] / effect_sizes[effect][now];
    for (size_t b = 0; b < sampler->data->basin_count; b++)
        sampler->basins[b].line[k] += sampler->basins[b].off * (growth - 1);
    for (size_t i = 0; i < terms->count; i++)
        law->theta[i] *= effect_of(&terms->term[i]) == effect ? growth : 1;
}

void sampler_shift_law(struct sampler *sampler, int k)
{
    for (size_t b = 0; b < sampler->data->basin_count; b++)
        if (sampler->basins[b].known)
            sampler->basins[b].support = support(sampler, b, k, 0);
    for (size_t s = 0; s < STEPS; s++)
        for (size_t i = 0; i < sampler->data->terms[k].count; i++)
            shift_term(sampler, k, i, steps[s]);
    rescale_misfits(sampler, k);
    for (int e = 0; e < EFFECT_COUNT; e++)
        if (has_effect(sampler, k, (enum effect)e))
            rescale_effects(sampler, k, (enum effect)e);
}

/* ---- the law from the vertices ---- */

static void regress(struct sampler *sampler, int k)
{
    const struct terms *terms = &sampler->data->terms[k];
    size_t n = terms->count;
    double *a = sampler->matrix, right[TERMS_MAX], weight = pow(sampler_misfit(sampler, k), -2);
    memset(a, 0, n * n * sizeof(*a));
    for (size_t i = 0; i < n; i++) {
        a[i * n + i] = pow(sampler_term_deviation(sampler, k, i), -2);
        right[i] = a[i * n + i] * terms->term[i].mean;
    }
    for (size_t b = 0; b < sampler->data->basin_count; b++) {
        const struct sampler_features *features = &sampler->features[k][b];
        double z = subject(&sampler->basins[b], k);
        for (int i = 0; i < features->count && sampler->basins[b].known; i++) {
            size_t row = (size_t)features->of[i].term;
            double weighted = weight * features->of[i].value;
            right[row] += weighted * z;
            for (int j = 0; j <= i; j++) /* terms ascend */
                a[row * n + (size_t)features->of[j].term] += weighted * features->of[j].value;
        }
    }
    if (!cholesky(a, n))
        return; /* only by overflow: the priors are proper */
    double noise[TERMS_MAX];
    for (size_t i = 0; i < n; i++)
        noise[i] = sampler_normal(sampler);
    cholesky_solve(a, right, n);
    cholesky_solve_upper(a, noise, n);
    for (size_t i = 0; i < n; i++)
        sampler->laws[k].theta[i] = right[i] + noise[i];
    sampler_set_lines(sampler, k);
}

static void draw_misfit(struct sampler *sampler, int k)
{
    double weights[SAMPLER_SCALES];
    for (int m = 0; m < SAMPLER_SCALES; m++) {
        double size = misfit_at(sampler, k, m), log_size = log(size);
        weights[m] = log(basin_misfit_prior[m]);
        for (size_t b = 0; b < sampler->data->basin_count; b++) {
            double z = (subject(&sampler->basins[b], k) - sampler->basins[b].line[k]) / size;
            if (sampler->basins[b].known)
                weights[m] -= z * z / 2 + log_size;
        }
    }
    sampler->laws[k].misfit = sampler_pick(sampler, weights, SAMPLER_SCALES);
}

static void draw_effect_size(struct sampler *sampler, int k, enum effect effect)
{
    const struct terms *terms = &sampler->data->terms[k];
    double weights[SAMPLER_SCALES];
    for (int o = 0; o < SAMPLER_SCALES; o++) {
        double size = effect_sizes[effect][o], log_size = log(size);
        weights[o] = log(effect_prior[effect][o]);
        for (size_t i = 0; i < terms->count; i++) {
            double z = sampler->laws[k].theta[i] / size;
            if (effect_of(&terms->term[i]) == effect)
                weights[o] -= z * z / 2 + log_size;
        }
    }
    sampler->laws[k].effect[effect] = sampler_pick(sampler, weights, SAMPLER_SCALES);
}

/* Student as a normal with inverse gamma variance: with 3 degrees of freedom and one value z, the
 * factor on the variance is (3 + z^2) over a chi square with 4. */
static void draw_stretch(struct sampler *sampler, int k)
{
    const struct terms *terms = &sampler->data->terms[k];
    for (size_t i = 0; i < terms->count; i++) {
        const struct term *term = &terms->term[i];
        if (!term->heavy)
            continue;
        double z = (sampler->laws[k].theta[i] - term->mean) / term->deviation;
        double chi_square =
            -2 * log1p(-sampler_uniform(sampler)) - 2 * log1p(-sampler_uniform(sampler));
        sampler->laws[k].stretch[i] = (3 + z * z) / fmax(chi_square, 1e-9);
    }
}

void sampler_draw_law(struct sampler *sampler, int k)
{
    regress(sampler, k);
    draw_misfit(sampler, k);
    for (int e = 0; e < EFFECT_COUNT; e++)
        if (has_effect(sampler, k, (enum effect)e))
            draw_effect_size(sampler, k, (enum effect)e);
    draw_stretch(sampler, k);
}
