/* The law of the sampler. Drawn from the vertices alone it would move by a misfit at a time, while
 * few losses leave it open by octaves: so the law is also moved together with all vertices, whose
 * distances from it stay (Yu and Meng 2011: ancillary and sufficient steps in turn). */
#include "search/sampler.h"

#include <math.h>
#include <string.h>
#include "search/cholesky.h"

/* As in posterior.c; of a ratio, whose basin is wider, twice that. */
static const double misfits[CHAIN_SCALES] = {0.12, 0.22, 0.4, 0.7};
static const double misfit_prior[CHAIN_SCALES] = {0.3, 0.4, 0.22, 0.08};
#define RATIO_MISFIT 1.5
/* What a cell is off the law over the axes at all its horizons alike, octaves. */
static const double owns[CHAIN_SCALES] = {0.05, 0.12, 0.25, 0.5};
static const double own_prior[CHAIN_SCALES] = {0.25, 0.35, 0.28, 0.12};
static const double steps[] = {0.08, 0.4}; /* octaves that the vertices are moved by */
#define STEPS (sizeof(steps) / sizeof(steps[0]))

static double misfit_at(const struct chain *chain, int k, int index)
{
    return misfits[index] * (chain->scene->coordinates[k] > 0 ? RATIO_MISFIT : 1);
}

double chain_misfit(const struct chain *chain, int k)
{
    return misfit_at(chain, k, chain->laws[k].misfit);
}

double chain_own(const struct chain *chain, int k)
{
    return owns[chain->laws[k].own];
}

static const double *features_of(const struct chain *chain, int k, size_t b)
{
    return chain->features[k] + b * chain->scene->terms[k].count;
}

void chain_draw_lines(struct chain *chain, int k)
{
    for (size_t b = 0; b < chain->scene->basin_count; b++) {
        const double *features = features_of(chain, k, b);
        double *line = &chain->basins[b].line[k];
        *line = 0;
        for (size_t i = 0; i < chain->scene->terms[k].count; i++)
            *line += features[i] * chain->laws[k].theta[i];
    }
}

double chain_term_deviation(const struct chain *chain, int k, size_t index)
{
    const struct term *term = &chain->scene->terms[k].term[index];
    if (term->kind == TERM_CELL)
        return term->deviation * chain_own(chain, k);
    return term->deviation * (term->heavy ? sqrt(chain->laws[k].stretch[index]) : 1);
}

/* What the law is about: the LR's vertex, or the ratio. */
static double subject(const struct chain_basin *basin, int k)
{
    return basin->vertex[k] - (k > 0 ? basin->vertex[0] : 0);
}

/* ---- moves of the law together with the vertices ---- */

/* Log likelihood of the coordinate at `x`, between two vertices of the grid. */
static double likelihood(const struct chain *chain, size_t b, int k, double x)
{
    const struct vertex_grid *grid = &chain->scene->grids[k];
    double place = (x - grid->low) / grid->step, last = grid->count - 1;
    if (!(place >= -0.5 &&
          place <= last + 0.5)) /* a vertex lies up to half a step beside its place */
        return -INFINITY;
    place = place < 0 ? 0 : place > last ? last : place;
    int below = place < last ? (int)place : grid->count - 2;
    double share = place - below;
    const double *log_of = chain->basins[b].log_of;
    return log_of[below] * (1 - share) + log_of[below + 1] * share;
}

/* Of the vertex moved by `by`: the losses, and the ratios that hang on the LR. */
static double support(const struct chain *chain, size_t b, int k, double by)
{
    const struct chain_basin *basin = &chain->basins[b];
    double sum = likelihood(chain, b, k, basin->vertex[k] + by);
    for (int j = 1; j < chain->scene->coordinate_count && k == 0; j++) {
        double z = (subject(basin, j) - by - basin->line[j]) / chain_misfit(chain, j);
        sum -= z * z / 2;
    }
    return sum;
}

static void move_vertex(struct chain *chain, size_t b, int k, double by)
{
    const struct vertex_grid *grid = &chain->scene->grids[k];
    struct chain_basin *basin = &chain->basins[b];
    basin->vertex[k] += by;
    double place = round((basin->vertex[k] - grid->low) / grid->step);
    basin->place[k] = (int)fmax(0, fmin(place, grid->count - 1));
}

