/* One basin of the sampler: where its vertex lies, when the law, the shape and its other vertices
 * are given. The same closed form as in evidence.c, at one shape instead of all. */
#include "search/sampler.h"

#include <math.h>
#include <string.h>
#include "search/fast_log.h"

/* As in posterior.c for the LR. A ratio matters less, and less is known of it. */
static const double curvature_least[2] = {0.002, 0.0005};
static const double curvature_center[2] = {0.014, 0.006};
static const double curvature_width[2] = {1.1, 1.5};
static const double drifts[CHAIN_DRIFTS] = {0.1, 0.6};
#define SIGMA_CENTER 0.004
#define SIGMA_WIDTH 1.5
#define IMPOSSIBLE 1e-35 /* the least chance */
#define TOGETHER 8

static double base_curvature(const struct chain *chain, int k, int index)
{
    return curvature_least[chain->scene->coordinates[k] > 0] * (1 << index);
}

double chain_curvature(const struct chain *chain, int k, double t)
{
    const struct chain_law *law = &chain->laws[k];
    return base_curvature(chain, k, law->curvature) * exp2(-drifts[law->drift] * t);
}

/* Of a basin's curvature around its mean, before its losses. */
static double variance_of(double mean)
{
    return CURVATURE_OWN * CURVATURE_OWN * mean * mean;
}

static const double *shape_of(const struct chain *chain, size_t b, int k, size_t point)
{
    return chain->scene->basins[b].shape[k][chain->laws[k].asymmetry] + point * EVIDENCE_GRID;
}

/* A row of a scene_basin's wg[k] or gg[k]. */
static const double *around(const struct chain *chain, int k, double *const *table)
{
    return table[chain->laws[k].asymmetry] + chain->sigma * EVIDENCE_GRID;
}

/* A basin's losses, less what the coordinates other than the one at hand explain. */
static double *unexplained(const struct chain *chain, size_t b)
{
    return chain->unexplained + (chain->scene->basins[b].points - chain->scene->points);
}

void chain_turn_to(struct chain *chain, int k)
{
    for (size_t b = 0; b < chain->scene->basin_count; b++) {
        const struct scene_basin *basin = &chain->scene->basins[b];
        const struct chain_basin *state = &chain->basins[b];
        double *y = unexplained(chain, b);
        for (size_t i = 0; i < basin->losses; i++)
            y[i] = basin->points[i].loss;
        for (int j = 0; j < chain->scene->coordinate_count; j++)
            for (size_t i = 0; i < basin->losses && j != k; i++)
                y[i] -= state->curvature[j] * shape_of(chain, b, j, i)[state->place[j]];
    }
}

/* ---- the likelihood of each vertex ---- */

/* Sums of weight g y around their means: into `out`. */
static void add_up(const struct chain *chain, size_t b, int k, double *out)
{
    const struct scene_basin *basin = &chain->scene->basins[b];
    const double *all = unexplained(chain, b), *wg = around(chain, k, basin->wg[k]);
    int count = chain->scene->grids[k].count;
    double wy = 0;
    memset(out, 0, EVIDENCE_GRID * sizeof(*out));
    for (size_t i = 0; i < basin->losses; i++) {
        const double *g = shape_of(chain, b, k, i);
        double weighted = basin->points[i].weights[chain->sigma] * all[i];
        wy += weighted;
        for (int v = 0; v < count; v++)
            out[v] += weighted * g[v];
    }
    wy /= basin->weight[chain->sigma];
    for (int v = 0; v < count; v++)
        out[v] -= wg[v] * wy;
}

/* That each wall diverges; walls are taken together as far as their product stays a normal number.
 */
