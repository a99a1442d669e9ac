#ifndef LRSEARCH_BASIN_MODEL_H
#define LRSEARCH_BASIN_MODEL_H

#include <stdbool.h>

/* The model of one basin, and its priors:
 *
 *     loss(x) = level + curvature g(x - vertex) + noise,   g(t) = t^2 (1 + asymmetry tanh t)
 *
 * x = log2 lr; published basins are steeper to the right. The vertex lies on a grid, so that its
 * posterior may be one-sided or have two modes. At a horizon t octaves of tokens from the reference
 * the curvature is about base 2^(-drift t). */

#define VERTEX_GRID_MAX 128
#define BASIN_ASYMMETRIES 2
#define BASIN_SIGMAS 8
#define BASIN_DRIFTS 2
#define BASIN_MISFITS 4

#define CURVATURE_SPREAD 0.35 /* relative standard deviation of a basin's curvature around this */
#define HEIGHT_MOST 30.0      /* nats above the bottom: losses are clipped there */
#define LEVEL_DEVIATION 1.0   /* nats, standard deviation: level of a basin without a loss */
/* Curvature, nats per octave^2: published sweeps have .012, tiny models .02 to .06. Smallest value
 * considered; median and standard deviation of the logarithm of the log-normal prior. */
#define CURVATURE_LEAST 0.002
#define CURVATURE_CENTER 0.014
#define CURVATURE_WIDTH 1.1

extern const double basin_asymmetry[BASIN_ASYMMETRIES];
extern const double basin_drift[BASIN_DRIFTS];
/* Standard deviations of a vertex around the law, octaves, and their prior probabilities. */
extern const double basin_misfit[BASIN_MISFITS], basin_misfit_prior[BASIN_MISFITS];

double basin_sigma(int index);           /* standard deviation of one loss, nats */
double basin_sigma_log_prior(int index); /* log density up to a constant */

double basin_shape(double t, double asymmetry); /* g */
/* Model error at `height` nats above the bottom, nats: proportional to it, and larger to the right,
 * where the cliff is. Losses far from the optimum carry little information about its place. */
double basin_shape_error(double height, bool right);
/* Probability that a trial diverges this many octaves above the optimum. */
double basin_divergence(double octaves);

struct vertex_grid {
    double low, step; /* log2 lr */
    int count;        /* at most VERTEX_GRID_MAX */
};
/* Covers the range of the search and 2.5 octaves beyond each end: an optimum may lie outside the
 * range. */
struct vertex_grid vertex_grid_lay(double lr_low, double lr_high);
double vertex_grid_x(const struct vertex_grid *grid, int vertex);
int vertex_grid_nearest(const struct vertex_grid *grid, double x);

#endif
