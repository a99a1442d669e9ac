/* One basin of the sampler: where its vertex lies, when the law, the shape and its other vertices
 * are given. The same closed form as in evidence.c, at one shape instead of all. */
#include "search/cell_chain.h"

#include <math.h>
#include <string.h>

#define CURVATURE_OWN 0.35 /* what one basin's curvature differs from the rule, relative */
/* As in posterior.c for the LR. A ratio matters less, and less is known of it. */
static const double curvature_least[2] = {0.002, 0.0005};
static const double curvature_center[2] = {0.014, 0.006};
static const double curvature_width[2] = {1.1, 1.5};
static const double drifts[CHAIN_DRIFTS] = {0.1, 0.6};
#define SIGMA_CENTER 0.004
#define SIGMA_WIDTH 1.5

static double base_curvature(const struct chain *chain, int k, int index)
{
    return ldexp(curvature_least[chain->scene->coordinates[k] > 0], index);
}

double chain_curvature(const struct chain *chain, int k, double t)
{
    const struct chain_law *law = &chain->laws[k];
    return base_curvature(chain, k, law->curvature) * exp2(-drifts[law->drift] * t);
}

static const double *shape_of(const struct chain *chain, size_t b, int k, size_t point)
{
    return chain->scene->basins[b].shape[k][chain->laws[k].asymmetry] + point * EVIDENCE_GRID;
}

static double weight_of(const struct scene_point *point, int sigma)
{
    double noise = evidence_sigma(sigma);
    return 1 / (noise * noise / point->replicates + point->error * point->error);
}

/* The loss of a point less what the coordinates other than k (-1: none) explain. */
static double unexplained(const struct chain *chain, size_t b, size_t point, int k)
{
    const struct chain_basin *state = &chain->basins[b];
    double loss = chain->scene->basins[b].points[point].loss;
    for (int j = 0; j < chain->scene->coordinate_count; j++)
        if (j != k)
            loss -= state->curvature[j] * shape_of(chain, b, j, point)[state->place[j]];
    return loss;
}

struct sums {
    double w, wy;
    double wg[EVIDENCE_GRID], gg[EVIDENCE_GRID], gy[EVIDENCE_GRID];
};

static void add_up(const struct chain *chain, size_t b, int k, struct sums *sums)
{
    const struct scene_basin *basin = &chain->scene->basins[b];
    memset(sums, 0, sizeof(*sums));
    for (size_t i = 0; i < basin->losses; i++) {
        const double *g = shape_of(chain, b, k, i);
        double y = unexplained(chain, b, i, k);
        double w = weight_of(&basin->points[i], chain->sigma);
        sums->w += w;
        sums->wy += w * y;
        for (int v = 0; v < EVIDENCE_GRID; v++) {
            double wg = w * g[v];
            sums->wg[v] += wg;
            sums->gg[v] += wg * g[v];
            sums->gy[v] += wg * y;
        }
    }
    for (int v = 0; v < EVIDENCE_GRID && basin->losses > 0; v++) { /* around the means */
        sums->gg[v] -= sums->wg[v] * sums->wg[v] / sums->w;
        sums->gy[v] -= sums->wg[v] * sums->wy / sums->w;
    }
}

static void add_walls(const struct chain *chain, size_t b, int k, double *log_of)
{
    const struct scene_basin *basin = &chain->scene->basins[b];
    for (size_t i = 0; i < basin->walls; i++) {
        double stays = 1; /* by the other coordinates */
        for (int j = 0; j < chain->scene->coordinate_count; j++)
            if (j != k)
                stays *= 1 - basin->wall[j][i * EVIDENCE_GRID + (size_t)chain->basins[b].place[j]];
        for (int v = 0; v < EVIDENCE_GRID; v++)
            log_of[v] +=
                log(fmax(1 - stays * (1 - basin->wall[k][i * EVIDENCE_GRID + (size_t)v]), 1e-300));
    }
}

