#include "search/basin_likelihood.h"

#include <math.h>
#include <string.h>
#include "search/fast_math.h"

/* Prior of the curvature: of the LR and of a ratio, which matters less, and of which less is
 * known. */
static const double curvature_least[2] = {CURVATURE_LEAST, 0.0005};
static const double curvature_center[2] = {CURVATURE_CENTER, 0.006};
static const double curvature_width[2] = {CURVATURE_WIDTH, 1.5};

static double base_curvature(const struct cell_data *data, int k, int index)
{
    return curvature_least[data->coordinates[k] > 0] * (1 << index);
}

double basin_curvature(const struct cell_data *data, int k, const struct basin_node *node, double t)
{
    return base_curvature(data, k, node->curvature) * exp2(-basin_drift[node->drift] * t);
}

double basin_curvature_log_prior(const struct cell_data *data, int k, int curvature)
{
    int kind = data->coordinates[k] > 0;
    double off = log(base_curvature(data, k, curvature) / curvature_center[kind]);
    return -pow(off / curvature_width[kind], 2) / 2;
}

double basin_curvature_variance(double mean)
{
    return CURVATURE_SPREAD * CURVATURE_SPREAD * mean * mean;
}

const double *basin_shape_row(const struct cell_data *data, const struct cell_basin *basin, int k,
                              int shape, size_t point)
{
    size_t shapes = (size_t)cell_data_shapes(data, k);
    return basin->shape[k] + (point * shapes + (shapes > 1 ? (size_t)shape : 0)) * VERTEX_GRID_MAX;
}

struct level {
    double weight, mean, scatter; /* scatter: weighted sum of squares around the mean */
};

static struct level level_of(const struct cell_basin *basin, int noise, const double *losses)
{
    struct level level = {0, 0, 0};
    for (size_t i = 0; i < basin->losses; i++) {
        level.weight += basin->points[i].weights[noise];
        level.mean += basin->points[i].weights[noise] * losses[i];
    }
    level.mean /= level.weight;
    for (size_t i = 0; i < basin->losses; i++) {
        double off = losses[i] - level.mean;
        level.scatter += basin->points[i].weights[noise] * off * off;
    }
    return level;
}

VECTOR_CLONES void basin_log_likelihood(const struct cell_data *data,
                                        const struct cell_basin *basin, int k,
                                        const struct basin_node *node, const double *losses,
                                        double out[VERTEX_GRID_MAX])
{
    int count = data->grids[k].count, noise = node->sigma * BASIN_ERRORS + node->error;
    double wg[VERTEX_GRID_MAX] = {0}, gg[VERTEX_GRID_MAX] = {0}, gy[VERTEX_GRID_MAX] = {0};
    memset(out, 0, VERTEX_GRID_MAX * sizeof(*out));
    if (basin->losses == 0)
        return;
    struct level level = level_of(basin, noise, losses);
    for (size_t i = 0; i < basin->losses; i++) {
        const double *g = basin_shape_row(data, basin, k, node->shape, i);
        double w = basin->points[i].weights[noise], y = losses[i] - level.mean;
        for (int v = 0; v < count; v++) {
            double weighted = w * g[v];
            wg[v] += weighted;
            gg[v] += weighted * g[v];
            gy[v] += weighted * y;
        }
    }
    double mean = basin_curvature(data, k, node, basin->t);
    double variance = basin_curvature_variance(mean), roots[VERTEX_GRID_MAX];
    double norm = basin->log_norm[noise] - (log(level.weight) + level.scatter) / 2;
    for (int v = 0; v < count; v++) {
        double spread = gg[v] - wg[v] * wg[v] / level.weight;
        spread = spread > 0 ? spread : 0;
        double off = gy[v] - mean * spread;
        roots[v] = 1 + variance * spread;
        out[v] = norm + mean * gy[v] + (variance * off * off / roots[v] - mean * mean * spread) / 2;
    }
    fast_log(roots, count);
    for (int v = 0; v < count; v++)
        out[v] -= roots[v] / 2;
}

double basin_log_likelihood_flat(const struct cell_basin *basin, int noise, const double *losses)
{
    struct level level = level_of(basin, noise, losses);
    return basin->log_norm[noise] - (log(level.weight) + level.scatter) / 2;
}
