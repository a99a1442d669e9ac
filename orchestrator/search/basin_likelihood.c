#include "search/basin_likelihood.h"

#include <math.h>
#include <string.h>
#include "search/fast_math.h"

/* Prior of the curvature: least value, median and standard deviation of the logarithm. */
struct curvature_prior {
    double least, center, width;
};

static struct curvature_prior curvature_prior_of(const struct cell_data *data, int k)
{
    if (data->coordinates[k] == 0)
        return (struct curvature_prior){CURVATURE_LEAST, CURVATURE_CENTER, CURVATURE_WIDTH};
    if (data->coordinates[k] == 1 + RATIO_DECAY)
        return (struct curvature_prior){DECAY_LEAST, DECAY_CENTER, DECAY_WIDTH};
    return (struct curvature_prior){RATIO_LEAST, RATIO_CENTER, RATIO_WIDTH};
}

static double base_curvature(const struct cell_data *data, int k, int index)
{
    return curvature_prior_of(data, k).least * (1 << index);
}

double basin_curvature(const struct cell_data *data, int k, const struct basin_node *node, double t)
{
    return base_curvature(data, k, node->curvature) * basin_flattening(node->drift, t);
}

double basin_curvature_log_prior(const struct cell_data *data, int k, int curvature)
{
    struct curvature_prior prior = curvature_prior_of(data, k);
    double off = log(base_curvature(data, k, curvature) / prior.center);
    return -pow(off / prior.width, 2) / 2;
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

/* Places at once, as one vector: GCC does not find that the sums can stay in registers. */
#define LANES 4
_Static_assert(VERTEX_GRID_MAX % (2 * LANES) == 0, "a row is whole");
typedef double lanes __attribute__((vector_size(LANES * sizeof(double))));

/* Weighted sums over a basin's losses, for each place of its vertex. */
struct place_sums {
    double g[VERTEX_GRID_MAX], gg[VERTEX_GRID_MAX], gy[VERTEX_GRID_MAX];
};

VECTOR_CLONES static void sum_places(const double *shape, size_t stride,
                                     const struct cell_basin *basin, int noise,
                                     const double *losses, double mean, int first, int end,
                                     struct place_sums *sums)
{
    for (int v = first; v < end; v += 2 * LANES) {
        lanes g[2] = {{0}}, gg[2] = {{0}}, gy[2] = {{0}};
        for (size_t i = 0; i < basin->losses; i++) {
            double w = basin->points[i].weights[noise], y = losses[i] - mean;
            for (int j = 0; j < 2; j++) {
                lanes at;
                memcpy(&at, shape + i * stride + v + j * LANES, sizeof(at));
                lanes weighted = w * at;
                g[j] += weighted;
                gg[j] += weighted * at;
                gy[j] += weighted * y;
            }
        }
        memcpy(sums->g + v, g, sizeof(g));
        memcpy(sums->gg + v, gg, sizeof(gg));
        memcpy(sums->gy + v, gy, sizeof(gy));
    }
}

VECTOR_CLONES void basin_log_likelihood(const struct cell_data *data,
                                        const struct cell_basin *basin, int k,
                                        const struct basin_node *node, const double *losses,
                                        int first, int end, double out[VERTEX_GRID_MAX])
{
    int noise = node->sigma * BASIN_ERRORS + node->error;
    struct place_sums sums;
    double roots[VERTEX_GRID_MAX];
    first -= first % (2 * LANES);
    end += (2 * LANES - end % (2 * LANES)) % (2 * LANES);
    if (basin->losses == 0) {
        memset(out + first, 0, (size_t)(end - first) * sizeof(*out));
        return;
    }
    struct level level = level_of(basin, noise, losses);
    sum_places(basin_shape_row(data, basin, k, node->shape, 0),
               (size_t)cell_data_shapes(data, k) * VERTEX_GRID_MAX, basin, noise, losses,
               level.mean, first, end, &sums);
    double mean = base_curvature(data, k, node->curvature) * basin->flattening[node->drift];
    double variance = basin_curvature_variance(mean);
    double norm = basin->log_norm[noise] - level.scatter / 2;
    for (int v = first; v < end; v++) {
        double spread = sums.gg[v] - sums.g[v] * sums.g[v] / level.weight;
        spread = spread > 0 ? spread : 0;
        double off = sums.gy[v] - mean * spread;
        roots[v] = 1 + variance * spread;
        out[v] =
            norm + mean * sums.gy[v] + (variance * off * off / roots[v] - mean * mean * spread) / 2;
    }
    fast_log(roots + first, end - first);
    for (int v = first; v < end; v++)
        out[v] -= roots[v] / 2;
}

double basin_log_likelihood_flat(const struct cell_basin *basin, int noise, const double *losses)
{
    return basin->log_norm[noise] - level_of(basin, noise, losses).scatter / 2;
}
