/* Draws each basin's vertex, given the law, the shape and its other vertices. Level and curvature
 * are integrated out in closed form: weighted least squares with a normal prior of the curvature,
 * at the current shape and noise. */
#include "search/sampler_basins.h"

#include <math.h>
#include <string.h>
#include "search/fast_log.h"
#include "search/sampler_law.h"

/* Prior of the curvature, nats per octave^2: of the LR and of a ratio, which matters less, and of
 * which less is known. */
static const double curvature_least[2] = {CURVATURE_LEAST, 0.0005};
static const double curvature_center[2] = {CURVATURE_CENTER, 0.006};
static const double curvature_width[2] = {CURVATURE_WIDTH, 1.5};
#define IMPOSSIBLE 1e-35 /* floor of a probability */
#define TOGETHER 8

static double base_curvature(const struct sampler *sampler, int k, int index)
{
    return curvature_least[sampler->data->coordinates[k] > 0] * (1 << index);
}

double sampler_curvature(const struct sampler *sampler, int k, double t)
{
    const struct sampler_law *law = &sampler->laws[k];
    return base_curvature(sampler, k, law->curvature) * exp2(-basin_drift[law->drift] * t);
}

/* Prior variance of a basin's curvature around its mean. */
static double variance_of(double mean)
{
    return CURVATURE_SPREAD * CURVATURE_SPREAD * mean * mean;
}

static const double *shape_of(const struct sampler *sampler, size_t b, int k, size_t point)
{
    return sampler->data->basins[b].shape[k][sampler->laws[k].asymmetry] + point * VERTEX_GRID_MAX;
}

/* Row of a cell_basin's wg[k] or gg[k] for the current asymmetry and noise. */
static const double *around(const struct sampler *sampler, int k, double *const *table)
{
    return table[sampler->laws[k].asymmetry] + sampler->sigma * VERTEX_GRID_MAX;
}

/* A basin's losses minus the contributions of the other coordinates. */
static double *unexplained(const struct sampler *sampler, size_t b)
{
    return sampler->unexplained + (sampler->data->basins[b].points - sampler->data->points);
}

void sampler_turn_to(struct sampler *sampler, int k)
{
    for (size_t b = 0; b < sampler->data->basin_count; b++) {
        const struct cell_basin *basin = &sampler->data->basins[b];
        const struct sampler_basin *state = &sampler->basins[b];
        double *y = unexplained(sampler, b);
        for (size_t i = 0; i < basin->losses; i++)
            y[i] = basin->points[i].loss;
        for (int j = 0; j < sampler->data->coordinate_count; j++)
            for (size_t i = 0; i < basin->losses && j != k; i++)
                y[i] -= state->curvature[j] * shape_of(sampler, b, j, i)[state->place[j]];
    }
}

/* ---- the likelihood of each vertex ---- */

/* out[v] = sum of weight g y around the means. */
static void add_up(const struct sampler *sampler, size_t b, int k, double *out)
{
    const struct cell_basin *basin = &sampler->data->basins[b];
    const double *all = unexplained(sampler, b), *wg = around(sampler, k, basin->wg[k]);
    int count = sampler->data->grids[k].count;
    double wy = 0;
    memset(out, 0, VERTEX_GRID_MAX * sizeof(*out));
    for (size_t i = 0; i < basin->losses; i++) {
        const double *g = shape_of(sampler, b, k, i);
        double weighted = basin->points[i].weights[sampler->sigma] * all[i];
        wy += weighted;
        for (int v = 0; v < count; v++)
            out[v] += weighted * g[v];
    }
    wy /= basin->weight[sampler->sigma];
    for (int v = 0; v < count; v++)
        out[v] -= wg[v] * wy;
}

/* Adds the log probability that every wall diverges. TOGETHER walls share a logarithm: the product
 * of their floors, 1e-280, is still a normal number. */
