/* Both hypotheses are enumerated: noise, and of the basins curvature and a few shapes. Basins are
 * compared without the law, whose prior would count against either. */
#include "search/flat.h"

#include <math.h>
#include <stddef.h>
#include "search/basin_likelihood.h"
#include "search/fast_math.h"

#define PRIOR 0.2 /* probability of no basin before any loss */
#define ERROR 1   /* index of the model error */
#define DRIFT 1   /* index of the curvature's drift */
#define LOSSES 512

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

/* Log of the mean likelihood over all places of the vertex. */
static double log_mean(const struct cell_data *data, const struct cell_basin *basin,
                       const struct basin_node *node, const double *losses)
{
    double log_of[VERTEX_GRID_MAX], largest = -INFINITY, sum = 0;
    int count = data->grids[0].count;
    basin_log_likelihood(data, basin, 0, node, losses, log_of);
    for (int v = 0; v < count; v++)
        largest = log_of[v] > largest ? log_of[v] : largest;
    for (int v = 0; v < count; v++)
        log_of[v] -= largest;
    fast_exp(log_of, count);
    for (int v = 0; v < count; v++)
        sum += log_of[v];
    return largest + log(sum / count);
}

double no_basin_probability(const struct cell_data *data, uint32_t cell)
{
    static const int shapes[] = {BASIN_PARABOLA - 1, BASIN_PARABOLA, BASIN_PARABOLA + 1};
    enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };
    double flat[BASIN_SIGMAS] = {0}, basins[BASIN_SIGMAS][SHAPES][BASIN_CURVATURES] = {{{0}}};
    double losses[LOSSES];
    bool any = false;
    for (size_t h = 0; h < data->space.horizon_count; h++) {
        const struct cell_basin *basin = &data->basins[cell * data->space.horizon_count + h];
        if (copy_losses(basin, losses) < 2)
            continue;
        any = true;
        for (int sigma = 0; sigma < BASIN_SIGMAS; sigma++) {
            flat[sigma] +=
                basin_log_likelihood_flat(basin, sigma * BASIN_ERRORS + ERROR, losses);
            for (int s = 0; s < SHAPES; s++)
                for (int c = 0; c < BASIN_CURVATURES; c++) {
                    struct basin_node node = {shapes[s], c, DRIFT, sigma, ERROR};
                    basins[sigma][s][c] += log_mean(data, basin, &node, losses);
                }
        }
    }
    struct log_sum none = {-INFINITY, 0}, some = {-INFINITY, 0}, norm = {-INFINITY, 0};
    for (int sigma = 0; sigma < BASIN_SIGMAS; sigma++) {
        double prior = basin_sigma_log_prior(sigma);
        log_sum_add(&none, prior + flat[sigma]);
        for (int s = 0; s < SHAPES; s++)
            for (int c = 0; c < BASIN_CURVATURES; c++)
                log_sum_add(&some, prior + basin_curvature_log_prior(data, 0, c) +
                                       basins[sigma][s][c]);
    }
    for (int s = 0; s < SHAPES; s++)
        for (int c = 0; c < BASIN_CURVATURES; c++)
            log_sum_add(&norm, basin_curvature_log_prior(data, 0, c));
    double odds = log(PRIOR / (1 - PRIOR)) + log_sum_of(&none) -
                  (log_sum_of(&some) - log_sum_of(&norm));
    return any ? 1 / (1 + exp(-odds)) : 1;
}
