#ifndef LRSEARCH_BASIN_MODEL_H
#define LRSEARCH_BASIN_MODEL_H

#include <stdbool.h>

/* The model of one basin, and what is expected of it before its losses:
 *
 *     loss(x) = level + curvature g(x - vertex) + noise,   g(t) = t^2 (1 + asymmetry tanh t)
 *
 * x = log2 lr; published basins are steeper to the right. The vertex lies on a grid, so that a
 * basin seen from one side only, or two places that could both be the optimum, come out as what
 * they are. With horizons, t octaves of tokens from a reference: curvature ~ base 2^(-drift t). */

#define VERTEX_GRID_MAX 128
#define BASIN_ASYMMETRIES 2
#define BASIN_SIGMAS 8
#define BASIN_DRIFTS 2
#define BASIN_MISFITS 4

#define CURVATURE_SPREAD 0.35 /* by which one basin's curvature differs from the rule, relative */
#define HEIGHT_MOST 30.0      /* nats above the bottom: whatever is higher is no better known */
#define LEVEL_DEVIATION 1.0   /* nats: of a basin without a loss */
/* Curvature of the loss over the LR, nats per octave^2: published sweeps have .012, tiny models .02
 * to .06. The least that is considered; center and standard deviation of the logarithm. */
#define CURVATURE_LEAST 0.002
#define CURVATURE_CENTER 0.014
#define CURVATURE_WIDTH 1.1

extern const double basin_asymmetry[BASIN_ASYMMETRIES];
extern const double basin_drift[BASIN_DRIFTS];
/* Standard deviations of a vertex around the law, octaves, and how likely each is beforehand. */
extern const double basin_misfit[BASIN_MISFITS], basin_misfit_prior[BASIN_MISFITS];

double basin_sigma(int index);           /* standard deviation of one loss, nats */
double basin_sigma_log_prior(int index); /* log density, but for a constant */

double basin_shape(double t, double asymmetry); /* g */
/* How far off the model itself is at such a height above the bottom, nats. Far from the optimum
 * losses tell little about where it is, least of all to the right, where the cliff is. */
double basin_shape_error(double height, bool right);
/* Probability that a training diverges so many octaves above the optimum. */
double basin_divergence(double octaves);

struct vertex_grid {
    double low, step; /* log2 lr */
    int count;        /* at most VERTEX_GRID_MAX */
};
/* Over the range of the search and somewhat beyond: an optimum may lie where nothing was tried. */
struct vertex_grid vertex_grid_lay(double lr_low, double lr_high);
double vertex_grid_x(const struct vertex_grid *grid, int vertex);
int vertex_grid_nearest(const struct vertex_grid *grid, double x);

#endif