static void add_walls(const struct chain *chain, size_t b, int k, double *log_of)
{
    const struct scene_basin *basin = &chain->scene->basins[b];
    int count = chain->scene->grids[k].count;
    double diverges[EVIDENCE_GRID];
    for (size_t i = 0; i < basin->walls; i++) {
        const double *wall = basin->wall[k] + i * EVIDENCE_GRID;
        double stays = 1; /* by the other coordinates */
        for (int j = 0; j < chain->scene->coordinate_count; j++)
            if (j != k)
                stays *= 1 - basin->wall[j][i * EVIDENCE_GRID + (size_t)chain->basins[b].place[j]];
        for (int v = 0; v < count; v++) {
            double p = 1 - stays * (1 - wall[v]);
            p = p > IMPOSSIBLE ? p : IMPOSSIBLE;
            diverges[v] = i % TOGETHER ? diverges[v] * p : p;
        }
        if (i % TOGETHER < TOGETHER - 1 && i + 1 < basin->walls)
            continue;
        logarithms(diverges, count);
        for (int v = 0; v < count; v++)
            log_of[v] += diverges[v];
    }
}

static void weigh_losses(const struct chain *chain, size_t b, int k, double *log_of)
{
    double mean = chain_curvature(chain, k, chain->scene->basins[b].t);
    double variance = variance_of(mean), gy[EVIDENCE_GRID], roots[EVIDENCE_GRID];
    const double *gg = around(chain, k, chain->scene->basins[b].gg[k]);
    int count = chain->scene->grids[k].count;
    add_up(chain, b, k, gy);
    for (int v = 0; v < count; v++) {
        double off = gy[v] - mean * gg[v];
        roots[v] = 1 + variance * gg[v];
        log_of[v] = mean * gy[v] + (variance * off * off / roots[v] - mean * mean * gg[v]) / 2;
    }
    logarithms(roots, count);
    for (int v = 0; v < count; v++)
        log_of[v] -= roots[v] / 2;
}

void chain_weigh(struct chain *chain, int k)
{
    for (size_t b = 0; b < chain->scene->basin_count; b++) {
        double *log_of = chain->basins[b].log_of;
        if (!chain->basins[b].known)
            continue;
        memset(log_of, 0, EVIDENCE_GRID * sizeof(*log_of));
        if (chain->scene->basins[b].losses > 0)
            weigh_losses(chain, b, k, log_of);
        add_walls(chain, b, k, log_of);
    }
}

/* ---- draws ---- */

static void draw_vertex(struct chain *chain, size_t b, int k)
{
    struct chain_basin *state = &chain->basins[b];
    const struct vertex_grid *grid = &chain->scene->grids[k];
    double weights[EVIDENCE_GRID];
    memcpy(weights, state->log_of, (size_t)grid->count * sizeof(*weights));
    for (int j = 0; j < chain->scene->coordinate_count; j++) {
        /* the law of the coordinate; of the LR, also those of the ratios that hang on it */
        if (j != k && k > 0)
            continue;
        double center = state->line[j] + (k > 0 ? state->vertex[0] : 0);
        center = j == k ? center : state->vertex[j] - state->line[j];
        double precision = pow(chain_misfit(chain, j), -2);
        for (int v = 0; v < grid->count; v++) {
            double off = grid->low + v * grid->step - center;
            weights[v] -= off * off * precision / 2;
        }
    }
    state->place[k] = chain_pick(chain, weights, grid->count);
    state->vertex[k] = grid->low + (state->place[k] + chain_uniform(chain) - 0.5) * grid->step;
}

static void draw_depth(struct chain *chain, size_t b, int k)
{
    const struct scene_basin *basin = &chain->scene->basins[b];
    struct chain_basin *state = &chain->basins[b];
    const double *all = unexplained(chain, b);
    double mean = chain_curvature(chain, k, basin->t), least = mean / 10;
    double precision = 1 / variance_of(mean), w = 0, wy = 0, wg = 0, gg = 0, gy = 0;
    for (size_t i = 0; i < basin->losses; i++) {
        double g = shape_of(chain, b, k, i)[state->place[k]], y = all[i];
        double weight = basin->points[i].weights[chain->sigma];
        w += weight;
        wy += weight * y;
        wg += weight * g;
        gg += weight * g * g;
        gy += weight * g * y;
    }
    if (basin->losses > 0) {
        gg -= wg * wg / w;
        gy -= wg * wy / w;
    }
    mean = (precision * mean + gy) / (precision + gg);
    state->curvature[k] = fmax(mean + chain_normal(chain) / sqrt(precision + gg), least);
    double noise = chain_normal(chain);
    if (basin->losses > 0)
        state->level = (wy - state->curvature[k] * wg) / w + noise / sqrt(w);
}