static double precision_of(double mean)
{
    return 1 / (CURVATURE_OWN * CURVATURE_OWN * mean * mean);
}

static void weigh_basin(const struct chain *chain, size_t b, int k)
{
    struct chain_basin *state = &chain->basins[b];
    double mean = chain_curvature(chain, k, chain->scene->basins[b].t);
    double precision = precision_of(mean);
    struct sums sums;
    add_up(chain, b, k, &sums);
    for (int v = 0; v < EVIDENCE_GRID; v++) {
        double off = sums.gy[v] - mean * sums.gg[v];
        double squares =
            mean * mean * sums.gg[v] - 2 * mean * sums.gy[v] - off * off / (precision + sums.gg[v]);
        state->log_of[v] = -squares / 2 - log1p(sums.gg[v] / precision) / 2;
    }
    add_walls(chain, b, k, state->log_of);
}

void chain_weigh(struct chain *chain, int k)
{
    for (size_t b = 0; b < chain->scene->basin_count; b++)
        if (chain->basins[b].known)
            weigh_basin(chain, b, k);
}

/* ---- draws ---- */

static void draw_vertex(struct chain *chain, size_t b, int k)
{
    struct chain_basin *state = &chain->basins[b];
    const struct vertex_grid *grid = &chain->scene->grids[k];
    double weights[EVIDENCE_GRID];
    double line = chain_line(chain, k, b) + (k > 0 ? state->vertex[0] : 0);
    for (int v = 0; v < grid->count; v++) {
        double x = grid->low + v * grid->step, z = (x - line) / chain_misfit(chain, k);
        weights[v] = state->log_of[v] - z * z / 2;
        for (int j = 1; j < chain->scene->coordinate_count && k == 0; j++) {
            z = (state->vertex[j] - x - chain_line(chain, j, b)) / chain_misfit(chain, j);
            weights[v] -= z * z / 2;
        }
    }
    state->place[k] = chain_pick(chain, weights, grid->count);
    state->vertex[k] = grid->low + (state->place[k] + chain_uniform(chain) - 0.5) * grid->step;
}