static void add_walls(const struct sampler *sampler, size_t b, int k, double *log_of)
{
    const struct cell_basin *basin = &sampler->data->basins[b];
    int count = sampler->data->grids[k].count;
    double diverges[VERTEX_GRID_MAX];
    for (size_t i = 0; i < basin->walls; i++) {
        const double *wall = basin->wall[k] + i * VERTEX_GRID_MAX;
        double stays = 1; /* probability that no other coordinate makes it diverge */
        for (int j = 0; j < sampler->data->coordinate_count; j++)
            if (j != k)
                stays *=
                    1 - basin->wall[j][i * VERTEX_GRID_MAX + (size_t)sampler->basins[b].place[j]];
        for (int v = 0; v < count; v++) {
            double p = 1 - stays * (1 - wall[v]);
            p = p > IMPOSSIBLE ? p : IMPOSSIBLE;
            diverges[v] = i % TOGETHER ? diverges[v] * p : p;
        }
        if (i % TOGETHER < TOGETHER - 1 && i + 1 < basin->walls)
            continue;
        fast_log(diverges, count);
        for (int v = 0; v < count; v++)
            log_of[v] += diverges[v];
    }
}

static void weigh_losses(const struct sampler *sampler, size_t b, int k, double *log_of)
{
    double mean = sampler_curvature(sampler, k, sampler->data->basins[b].t);
    double variance = variance_of(mean), gy[VERTEX_GRID_MAX], roots[VERTEX_GRID_MAX];
    const double *gg = around(sampler, k, sampler->data->basins[b].gg[k]);
    int count = sampler->data->grids[k].count;
    add_up(sampler, b, k, gy);
    for (int v = 0; v < count; v++) {
        double off = gy[v] - mean * gg[v];
        roots[v] = 1 + variance * gg[v];
        log_of[v] = mean * gy[v] + (variance * off * off / roots[v] - mean * mean * gg[v]) / 2;
    }
    fast_log(roots, count);
    for (int v = 0; v < count; v++)
        log_of[v] -= roots[v] / 2;
}

void sampler_weigh(struct sampler *sampler, int k)
{
    for (size_t b = 0; b < sampler->data->basin_count; b++) {
        double *log_of = sampler->basins[b].log_of;
        if (!sampler->basins[b].known)
            continue;
        memset(log_of, 0, VERTEX_GRID_MAX * sizeof(*log_of));
        if (sampler->data->basins[b].losses > 0)
            weigh_losses(sampler, b, k, log_of);
        add_walls(sampler, b, k, log_of);
    }
}

/* ---- draws ---- */

static void draw_vertex(struct sampler *sampler, size_t b, int k)
{
    struct sampler_basin *state = &sampler->basins[b];
    const struct vertex_grid *grid = &sampler->data->grids[k];
    double weights[VERTEX_GRID_MAX];
    memcpy(weights, state->log_of, (size_t)grid->count * sizeof(*weights));
    for (int j = 0; j < sampler->data->coordinate_count; j++) {
        /* the coordinate's law; for the LR also those of the ratios, which depend on its vertex */
        if (j != k && k > 0)
            continue;
        double center = state->line[j] + (k > 0 ? state->vertex[0] : 0);
        center = j == k ? center : state->vertex[j] - state->line[j];
        double precision = pow(sampler_misfit(sampler, j), -2);
        for (int v = 0; v < grid->count; v++) {
            double off = vertex_grid_x(grid, v) - center;
            weights[v] -= off * off * precision / 2;
        }
    }
    state->place[k] = sampler_pick(sampler, weights, grid->count);
    state->vertex[k] = grid->low + (state->place[k] + sampler_uniform(sampler) - 0.5) * grid->step;
}

struct sums {
    double w, wy, wg, gg, gy;
};

/* Sums over a basin's losses at its vertex and the current noise. */
static struct sums sum_losses(const struct sampler *sampler, size_t b, int k)
{
    const struct cell_basin *basin = &sampler->data->basins[b];
    const double *all = unexplained(sampler, b);
    struct sums sums = {0};
    for (size_t i = 0; i < basin->losses; i++) {
        double g = shape_of(sampler, b, k, i)[sampler->basins[b].place[k]];
        double weight = basin->points[i].weights[sampler->sigma];
        sums.w += weight;
        sums.wy += weight * all[i];
        sums.wg += weight * g;
        sums.gg += weight * g * g;
        sums.gy += weight * g * all[i];
    }
    return sums;
}

