#ifndef LRSEARCH_EVIDENCE_H
#define LRSEARCH_EVIDENCE_H

#include "search/basin.h"

/* What the losses of one horizon say about where its optimum is, when the rest is given:
 *
 *     loss(x) = level + curvature g(x - vertex) + noise,   g(t) = t^2 (1 + asymmetry tanh t)
 *
 * x = log2 lr; published basins are steeper to the right. Level and curvature have a closed form
 * and are integrated out; the vertex lies on a grid, so that a basin seen from one side only, or
 * two places that could both be the optimum, come out as what they are. */

#define EVIDENCE_GRID 128
#define EVIDENCE_ASYMMETRIES 3
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
    size_t losses, walls;   /* LRs with a loss; LRs where a replicate diverged */
    struct evidence_noise { /* sums that do not depend on the vertex */
        double w, wy, wyy, log_norm;
    } noise[EVIDENCE_SIGMAS];
    struct evidence_sums {
        double wg, wgg, wgy;
    } sums[EVIDENCE_ASYMMETRIES][EVIDENCE_SIGMAS][EVIDENCE_GRID];
    double wall[EVIDENCE_GRID];   /* log likelihood of the divergences */
    double log_of[EVIDENCE_GRID]; /* log likelihood of each vertex, by evidence_weigh() */
};

/* `evidence` is zeroed; `grid` must outlive it. */
void evidence_gather(struct evidence *evidence, const struct basin *basin,
                     const struct vertex_grid *grid, double t);
bool evidence_is_empty(const struct evidence *evidence);
/* Fills log_of for this shape; returns the largest. */
double evidence_weigh(struct evidence *evidence, const struct shape *shape);
/* Curvature and level of this horizon for one vertex of the grid, from two normal numbers. */
void evidence_draw(const struct evidence *evidence, const struct shape *shape, int vertex,
                   const double normal[2], double *curvature, double *level);

#endif
