#ifndef LRSEARCH_BASIN_LIKELIHOOD_H
#define LRSEARCH_BASIN_LIKELIHOOD_H

#include "search/cell_data.h"

/* Likelihood of a basin's losses over the grid of its vertex. Level and curvature are integrated
 * out in closed form: weighted least squares with a normal prior of the curvature and a flat one of
 * the level. */

/* What all basins share, as indices into the grids of basin_model.h. */
struct basin_node {
    int shape, curvature, drift, sigma, error;
};

/* Mean of a basin's curvature, nats one octave away, t octaves of tokens from the reference. */
double basin_curvature(const struct cell_data *data, int k, const struct basin_node *node,
                       double t);
/* Log prior of node->curvature, up to a constant. */
double basin_curvature_log_prior(const struct cell_data *data, int k, int curvature);
/* Prior variance of a basin's curvature around `mean`. */
double basin_curvature_variance(double mean);

/* g of points[point] over the grid of coordinate k. */
const double *basin_shape_row(const struct cell_data *data, const struct cell_basin *basin, int k,
                              int shape, size_t point);

/* out[v] = log likelihood of `losses`, one for each point with a loss, if the vertex of coordinate
 * k is at place v, for v = first..end - 1. */
void basin_log_likelihood(const struct cell_data *data, const struct cell_basin *basin, int k,
                          const struct basin_node *node, const double *losses, int first, int end,
                          double out[VERTEX_GRID_MAX]);
/* The same without any basin: the losses are level and noise. */
double basin_log_likelihood_flat(const struct cell_basin *basin, int noise, const double *losses);

#endif
