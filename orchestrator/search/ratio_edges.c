/* What to recommend where the best ratio lies beyond the range that was searched. With x the log2
 * of the LR and r_k held ratios, a posterior sample's loss above its least is
 *
 *     curvature_0 g(x - vertex_0) + sum over held k of curvature_k g(x + r_k - vertex_k),
 *
 * whose minimum lies between vertex_0 and the vertex_k - r_k: along the ridge between LR and ratio
 * the LR makes up for a part of what the ratio lacks. Ratios that are not held follow, since their
 * LRs act on their own. */
#include "search/ratio_edges.h"

#include <math.h>

#define BEYOND 1e-9 /* octaves: rounding */
#define STEPS 40    /* of the golden section: 1e-8 of the interval */

/* Nats above the least. */
static double height_at(const struct posterior *posterior, const struct ratio_edges *edges,
                        const struct optimum_sample *sample, double x)
{
    const struct basin_heights *heights = posterior->data->heights;
    double off = x - sample->optimum[0];
    double sum = sample->curvature[0] * basin_heights_at(heights, off, sample->shape);
    for (int k = 1; k < posterior->data->coordinate_count; k++)
        if (edges->held[k])
            sum +=
                sample->curvature[k] *
                basin_heights_at(heights, off + edges->at[k] - sample->optimum[k], BASIN_PARABOLA);
    return sum;
}

/* By golden section. */
double ratio_edges_best_lr(const struct posterior *posterior, const struct ratio_edges *edges,
                           const struct optimum_sample *sample)
{
    const double golden = 0.6180339887498949;
    double low = sample->optimum[0], high = low;
    for (int k = 1; k < posterior->data->coordinate_count; k++)
        if (edges->held[k]) {
            double wanted = sample->optimum[0] + sample->optimum[k] - edges->at[k];
            low = wanted < low ? wanted : low;
            high = wanted > high ? wanted : high;
        }
    for (int i = 0; i < STEPS; i++) {
        double reach = golden * (high - low), left = high - reach, right = low + reach;
        if (height_at(posterior, edges, sample, left) < height_at(posterior, edges, sample, right))
            high = right;
        else
            low = left;
    }
    return (low + high) / 2;
}

static struct spread spread_of_moves(const struct posterior *posterior,
                                     const struct ratio_edges *edges, int k, bool from)
{
    double values[POSTERIOR_SAMPLES];
    for (int s = 0; s < POSTERIOR_SAMPLES; s++) {
        const struct optimum_sample *sample =
            posterior_optimum(posterior, s, posterior->data->space.cell_count);
        double move = ratio_edges_best_lr(posterior, edges, sample) - sample->optimum[0];
        values[s] = (from ? sample->optimum[k] : 0) + (k == 0 ? move : -move);
    }
    return spread_of(values, POSTERIOR_SAMPLES);
}

struct spread ratio_edges_move(const struct posterior *posterior, const struct ratio_edges *edges)
{
    return spread_of_moves(posterior, edges, 0, false);
}

struct spread ratio_edges_spread(const struct posterior *posterior, const struct ratio_edges *edges,
                                 int k)
{
    size_t target = posterior->data->space.cell_count;
    if (edges->any && !edges->held[k])
        return spread_of_moves(posterior, edges, k, true);
    struct spread spread = posterior_optimum_spread(posterior, target, k);
    if (!edges->held[k])
        return spread;
    bool upper = spread.mean > edges->at[k];
    spread.mean = edges->at[k];
    spread.ci90[upper] = NAN;
    spread.ci90[!upper] =
        upper ? fmin(spread.ci90[0], edges->at[k]) : fmax(spread.ci90[1], edges->at[k]);
    return spread;
}

/* -1, 1: log2 of the ratio lies below or above the range. */
static int side_of(const struct ratio_range *range, double ratio)
{
    return (ratio > log2(range->high) + BEYOND) - (ratio < log2(range->low) - BEYOND);
}

struct ratio_edges ratio_edges_of(const struct posterior *posterior)
{
    const struct cell_data *data = posterior->data;
    struct ratio_edges edges = {0};
    uint32_t nearest = nearest_cell(&data->space);
    bool same = target_cell(&data->space) == (int)nearest, again;
    do { /* a held one moves those that are not */
        again = false;
        for (int k = 1; k < data->coordinate_count; k++) {
            const struct ratio_range *range = &data->space.ratios[data->coordinates[k] - 1];
            double found = ratio_edges_spread(posterior, &edges, k).mean;
            int side = edges.held[k] ? 0 : side_of(range, found);
            double tried = posterior_optimum_spread(posterior, nearest, k).mean;
            if (side == 0 || (!same && side_of(range, tried) != side))
                continue;
            edges.held[k] = edges.any = again = true;
            edges.value[k] = side > 0 ? range->high : range->low;
            edges.at[k] = log2(edges.value[k]);
        }
    } while (again);
    return edges;
}
