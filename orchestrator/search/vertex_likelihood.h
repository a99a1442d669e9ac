#ifndef LRSEARCH_VERTEX_LIKELIHOOD_H
#define LRSEARCH_VERTEX_LIKELIHOOD_H

#include "search/basin_model.h"
#include "search/observations.h"

/* Likelihood of one horizon's losses over the grid of its vertex (model: basin_model.h), given
 * shape and noise. Level and curvature are integrated out in closed form. */

/* Parameters that all horizons share. */
struct shape {
    double curvature;     /* nats per octave^2, at t = 0 */
    double drift;         /* the curvature falls as 2^(-drift t) */
    int asymmetry, sigma; /* indices */
};

struct vertex_likelihood {
    const struct vertex_grid *grid;
    double t;              /* log2(tokens / tokens of the longest horizon with data) */
    double bottom;         /* lowest loss */
    size_t losses, others; /* LRs with a loss; LRs that diverged, and optima measured elsewhere */
    /* log_norm: sum of (ln w - freedom ln sigma^2 - scatter / sigma^2) / 2 */
    struct likelihood_noise {       /* over the losses, independent of the vertex */
        double w, wy, yy, log_norm; /* w, w y; w y^2 around the weighted mean */
    } noise[BASIN_SIGMAS];
    struct likelihood_sums { /* sum w g; w g^2, w g y around the weighted means */
        double wg[VERTEX_GRID_MAX], gg[VERTEX_GRID_MAX], gy[VERTEX_GRID_MAX];
    } sums[BASIN_ASYMMETRIES][BASIN_SIGMAS];
    double beside[VERTEX_GRID_MAX]; /* log likelihood of divergences and measured optima */
    /* set by vertex_likelihood_weigh(): */
    double log_of[VERTEX_GRID_MAX]; /* log likelihood of each vertex */
    double largest;
    int first, end; /* outside [first, end) vertices are negligible */
};

/* The caller zeroes `likelihood`; `grid` must outlive it. */
void vertex_likelihood_gather(struct vertex_likelihood *likelihood, const struct basin *basin,
                              const struct vertex_grid *grid, double t);
bool vertex_likelihood_is_empty(const struct vertex_likelihood *likelihood);
void vertex_likelihood_weigh(struct vertex_likelihood *likelihood, const struct shape *shape);
/* Upper bound of the largest log likelihood for this shape; cheaper than weighing. */
double vertex_likelihood_bound(const struct vertex_likelihood *likelihood,
                               const struct shape *shape);
/* Draws curvature (nats per octave^2) and level (nats) of this horizon for one vertex of the grid,
 * from two standard normal numbers. */
void vertex_likelihood_draw(const struct vertex_likelihood *likelihood, const struct shape *shape,
                            int vertex, const double normal[2], double *curvature, double *level);

#endif
