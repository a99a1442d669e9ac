#ifndef LRSEARCH_VERTEX_LIKELIHOOD_H
#define LRSEARCH_VERTEX_LIKELIHOOD_H

#include "search/basin.h"

/* What the losses of one horizon say about where its optimum is, when the rest is given:
 *
 *     loss(x) = level + curvature g(x - vertex) + noise,   g(t) = t^2 (1 + asymmetry tanh t)
 *
 * x = log2 lr; published basins are steeper to the right. Level and curvature have a closed form
 * and are integrated out; the vertex lies on a grid, so that a basin seen from one side only, or
 * two places that could both be the optimum, come out as what they are. */

#define VERTEX_GRID_MAX 128
#define BASIN_ASYMMETRIES 2
#define BASIN_SIGMAS 8

struct vertex_grid {
    double low, step; /* log2 lr */
    int count;        /* at most VERTEX_GRID_MAX */
};
/* Over the range of the search and somewhat beyond: an optimum may lie where nothing was tried. */
struct vertex_grid vertex_grid_lay(double lr_low, double lr_high);

/* What all horizons share. */
struct shape {
    double curvature;     /* nats per octave^2, at t = 0 */
    double drift;         /* the curvature falls as 2^(-drift t) */
    int asymmetry, sigma; /* indices */
};
extern const double basin_asymmetry[BASIN_ASYMMETRIES];
double basin_sigma(int index); /* standard deviation of one loss, nats */

double basin_shape(double t, double asymmetry); /* g */
/* How far off the model itself is at such a height above the bottom, nats. Far from the optimum
 * losses tell little about where it is, least of all to the right, where the cliff is. */
double basin_shape_error(double height, bool right);

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
