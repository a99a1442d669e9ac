#ifndef LRSEARCH_VERTEX_LIKELIHOOD_H
#define LRSEARCH_VERTEX_LIKELIHOOD_H

#include "search/basin_model.h"
#include "search/observations.h"

/* What the losses of one horizon say about where its optimum is (basin_model.h), when the rest is
 * given. Level and curvature have a closed form and are integrated out. */

/* What all horizons share. */
struct shape {
    double curvature;     /* nats per octave^2, at t = 0 */
    double drift;         /* the curvature falls as 2^(-drift t) */
    int asymmetry, sigma; /* indices */
};

struct vertex_likelihood {
    const struct vertex_grid *grid;
    double t;              /* log2 tokens over those of the longest horizon seen */
    double bottom;         /* lowest loss */
    size_t losses, others; /* LRs with a loss; LRs that diverged, and optima measured elsewhere */
    struct likelihood_noise {       /* sums that do not depend on the vertex */
        double w, wy, yy, log_norm; /* yy: around the weighted mean */
    } noise[BASIN_SIGMAS];
    struct likelihood_sums { /* gg, gy: around the weighted means */
        double wg[VERTEX_GRID_MAX], gg[VERTEX_GRID_MAX], gy[VERTEX_GRID_MAX];
    } sums[BASIN_ASYMMETRIES][BASIN_SIGMAS];
    double beside[VERTEX_GRID_MAX]; /* log likelihood by what is not a loss */
    /* by vertex_likelihood_weigh(): */
    double log_of[VERTEX_GRID_MAX]; /* log likelihood of each vertex */
    double largest;
    int first, end; /* outside, vertices are out of the question */
};

/* `likelihood` is zeroed; `grid` must outlive it. */
void vertex_likelihood_gather(struct vertex_likelihood *likelihood, const struct basin *basin,
                              const struct vertex_grid *grid, double t);
bool vertex_likelihood_is_empty(const struct vertex_likelihood *likelihood);
void vertex_likelihood_weigh(struct vertex_likelihood *likelihood, const struct shape *shape);
/* Not less than the largest log likelihood for this shape; faster. */
double vertex_likelihood_bound(const struct vertex_likelihood *likelihood,
                               const struct shape *shape);
/* Curvature and level of this horizon for one vertex of the grid, from two normal numbers. */
void vertex_likelihood_draw(const struct vertex_likelihood *likelihood, const struct shape *shape,
                            int vertex, const double normal[2], double *curvature, double *level);

#endif