static double log_prior(const struct chain *chain, int k, size_t term, double value)
{
    double z =
        (value - chain->scene->terms[k].term[term].mean) / chain_term_deviation(chain, k, term);
    return -z * z / 2;
}

static void shift_term(struct chain *chain, int k, size_t term, double step)
{
    double *theta = &chain->laws[k].theta[term], most = 0;
    for (size_t b = 0; b < chain->scene->basin_count; b++)
        if (chain->basins[b].known)
            most = fmax(most, fabs(features_of(chain, k, b)[term]));
    double by = step / fmax(most, 0.1) * chain_normal(chain), luck = log(chain_uniform(chain));
    double gain = log_prior(chain, k, term, *theta + by) - log_prior(chain, k, term, *theta);
    for (size_t b = 0; b < chain->scene->basin_count; b++) {
        struct chain_basin *basin = &chain->basins[b];
        basin->off = basin->known ? by * features_of(chain, k, b)[term] : 0;
        if (!(fabs(basin->off) > 0))
            continue;
        basin->moved = support(chain, b, k, basin->off);
        gain += basin->moved - basin->support;
    }
    if (!(luck < gain)) /* NaN too */
        return;
    *theta += by;
    for (size_t b = 0; b < chain->scene->basin_count; b++) {
        struct chain_basin *basin = &chain->basins[b];
        if (!(fabs(basin->off) > 0))
            continue;
        move_vertex(chain, b, k, basin->off);
        basin->line[k] += basin->off;
        basin->support = basin->moved;
    }
}

/* Draws one of several sizes, which each basin's `off` grows in proportion to. */
static int draw_size(struct chain *chain, int k, const double *sizes, const double *prior, int now)
{
    double weights[CHAIN_SCALES];
    for (int m = 0; m < CHAIN_SCALES; m++) {
        weights[m] = log(prior[m]);
        for (size_t b = 0; b < chain->scene->basin_count; b++)
            if (chain->basins[b].known)
                weights[m] +=
                    support(chain, b, k, chain->basins[b].off * (sizes[m] / sizes[now] - 1));
    }
    int drawn = chain_pick(chain, weights, CHAIN_SCALES);
    for (size_t b = 0; b < chain->scene->basin_count && drawn != now; b++) {
        if (!chain->basins[b].known)
            continue;
        move_vertex(chain, b, k, chain->basins[b].off * (sizes[drawn] / sizes[now] - 1));
        chain->basins[b].support = support(chain, b, k, 0);
    }
    return drawn;
}

/* Another size of the misfits, with each basin as many of them away from the law. */
static void rescale_misfits(struct chain *chain, int k)
{
    for (size_t b = 0; b < chain->scene->basin_count; b++)
        chain->basins[b].off = subject(&chain->basins[b], k) - chain->basins[b].line[k];
    chain->laws[k].misfit = draw_size(chain, k, misfits, misfit_prior, chain->laws[k].misfit);
}

/* The same of what the cells have of their own: many cells would hold its size where it is. */
static void rescale_own(struct chain *chain, int k)
{
    const struct terms *terms = &chain->scene->terms[k];
    struct chain_law *law = &chain->laws[k];
    int now = law->own;
    for (size_t b = 0; b < chain->scene->basin_count; b++) {
        const double *features = features_of(chain, k, b);
        chain->basins[b].off = 0;
        for (size_t i = 0; i < terms->count; i++)
            if (terms->term[i].kind == TERM_CELL)
                chain->basins[b].off += features[i] * law->theta[i];
    }
    law->own = draw_size(chain, k, owns, own_prior, now);
    double growth = owns[law->own] / owns[now];
    for (size_t b = 0; b < chain->scene->basin_count; b++)
        chain->basins[b].line[k] += chain->basins[b].off * (growth - 1);
    for (size_t i = 0; i < terms->count; i++)
        law->theta[i] *= terms->term[i].kind == TERM_CELL ? growth : 1;
}