void chain_draw_basins(struct chain *chain, int k)
{
    for (size_t b = 0; b < chain->scene->basin_count; b++) {
        if (!chain->basins[b].known)
            continue;
        draw_vertex(chain, b, k);
        draw_depth(chain, b, k);
    }
}

/* ---- what all basins share ---- */

enum { CURVES = CHAIN_CURVATURES * CHAIN_DRIFTS };
_Static_assert(EVIDENCE_SIGMAS == CHAIN_CURVATURES, "one loop over either, several at a time");

/* Log weights of eight shapes. What is to be divided by, under a root, is gathered in `roots`,
 * because so many logarithms would take most of the time. */
struct octet {
    double weights[CHAIN_CURVATURES], roots[CHAIN_CURVATURES];
};

/* A basin's losses at its vertex, for eight shapes; level and curvature are left open. */
struct fits {
    double mean[CHAIN_CURVATURES]; /* of the curvature */
    double yy[CHAIN_CURVATURES], gg[CHAIN_CURVATURES], gy[CHAIN_CURVATURES];
};

static void extract_roots(struct octet *octet)
{
    logarithms(octet->roots, CHAIN_CURVATURES);
    for (int n = 0; n < CHAIN_CURVATURES; n++) {
        octet->weights[n] -= octet->roots[n] / 2;
        octet->roots[n] = 1;
    }
}

static void weigh(struct octet *octet, const struct fits *fits)
{
    double largest = 0;
    for (int n = 0; n < CHAIN_CURVATURES; n++) {
        double mean = fits->mean[n], gg = fits->gg[n], gy = fits->gy[n];
        double variance = variance_of(mean), root = 1 + variance * gg, off = gy - mean * gg;
        octet->weights[n] +=
            mean * gy + (variance * off * off / root - mean * mean * gg - fits->yy[n]) / 2;
        octet->roots[n] *= root;
    }
    for (int n = 0; n < CHAIN_CURVATURES; n++)
        largest = octet->roots[n] > largest ? octet->roots[n] : largest;
    if (largest > 1e150) /* one basin's are far below 1e100 */
        extract_roots(octet);
}

/* With each noise. */
static void fit_sigmas(const struct chain *chain, size_t b, int k, struct fits *fits)
{
    const struct scene_basin *basin = &chain->scene->basins[b];
    const double *all = unexplained(chain, b);
    double wy[EVIDENCE_SIGMAS] = {0}, wg[EVIDENCE_SIGMAS] = {0};
    double mean = chain_curvature(chain, k, basin->t);
    memset(fits, 0, sizeof(*fits));
    for (size_t i = 0; i < basin->losses; i++) {
        const double *weights = basin->points[i].weights;
        double g = shape_of(chain, b, k, i)[chain->basins[b].place[k]], y = all[i];
        for (int s = 0; s < EVIDENCE_SIGMAS; s++) {
            wy[s] += weights[s] * y;
            wg[s] += weights[s] * g;
            fits->yy[s] += weights[s] * y * y;
            fits->gg[s] += weights[s] * g * g;
            fits->gy[s] += weights[s] * g * y;
        }
    }
    for (int s = 0; s < EVIDENCE_SIGMAS; s++) {
        fits->mean[s] = mean;
        fits->yy[s] -= wy[s] * wy[s] / basin->weight[s];
        fits->gg[s] = fmax(fits->gg[s] - wg[s] * wg[s] / basin->weight[s], 0);
        fits->gy[s] -= wg[s] * wy[s] / basin->weight[s];
    }
}