/* Draws curvature and level. */
static void draw_depth(struct sampler *sampler, size_t b, int k)
{
    bool any_loss = sampler->data->basins[b].losses > 0;
    struct sampler_basin *state = &sampler->basins[b];
    struct sums sums = sum_losses(sampler, b, k);
    double mean = sampler_curvature(sampler, k, sampler->data->basins[b].t), least = mean / 10;
    double precision = 1 / variance_of(mean);
    double gg = any_loss ? sums.gg - sums.wg * sums.wg / sums.w : 0;
    double gy = any_loss ? sums.gy - sums.wg * sums.wy / sums.w : 0;
    mean = (precision * mean + gy) / (precision + gg);
    state->curvature[k] = fmax(mean + sampler_normal(sampler) / sqrt(precision + gg), least);
    double noise = sampler_normal(sampler);
    if (any_loss)
        state->level = (sums.wy - state->curvature[k] * sums.wg) / sums.w + noise / sqrt(sums.w);
}

void sampler_draw_basins(struct sampler *sampler, int k)
{
    for (size_t b = 0; b < sampler->data->basin_count; b++) {
        if (!sampler->basins[b].known)
            continue;
        draw_vertex(sampler, b, k);
        draw_depth(sampler, b, k);
    }
}

/* ---- what all basins share ---- */

enum { CURVES = SAMPLER_CURVATURES * BASIN_DRIFTS };
_Static_assert(BASIN_SIGMAS == SAMPLER_CURVATURES, "one loop over either, several at a time");

/* Log weights of eight shapes. Divisors under a root are multiplied up in `roots`: a logarithm for
 * each basin would take most of the time. */
struct octet {
    double weights[SAMPLER_CURVATURES], roots[SAMPLER_CURVATURES];
};

/* Sums over a basin's losses at its vertex, for eight shapes; level and curvature are integrated
 * out. */
struct fits {
    double mean[SAMPLER_CURVATURES]; /* prior mean of the curvature */
    double yy[SAMPLER_CURVATURES], gg[SAMPLER_CURVATURES], gy[SAMPLER_CURVATURES];
};

static void extract_roots(struct octet *octet)
{
    fast_log(octet->roots, SAMPLER_CURVATURES);
    for (int n = 0; n < SAMPLER_CURVATURES; n++) {
        octet->weights[n] -= octet->roots[n] / 2;
        octet->roots[n] = 1;
    }
}

static void weigh(struct octet *octet, const struct fits *fits)
{
    double largest = 0;
    for (int n = 0; n < SAMPLER_CURVATURES; n++) {
        double mean = fits->mean[n], gg = fits->gg[n], gy = fits->gy[n];
        double variance = variance_of(mean), root = 1 + variance * gg, off = gy - mean * gg;
        octet->weights[n] +=
            mean * gy + (variance * off * off / root - mean * mean * gg - fits->yy[n]) / 2;
        octet->roots[n] *= root;
    }
    for (int n = 0; n < SAMPLER_CURVATURES; n++)
        largest = octet->roots[n] > largest ? octet->roots[n] : largest;
    if (largest > 1e150) /* one basin's factor is far below 1e100 */
        extract_roots(octet);
}

/* Fills `fits` for each noise, at the current curvature. */
static void fit_sigmas(const struct sampler *sampler, size_t b, int k, struct fits *fits)
{
    const struct cell_basin *basin = &sampler->data->basins[b];
    const double *all = unexplained(sampler, b);
    double wy[BASIN_SIGMAS] = {0}, wg[BASIN_SIGMAS] = {0};
    double mean = sampler_curvature(sampler, k, basin->t);
    memset(fits, 0, sizeof(*fits));
    for (size_t i = 0; i < basin->losses; i++) {
        const double *weights = basin->points[i].weights;
        double g = shape_of(sampler, b, k, i)[sampler->basins[b].place[k]], y = all[i];
        for (int s = 0; s < BASIN_SIGMAS; s++) {
            wy[s] += weights[s] * y;
            wg[s] += weights[s] * g;
            fits->yy[s] += weights[s] * y * y;
            fits->gg[s] += weights[s] * g * g;
            fits->gy[s] += weights[s] * g * y;
        }
    }
    for (int s = 0; s < BASIN_SIGMAS; s++) {
        fits->mean[s] = mean;
        fits->yy[s] -= wy[s] * wy[s] / basin->weight[s];
        fits->gg[s] = fmax(fits->gg[s] - wg[s] * wg[s] / basin->weight[s], 0);
        fits->gy[s] -= wg[s] * wy[s] / basin->weight[s];
    }
}

