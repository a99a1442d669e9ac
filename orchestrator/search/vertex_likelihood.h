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

#define EVIDENCE_GRID 128
#define EVIDENCE_ASYMMETRIES 2
#define EVIDENCE_SIGMAS 8

struct vertex_grid {
    double low, step; /* log2 lr */
    int count;        /* at most EVIDENCE_GRID */
};
/* Over the range of the search and somewhat beyond: an optimum may lie where nothing was tried. */
struct vertex_grid vertex_grid_lay(double lr_low, double lr_high);

/* What all horizons share. */
struct shape {
    double curvature;     /* nats per octave^2, at t = 0 */
    double drift;         /* the curvature falls as 2^(-drift t) */
    int asymmetry, sigma; /* indices */
};
extern const double evidence_asymmetry[EVIDENCE_ASYMMETRIES];
double evidence_sigma(int index); /* standard deviation of one loss, nats */

double basin_shape(double t, double asymmetry); /* g */
/* How far off the model itself is at such a height above the bottom, nats. Far from the optimum
 * losses tell little about where it is, least of all to the right, where the cliff is. */
double basin_shape_error(double height, bool right);

struct evidence {
    const struct vertex_grid *grid;
    double t;               /* log2 tokens over those of the longest horizon seen */
    double bottom;          /* lowest loss */
    size_t losses, others;  /* LRs with a loss; LRs that diverged, and optima measured elsewhere */
    struct evidence_noise { /* sums that do not depend on the vertex */
        double w, wy, yy, log_norm; /* yy: around the weighted mean */
    } noise[EVIDENCE_SIGMAS];
    struct evidence_sums { /* gg, gy: around the weighted means */
        double wg[EVIDENCE_GRID], gg[EVIDENCE_GRID], gy[EVIDENCE_GRID];
    } sums[EVIDENCE_ASYMMETRIES][EVIDENCE_SIGMAS];
    double beside[EVIDENCE_GRID]; /* log likelihood by what is not a loss */
    /* by evidence_weigh(): */
    double log_of[EVIDENCE_GRID]; /* log likelihood of each vertex */
    double largest;
    int first, end; /* outside, vertices are out of the question */
};

/* `evidence` is zeroed; `grid` must outlive it. */
void evidence_gather(struct evidence *evidence, const struct basin *basin,
                     const struct vertex_grid *grid, double t);
bool evidence_is_empty(const struct evidence *evidence);
void evidence_weigh(struct evidence *evidence, const struct shape *shape);
/* Not less than the largest log likelihood for this shape; faster. */
double evidence_bound(const struct evidence *evidence, const struct shape *shape);
/* Curvature and level of this horizon for one vertex of the grid, from two normal numbers. */
void evidence_draw(const struct evidence *evidence, const struct shape *shape, int vertex,
                   const double normal[2], double *curvature, double *level);

#endif
