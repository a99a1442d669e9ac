/* Weighted least squares in closed form at each vertex of the grid. A point weighs 1 / (sigma^2 /
 * replicates + error^2); the model error grows with the height above the bottom. A divergence at x
 * contributes basin_divergence(x - vertex): the optimum lies somewhere to its left. */
#include "search/vertex_likelihood.h"

#include <math.h>

#define IMPOSSIBLE 25.0 /* log likelihood below the largest at which a vertex is ignored */

static void add_wall(struct vertex_likelihood *likelihood, double x)
{
    likelihood->others++;
    for (int v = 0; v < likelihood->grid->count; v++) {
        double diverges = basin_divergence(x - vertex_grid_x(likelihood->grid, v));
        likelihood->beside[v] += log(fmax(diverges, 1e-300));
    }
}

static void add_optimum(struct vertex_likelihood *likelihood, const struct observation *optimum)
{
    double error = optimum->loss / log(2.0); /* octaves */
    likelihood->others++;
    for (int v = 0; v < likelihood->grid->count; v++) {
        double z = (vertex_grid_x(likelihood->grid, v) - log2(optimum->lr)) / error;
        likelihood->beside[v] -= z * z / 2;
    }
}

/* Adds one LR; `freedom`, `scatter`: of its replicates; `right`: above the best LR. */
static void add_loss(struct vertex_likelihood *likelihood, const struct point *point,
                     double freedom, double scatter, bool right)
{
    double y = fmin(point->loss - likelihood->bottom, HEIGHT_MOST);
    double error = basin_shape_error(y, right);
    double n = point->losses;
    double g[VERTEX_GRID_MAX], weights[BASIN_SIGMAS];
    likelihood->losses++;
    for (int s = 0; s < BASIN_SIGMAS; s++) {
        double variance = basin_sigma(s) * basin_sigma(s);
        double w = weights[s] = 1 / (variance / n + error * error);
        struct likelihood_noise *noise = &likelihood->noise[s];
        noise->w += w;
        noise->wy += w * y;
        noise->yy += w * y * y;
        noise->log_norm += log(w) / 2 - freedom * log(variance) / 2 - scatter / variance / 2;
    }
    for (int a = 0; a < BASIN_ASYMMETRIES; a++) {
        for (int v = 0; v < likelihood->grid->count; v++)
            g[v] = basin_shape(point->x - vertex_grid_x(likelihood->grid, v), basin_asymmetry[a]);
        for (int s = 0; s < BASIN_SIGMAS; s++)
            for (int v = 0; v < likelihood->grid->count; v++) {
                struct likelihood_sums *sums = &likelihood->sums[a][s];
                sums->wg[v] += weights[s] * g[v];
                sums->gg[v] += weights[s] * g[v] * g[v];
                sums->gy[v] += weights[s] * g[v] * y;
            }
    }
}

static void center_sums(struct vertex_likelihood *likelihood)
{
    for (int s = 0; s < BASIN_SIGMAS && likelihood->losses > 0; s++) {
        struct likelihood_noise *noise = &likelihood->noise[s];
        noise->yy -= noise->wy * noise->wy / noise->w;
        for (int a = 0; a < BASIN_ASYMMETRIES; a++) {
            struct likelihood_sums *sums = &likelihood->sums[a][s];
            for (int v = 0; v < likelihood->grid->count; v++) {
                sums->gg[v] -= sums->wg[v] * sums->wg[v] / noise->w;
                sums->gy[v] -= sums->wg[v] * noise->wy / noise->w;
            }
        }
    }
}

void vertex_likelihood_gather(struct vertex_likelihood *likelihood, const struct basin *basin,
                              const struct vertex_grid *grid, double t)
{
    double best = basin->best >= 0 ? basin->points[basin->best].x : 0;
    struct seed_effects effects = {{0}, {0}};
    double repeated = 0; /* LRs with replicates */
    for (size_t i = 0; i < basin->count; i++) {
        const struct point *point = &basin->points[i];
        if (isnan(point->loss))
            continue;
        repeated += point->losses > 1;
        seed_effects_add(&effects, point->seen, point->seen_count, point->loss);
    }
    /* degrees of freedom per replicate beyond a point's first; the rest goes to the seed offsets */
    double freedom = repeated > 0 ? (repeated - 1) / repeated : 0;
    likelihood->grid = grid;
    likelihood->t = t;
    likelihood->bottom = basin->best >= 0 ? basin->points[basin->best].loss : 0;
    if (basin->optimum)
        add_optimum(likelihood, basin->optimum);
    for (size_t i = 0; i < basin->count; i++) {
        const struct point *point = &basin->points[i];
        if (point->diverged > 0)
            add_wall(likelihood, point->x);
        if (!isnan(point->loss))
            add_loss(likelihood, point, (point->losses - 1) * freedom,
                     seed_effects_scatter(&effects, point->seen, point->seen_count, point->loss),
                     point->x > best);
    }
    center_sums(likelihood);
}

