/* Both hypotheses are enumerated: noise, and curvature and place of parabolas that lie near a line
 * over log tokens. */
#include "search/flat.h"

#include <math.h>
#include <stddef.h>
#include "search/basin_likelihood.h"
#include "search/fast_math.h"

#define PRIOR 0.1 /* probability of no basin before any loss */
#define ERROR 1   /* index of the model error */
#define DRIFT 1   /* index of the curvature's drift */
#define LOSSES 512
#define NEAR 5 /* places of the vertex's grid: half an octave */
/* Slopes of the line that the vertices lie near: octaves an octave of tokens, -.8 to .8. */
#define SLOPES 9
#define SLOPE_STEP 0.2

/* log sum exp, in two steps: the largest first. */
struct log_sum {
    double largest, sum;
};

static void log_sum_add(struct log_sum *to, double log_value)
{
    if (log_value > to->largest) {
        to->sum = to->sum * exp(to->largest - log_value) + 1;
        to->largest = log_value;
    } else {
        to->sum += exp(log_value - to->largest);
    }
}

static double log_sum_of(const struct log_sum *sum)
{
    return sum->largest + log(sum->sum);
}

static size_t copy_losses(const struct cell_basin *basin, double losses[LOSSES])
{
    if (basin->losses > LOSSES)
        return 0;
    for (size_t i = 0; i < basin->losses; i++)
        losses[i] = basin->points[i].loss;
    return basin->losses;
}

/* Log likelihood of a basin whose vertex is near a place: a mean over NEAR places each way. */
static void near_places(const struct cell_data *data, const struct cell_basin *basin,
                        const struct basin_node *node, const double *losses,
                        double out[VERTEX_GRID_MAX])
{
    double row[VERTEX_GRID_MAX], largest = -INFINITY;
    int count = data->grids[0].count;
    basin_log_likelihood(data, basin, 0, node, losses, 0, count, row);
    for (int v = 0; v < count; v++)
        largest = row[v] > largest ? row[v] : largest;
    for (int v = 0; v < count; v++)
        row[v] -= largest;
    fast_exp(row, count);
    for (int v = 0; v < count; v++) {
        int first = v > NEAR ? v - NEAR : 0, last = v + NEAR < count ? v + NEAR : count - 1;
        double sum = 0;
        for (int w = first; w <= last; w++)
            sum += row[w];
        out[v] = fmax(sum / (last - first + 1), 1e-290);
    }
    fast_log(out, count);
    for (int v = 0; v < count; v++)
        out[v] += largest;
}

/* Log evidence of basins with this noise, shape and curvature, whose vertices lie near a line over
 * log tokens. `losses`: room. */
static double basins_evidence(const struct cell_data *data, uint32_t cell,
                              const struct basin_node *node, double losses[LOSSES])
{
    double log_of[SLOPES][VERTEX_GRID_MAX] = {{0}}, near[VERTEX_GRID_MAX];
    struct log_sum sum = {-INFINITY, 0};
    const struct vertex_grid *grid = &data->grids[0];
    for (size_t h = 0; h < data->space.horizon_count; h++) {
        const struct cell_basin *basin = &data->basins[cell * data->space.horizon_count + h];
        if (copy_losses(basin, losses) < 2)
            continue;
        near_places(data, basin, node, losses, near);
        for (int s = 0; s < SLOPES; s++) {
            double octaves = SLOPE_STEP * (s - SLOPES / 2) * basin->t;
            for (int v = 0; v < grid->count; v++)
                log_of[s][v] += near[vertex_grid_nearest(grid, vertex_grid_x(grid, v) + octaves)];
        }
    }
    for (int s = 0; s < SLOPES; s++)
        for (int v = 0; v < grid->count; v++)
            log_sum_add(&sum, log_of[s][v]);
    return log_sum_of(&sum) - log(SLOPES * grid->count);
}

double no_basin_probability(const struct cell_data *data, uint32_t cell)
{
    struct log_sum none = {-INFINITY, 0}, some = {-INFINITY, 0}, norm = {-INFINITY, 0};
    double losses[LOSSES], flat[BASIN_SIGMAS] = {0};
    bool any = false;
    for (size_t h = 0; h < data->space.horizon_count; h++) {
        const struct cell_basin *basin = &data->basins[cell * data->space.horizon_count + h];
        if (basin->optimum)
            return NAN;
        if (copy_losses(basin, losses) < 2)
            continue;
        any = true;
        for (int sigma = 0; sigma < BASIN_SIGMAS; sigma++)
            flat[sigma] += basin_log_likelihood_flat(basin, sigma * BASIN_ERRORS + ERROR, losses);
    }
    if (!any)
        return NAN;
    for (int c = 0; c < BASIN_CURVATURES; c++)
        log_sum_add(&norm, basin_curvature_log_prior(data, 0, c));
    for (int sigma = 0; sigma < BASIN_SIGMAS; sigma++) {
        double prior = basin_sigma_log_prior(sigma);
        log_sum_add(&none, prior + flat[sigma]);
        for (int c = 0; c < BASIN_CURVATURES; c++) {
            struct basin_node node = {BASIN_PARABOLA, c, DRIFT, sigma, ERROR};
            log_sum_add(&some, prior + basin_curvature_log_prior(data, 0, c) +
                                   basins_evidence(data, cell, &node, losses));
        }
    }
    double odds =
        log(PRIOR / (1 - PRIOR)) + log_sum_of(&none) - (log_sum_of(&some) - log_sum_of(&norm));
    return 1 / (1 + exp(-odds));
}