static void draw_sigma(struct chain *chain, int k)
{
    struct octet octet;
    struct fits fits;
    for (int s = 0; s < EVIDENCE_SIGMAS; s++) {
        double off = log(evidence_sigma(s) / SIGMA_CENTER) / SIGMA_WIDTH;
        octet.weights[s] = -off * off / 2;
        octet.roots[s] = 1;
    }
    for (size_t b = 0; b < chain->scene->basin_count; b++) {
        const struct scene_basin *basin = &chain->scene->basins[b];
        if (basin->losses == 0)
            continue;
        fit_sigmas(chain, b, k, &fits);
        weigh(&octet, &fits);
        for (int s = 0; s < EVIDENCE_SIGMAS; s++)
            octet.weights[s] += basin->log_norm[s];
    }
    extract_roots(&octet);
    chain->sigma = chain_pick(chain, octet.weights, EVIDENCE_SIGMAS);
}

/* With the noise as it is, and each curvature in turn. */
static void fit_curvatures(const struct chain *chain, size_t b, int k, struct fits *fits)
{
    const struct scene_basin *basin = &chain->scene->basins[b];
    const double *all = unexplained(chain, b);
    double w = basin->weight[chain->sigma], wy = 0, wg = 0, gg = 0, gy = 0;
    for (size_t i = 0; i < basin->losses; i++) {
        double g = shape_of(chain, b, k, i)[chain->basins[b].place[k]];
        double weight = basin->points[i].weights[chain->sigma];
        wy += weight * all[i];
        wg += weight * g;
        gg += weight * g * g;
        gy += weight * g * all[i];
    }
    for (int c = 0; c < CHAIN_CURVATURES; c++) {
        fits->yy[c] = 0; /* whatever the curvature */
        fits->gg[c] = fmax(gg - wg * wg / w, 0);
        fits->gy[c] = gy - wg * wy / w;
    }
}

static void draw_curve(struct chain *chain, int k)
{
    struct chain_law *law = &chain->laws[k];
    int kind = chain->scene->coordinates[k] > 0;
    double base[CHAIN_CURVATURES], weights[EVIDENCE_ASYMMETRIES * CURVES];
    for (int a = 0; a < EVIDENCE_ASYMMETRIES; a++) {
        struct octet octets[CHAIN_DRIFTS];
        law->asymmetry = a;
        for (int c = 0; c < CHAIN_CURVATURES; c++) {
            base[c] = base_curvature(chain, k, c);
            double off = log(base[c] / curvature_center[kind]) / curvature_width[kind];
            for (int d = 0; d < CHAIN_DRIFTS; d++) {
                octets[d].weights[c] = -off * off / 2;
                octets[d].roots[c] = 1;
            }
        }
        for (size_t b = 0; b < chain->scene->basin_count; b++) {
            struct fits fits;
            if (chain->scene->basins[b].losses == 0)
                continue;
            fit_curvatures(chain, b, k, &fits);
            for (int d = 0; d < CHAIN_DRIFTS; d++) {
                double fall = exp2(-drifts[d] * chain->scene->basins[b].t);
                for (int c = 0; c < CHAIN_CURVATURES; c++)
                    fits.mean[c] = base[c] * fall;
                weigh(&octets[d], &fits);
            }
        }
        for (int d = 0; d < CHAIN_DRIFTS; d++) {
            extract_roots(&octets[d]);
            memcpy(weights + (a * CHAIN_DRIFTS + d) * CHAIN_CURVATURES, octets[d].weights,
                   sizeof(octets[d].weights));
        }
    }
    int n = chain_pick(chain, weights, EVIDENCE_ASYMMETRIES * CURVES);
    law->asymmetry = n / CURVES;
    law->drift = n % CURVES / CHAIN_CURVATURES;
    law->curvature = n % CHAIN_CURVATURES;
}

void chain_draw_shape(struct chain *chain, int k)
{
    draw_sigma(chain, k);
    draw_curve(chain, k);
}