bool vertex_likelihood_is_empty(const struct vertex_likelihood *likelihood)
{
    return likelihood->losses == 0 && likelihood->others == 0;
}

/* Prior mean of this horizon's curvature; *precision: 1 / variance. */
static double expected_curvature(const struct shape *shape, double t, double *precision)
{
    double mean = shape->curvature * exp2(-shape->drift * t);
    *precision = 1 / (CURVATURE_SPREAD * CURVATURE_SPREAD * mean * mean);
    return mean;
}

/* Residual sum of squares at vertex v with the best level and curvature, plus the curvature's
 * prior. */
static double squares(const struct likelihood_noise *noise, const struct likelihood_sums *sums,
                      int v, double mean, double precision)
{
    double off = sums->gy[v] - mean * sums->gg[v];
    return noise->yy - 2 * mean * sums->gy[v] + mean * mean * sums->gg[v] -
           off * off / (precision + sums->gg[v]);
}

void vertex_likelihood_weigh(struct vertex_likelihood *likelihood, const struct shape *shape)
{
    const struct likelihood_noise *noise = &likelihood->noise[shape->sigma];
    const struct likelihood_sums *sums = &likelihood->sums[shape->asymmetry][shape->sigma];
    double precision, mean = expected_curvature(shape, likelihood->t, &precision);
    int count = likelihood->grid->count;
    likelihood->largest = -INFINITY;
    for (int v = 0; v < count; v++) {
        likelihood->log_of[v] = likelihood->beside[v];
        if (likelihood->losses > 0)
            likelihood->log_of[v] += noise->log_norm -
                                     log(noise->w * (1 + sums->gg[v] / precision)) / 2 -
                                     squares(noise, sums, v, mean, precision) / 2;
        likelihood->largest = fmax(likelihood->largest, likelihood->log_of[v]);
    }
    likelihood->first = 0;
    likelihood->end = count;
    while (likelihood->log_of[likelihood->first] < likelihood->largest - IMPOSSIBLE)
        likelihood->first++;
    while (likelihood->log_of[likelihood->end - 1] < likelihood->largest - IMPOSSIBLE)
        likelihood->end--;
}

double vertex_likelihood_bound(const struct vertex_likelihood *likelihood,
                               const struct shape *shape)
{
    const struct likelihood_noise *noise = &likelihood->noise[shape->sigma];
    const struct likelihood_sums *sums = &likelihood->sums[shape->asymmetry][shape->sigma];
    double precision, mean = expected_curvature(shape, likelihood->t, &precision);
    double least = INFINITY, beside = -INFINITY;
    for (int v = 0; v < likelihood->grid->count; v++) {
        double value = squares(noise, sums, v, mean, precision);
        least = value < least ? value : least;
        beside = likelihood->beside[v] > beside ? likelihood->beside[v] : beside;
    }
    return likelihood->losses > 0 ? beside + noise->log_norm - log(noise->w) / 2 - least / 2
                                  : beside;
}

void vertex_likelihood_draw(const struct vertex_likelihood *likelihood, const struct shape *shape,
                            int vertex, const double normal[2], double *curvature, double *level)
{
    const struct likelihood_noise *noise = &likelihood->noise[shape->sigma];
    const struct likelihood_sums *sums = &likelihood->sums[shape->asymmetry][shape->sigma];
    double precision, mean = expected_curvature(shape, likelihood->t, &precision);
    double least = mean / 10; /* the curvature is positive */
    bool known = likelihood->losses > 0;
    if (known) {
        mean = (precision * mean + sums->gy[vertex]) / (precision + sums->gg[vertex]);
        precision += sums->gg[vertex];
    }
    *curvature = fmax(mean + normal[0] / sqrt(precision), least);
    *level = likelihood->bottom +
             (known ? (noise->wy - *curvature * sums->wg[vertex]) / noise->w : 0) +
             normal[1] * (known ? 1 / sqrt(noise->w) : LEVEL_DEVIATION);
}