static void draw_depth(struct chain *chain, size_t b, int k)
{
    const struct scene_basin *basin = &chain->scene->basins[b];
    struct chain_basin *state = &chain->basins[b];
    double mean = chain_curvature(chain, k, basin->t), least = mean / 10;
    double precision = precision_of(mean), w = 0, wy = 0, wg = 0, gg = 0, gy = 0;
    for (size_t i = 0; i < basin->losses; i++) {
        double g = shape_of(chain, b, k, i)[state->place[k]], y = unexplained(chain, b, i, k);
        double weight = weight_of(&basin->points[i], chain->sigma);
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

enum { SHAPES = CHAIN_CURVATURES * CHAIN_DRIFTS * EVIDENCE_SIGMAS };

/* A basin's losses at its vertex, with this noise and asymmetry; level and curvature are left open.
 */
struct fit {
    double log_norm; /* what depends on the noise alone */
    double yy, gg, gy;
};

static struct fit fit_basin(const struct chain *chain, size_t b, int k, int sigma)
{
    const struct scene_basin *basin = &chain->scene->basins[b];
    double noise = evidence_sigma(sigma), w = 0, wy = 0, wg = 0, weights = 1;
    struct fit fit = {0};
    for (size_t i = 0; i < basin->losses; i++) {
        const struct scene_point *point = &basin->points[i];
        double g = shape_of(chain, b, k, i)[chain->basins[b].place[k]];
        double y = unexplained(chain, b, i, k), weight = weight_of(point, sigma);
        w += weight;
        wy += weight * y;
        wg += weight * g;
        fit.yy += weight * y * y;
        fit.gg += weight * g * g;
        fit.gy += weight * g * y;
        weights *= weight; /* below 3e6 each */
        if (i % 16 == 15 || i + 1 == basin->losses) {
            fit.log_norm += log(weights) / 2;
            weights = 1;
        }
        if (point->replicates > 1)
            fit.log_norm -=
                (point->replicates - 1) * log(noise) + point->scatter / (noise * noise) / 2;
    }
    fit.yy -= wy * wy / w;
    fit.gg -= wg * wg / w;
    fit.gy -= wg * wy / w;
    fit.log_norm -= log(w) / 2;
    return fit;
}

static int shape_index(int sigma, int drift, int curvature)
{
    return sigma + EVIDENCE_SIGMAS * (drift + CHAIN_DRIFTS * curvature);
}

/* Adds a basin's log likelihood of each shape; what is to be divided by, under a root, is gathered
 * in `roots`, because so many logarithms would take most of the time. */
static void weigh_shapes(struct chain *chain, size_t b, int k, double weights[SHAPES],
                         double roots[SHAPES])
{
    for (int s = 0; s < EVIDENCE_SIGMAS; s++) {
        struct fit fit = fit_basin(chain, b, k, s);
        for (int d = 0; d < CHAIN_DRIFTS; d++) {
            double fall = exp2(-drifts[d] * chain->scene->basins[b].t);
            for (int c = 0; c < CHAIN_CURVATURES; c++) {
                double mean = base_curvature(chain, k, c) * fall;
                double precision = precision_of(mean), off = fit.gy - mean * fit.gg;
                double squares = fit.yy - 2 * mean * fit.gy + mean * mean * fit.gg -
                                 off * off / (precision + fit.gg);
                int n = shape_index(s, d, c);
                weights[n] += fit.log_norm - squares / 2;
                roots[n] *= 1 + fit.gg / precision;
            }
        }
    }
}

static void extract_roots(double weights[SHAPES], double roots[SHAPES])
{
    for (int n = 0; n < SHAPES; n++) {
        weights[n] -= log(roots[n]) / 2;
        roots[n] = 1;
    }
}

static void expect_shapes(const struct chain *chain, int k, double weights[SHAPES])
{
    int kind = chain->scene->coordinates[k] > 0;
    for (int s = 0; s < EVIDENCE_SIGMAS; s++) {
        double loud = log(evidence_sigma(s) / SIGMA_CENTER) / SIGMA_WIDTH;
        for (int c = 0; c < CHAIN_CURVATURES; c++) {
            double off =
                log(base_curvature(chain, k, c) / curvature_center[kind]) / curvature_width[kind];
            for (int d = 0; d < CHAIN_DRIFTS; d++)
                weights[shape_index(s, d, c)] = -(off * off + loud * loud) / 2;
        }
    }
}

void chain_draw_shape(struct chain *chain, int k)
{
    double weights[EVIDENCE_ASYMMETRIES * SHAPES], roots[SHAPES];
    struct chain_law *law = &chain->laws[k];
    for (int a = 0; a < EVIDENCE_ASYMMETRIES; a++) {
        double *own = weights + a * SHAPES;
        law->asymmetry = a;
        expect_shapes(chain, k, own);
        for (int n = 0; n < SHAPES; n++)
            roots[n] = 1;
        for (size_t b = 0; b < chain->scene->basin_count; b++) {
            if (chain->scene->basins[b].losses == 0)
                continue;
            weigh_shapes(chain, b, k, own, roots);
            if (b % 8 == 7) /* each root is below 1e12 */
                extract_roots(own, roots);
        }
        extract_roots(own, roots);
    }
    int n = chain_pick(chain, weights, EVIDENCE_ASYMMETRIES * SHAPES);
    law->asymmetry = n / SHAPES;
    chain->sigma = n % EVIDENCE_SIGMAS;
    law->drift = n / EVIDENCE_SIGMAS % CHAIN_DRIFTS;
    law->curvature = n % SHAPES / EVIDENCE_SIGMAS / CHAIN_DRIFTS;
}
