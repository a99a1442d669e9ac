#ifndef LRSEARCH_BASIN_MODEL_H
#define LRSEARCH_BASIN_MODEL_H

#include <stdbool.h>

/* The model of one basin, and its priors:
 *
 *     loss(x) = level + curvature g(x - vertex) + noise,   x = log2 lr
 *     g(t) = |t|^power (1 + asymmetry tanh 2 t),  rounded at 0, mean of g(-1) and g(1): 1
 *
 * Power and asymmetry are those of one of BASIN_SHAPES shapes: from a V to a flat bottom between
 * cliffs, steeper to either side. Most basins share one. A loss deviates from it by noise and by a
 * model error in proportion to the height, whose sizes are sampled: where no shape fits, losses far
 * from the optimum count less and the interval widens. At a horizon t octaves of tokens from the
 * reference the curvature is about base 2^(-drift t). */

#define VERTEX_GRID_MAX 128
#define BASIN_POWERS 3
#define BASIN_ASYMMETRIES 5
#define BASIN_SHAPES (BASIN_POWERS * BASIN_ASYMMETRIES)
#define BASIN_SIGMAS 8
#define BASIN_ERRORS 3
#define BASIN_NOISES (BASIN_SIGMAS * BASIN_ERRORS) /* [sigma * BASIN_ERRORS + error] */
#define BASIN_CURVATURES 8
#define BASIN_DRIFTS 3
#define BASIN_MISFITS 4

#define CURVATURE_SPREAD 0.35 /* relative standard deviation of a basin's curvature around this */
#define HEIGHT_MOST 30.0      /* nats above the bottom: losses are clipped there */
#define LEVEL_DEVIATION 1.0   /* nats, standard deviation: level of a basin without a loss */
/* Curvature, nats one octave away: published sweeps have .012, tiny models .02 to .06. Smallest
 * value considered; median and standard deviation of the logarithm of the log-normal prior. */
#define CURVATURE_LEAST 0.002
#define CURVATURE_CENTER 0.014
#define CURVATURE_WIDTH 1.1
/* The same of a ratio, which matters less and of which less is known, */
#define RATIO_LEAST 0.0005
#define RATIO_CENTER 0.006
#define RATIO_WIDTH 1.5
/* and of the weight decay: published effects, a factor 2 to 4 from the best: .002 to .005 nats. */
#define DECAY_LEAST 0.00025
#define DECAY_CENTER 0.002
#define DECAY_WIDTH 1.5

struct basin_shape {
    double power, asymmetry, prior;
};
/* Prior probability that a basin has the shape that most basins have; otherwise one by the prior.
 * Of small models the same basin may be steeper to the left at 256 steps and to neither side at
 * 1024. */
#define SHAPE_SHARED 0.8
extern const double basin_drift_prior[BASIN_DRIFTS];
/* Curvature t octaves of tokens from the reference over that at the reference: 2^(-drift t). Beyond
 * the reference, t > 0, drift is .2 at most. */
double basin_flattening(int drift, double t);
/* Standard deviations of a vertex around the law, octaves, and their prior probabilities. */
extern const double basin_misfit[BASIN_MISFITS], basin_misfit_prior[BASIN_MISFITS];
/* Model error over height, and prior probabilities. */
extern const double basin_error[BASIN_ERRORS], basin_error_prior[BASIN_ERRORS];

double basin_sigma(int index);           /* standard deviation of one loss, nats */
double basin_sigma_log_prior(int index); /* log density up to a constant */

/* shape: below BASIN_SHAPES; the middle one is a parabola, BASIN_PARABOLA. */
#define BASIN_PARABOLA (BASIN_ASYMMETRIES + BASIN_ASYMMETRIES / 2)
struct basin_shape basin_shape_of(int shape);
double basin_height(double t, int shape); /* g */

/* g in steps of 1 / HEIGHTS_OCTAVE octaves within HEIGHTS_REACH of the vertex: a table for
 * speed. */
#define HEIGHTS_OCTAVE 32
#define HEIGHTS_REACH 16
#define HEIGHTS (2 * HEIGHTS_REACH * HEIGHTS_OCTAVE + 1)
struct basin_heights {
    double g[BASIN_SHAPES][HEIGHTS];
};
void basin_heights_fill(struct basin_heights *heights);
double basin_heights_at(const struct basin_heights *heights, double t, int shape);

/* Probability that a trial diverges this many octaves above the optimum; `both`: or below it. */
double basin_divergence(double octaves, bool both);
/* Prior probability that trials diverge on both sides. */
#define DIVERGES_BOTH 0.2

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