static void draw_sigma(struct sampler *sampler, int k)
{
    struct octet octet;
    struct fits fits;
    for (int s = 0; s < BASIN_SIGMAS; s++) {
        octet.weights[s] = basin_sigma_log_prior(s);
        octet.roots[s] = 1;
    }
    for (size_t b = 0; b < sampler->data->basin_count; b++) {
        const struct cell_basin *basin = &sampler->data->basins[b];
        if (basin->losses == 0)
            continue;
        fit_sigmas(sampler, b, k, &fits);
        weigh(&octet, &fits);
        for (int s = 0; s < BASIN_SIGMAS; s++)
            octet.weights[s] += basin->log_norm[s];
    }
    extract_roots(&octet);
    sampler->sigma = sampler_pick(sampler, octet.weights, BASIN_SIGMAS);
}

/* Fills `fits` for each curvature, at the current noise. */
static void fit_curvatures(const struct sampler *sampler, size_t b, int k, struct fits *fits)
{
    struct sums sums = sum_losses(sampler, b, k);
    for (int c = 0; c < SAMPLER_CURVATURES; c++) {
        fits->yy[c] = 0; /* the same for every curvature */
        fits->gg[c] = fmax(sums.gg - sums.wg * sums.wg / sums.w, 0);
        fits->gy[c] = sums.gy - sums.wg * sums.wy / sums.w;
    }
}

static void draw_curve(struct sampler *sampler, int k)
{
    struct sampler_law *law = &sampler->laws[k];
    int kind = sampler->data->coordinates[k] > 0;
    double base[SAMPLER_CURVATURES], weights[BASIN_ASYMMETRIES * CURVES];
    for (int a = 0; a < BASIN_ASYMMETRIES; a++) {
        struct octet octets[BASIN_DRIFTS];
        law->asymmetry = a;
        for (int c = 0; c < SAMPLER_CURVATURES; c++) {
            base[c] = base_curvature(sampler, k, c);
            double off = log(base[c] / curvature_center[kind]) / curvature_width[kind];
            for (int d = 0; d < BASIN_DRIFTS; d++) {
                octets[d].weights[c] = -off * off / 2;
                octets[d].roots[c] = 1;
            }
        }
        for (size_t b = 0; b < sampler->data->basin_count; b++) {
            struct fits fits;
            if (sampler->data->basins[b].losses == 0)
                continue;
            fit_curvatures(sampler, b, k, &fits);
            for (int d = 0; d < BASIN_DRIFTS; d++) {
                double fall = exp2(-basin_drift[d] * sampler->data->basins[b].t);
                for (int c = 0; c < SAMPLER_CURVATURES; c++)
                    fits.mean[c] = base[c] * fall;
                weigh(&octets[d], &fits);
            }
        }
        for (int d = 0; d < BASIN_DRIFTS; d++) {
            extract_roots(&octets[d]);
            memcpy(weights + (a * BASIN_DRIFTS + d) * SAMPLER_CURVATURES, octets[d].weights,
                   sizeof(octets[d].weights));
        }
    }
    int n = sampler_pick(sampler, weights, BASIN_ASYMMETRIES * CURVES);
    law->asymmetry = n / CURVES;
    law->drift = n % CURVES / SAMPLER_CURVATURES;
    law->curvature = n % SAMPLER_CURVATURES;
}

void sampler_draw_shape(struct sampler *sampler, int k)
{
    draw_sigma(sampler, k);
    draw_curve(sampler, k);
}