void chain_shift_law(struct chain *chain, int k)
{
    for (size_t b = 0; b < chain->scene->basin_count; b++)
        if (chain->basins[b].known)
            chain->basins[b].support = support(chain, b, k, 0);
    for (size_t s = 0; s < STEPS; s++)
        for (size_t i = 0; i < chain->scene->terms[k].count; i++)
            shift_term(chain, k, i, steps[s]);
    rescale_misfits(chain, k);
    rescale_own(chain, k);
}

/* ---- the law from the vertices ---- */

static void regress(struct chain *chain, int k)
{
    const struct terms *terms = &chain->scene->terms[k];
    size_t n = terms->count;
    double *a = chain->matrix, right[TERMS_MAX], weight = pow(chain_misfit(chain, k), -2);
    memset(a, 0, n * n * sizeof(*a));
    for (size_t i = 0; i < n; i++) {
        a[i * n + i] = pow(chain_term_deviation(chain, k, i), -2);
        right[i] = a[i * n + i] * terms->term[i].mean;
    }
    for (size_t b = 0; b < chain->scene->basin_count; b++) {
        const double *features = features_of(chain, k, b);
        double z = subject(&chain->basins[b], k);
        for (size_t i = 0; i < n && chain->basins[b].known; i++) {
            if (!(fabs(features[i]) > 0))
                continue;
            right[i] += weight * features[i] * z;
            for (size_t j = 0; j <= i; j++)
                a[i * n + j] += weight * features[i] * features[j];
        }
    }
    if (!cholesky(a, n))
        return; /* priors are proper: only by overflow */
    double noise[TERMS_MAX];
    for (size_t i = 0; i < n; i++)
        noise[i] = chain_normal(chain);
    cholesky_solve(a, right, n);
    cholesky_solve_upper(a, noise, n);
    for (size_t i = 0; i < n; i++)
        chain->laws[k].theta[i] = right[i] + noise[i];
    chain_draw_lines(chain, k);
}

static void draw_misfit(struct chain *chain, int k)
{
    double weights[CHAIN_SCALES];
    for (int m = 0; m < CHAIN_SCALES; m++) {
        double size = misfit_at(chain, k, m);
        weights[m] = log(misfit_prior[m]);
        for (size_t b = 0; b < chain->scene->basin_count; b++) {
            double z = (subject(&chain->basins[b], k) - chain->basins[b].line[k]) / size;
            if (chain->basins[b].known)
                weights[m] -= z * z / 2 + log(size);
        }
    }
    chain->laws[k].misfit = chain_pick(chain, weights, CHAIN_SCALES);
}

static void draw_own(struct chain *chain, int k)
{
    const struct terms *terms = &chain->scene->terms[k];
    double weights[CHAIN_SCALES];
    for (int o = 0; o < CHAIN_SCALES; o++) {
        weights[o] = log(own_prior[o]);
        for (size_t i = 0; i < terms->count; i++) {
            double z = chain->laws[k].theta[i] / owns[o];
            if (terms->term[i].kind == TERM_CELL)
                weights[o] -= z * z / 2 + log(owns[o]);
        }
    }
    chain->laws[k].own = chain_pick(chain, weights, CHAIN_SCALES);
}

/* Student as a normal whose variance is stretched by an inverse gamma number: with 3 degrees of
 * freedom and one value, (3 + z^2) over a chi square with 4. */
static void draw_stretch(struct chain *chain, int k)
{
    const struct terms *terms = &chain->scene->terms[k];
    for (size_t i = 0; i < terms->count; i++) {
        const struct term *term = &terms->term[i];
        if (!term->heavy)
            continue;
        double z = (chain->laws[k].theta[i] - term->mean) / term->deviation;
        double chi_square = -2 * log1p(-chain_uniform(chain)) - 2 * log1p(-chain_uniform(chain));
        chain->laws[k].stretch[i] = (3 + z * z) / fmax(chi_square, 1e-9);
    }
}

void chain_draw_law(struct chain *chain, int k)
{
    regress(chain, k);
    draw_misfit(chain, k);
    draw_own(chain, k);
    draw_stretch(chain, k);
}
