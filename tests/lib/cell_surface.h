#ifndef TESTS_CELL_SURFACE_H
#define TESTS_CELL_SURFACE_H

#include "surface.h"

/* A campaign over 3 widths and 3 vocabularies on made-up surfaces: the optimum moves along both by
 * power laws, from which each cell is off by .12 octaves and each basin by the surface's misfit. */

#define CELL_SURFACES 9

struct cell_surface {
    struct surface cells[CELL_SURFACES]; /* [vocabulary * 3 + width] */
    struct search_cell axes[CELL_SURFACES];
    double ratio[CELL_SURFACES]; /* best embedding ratio */
    double ratio_curvature;      /* nats per octave^2; 0: the loss does not depend on it */
    double width_exponent, vocab_exponent, gamma; /* of LR*, LR*, ratio over the width */
};

struct cell_surface cell_surface_draw(uint64_t seed, double noise);
/* Over all cells, with the last as the target. `surface` must outlive it. */
struct search_space cell_surface_space(const struct cell_surface *surface);
struct observation cell_surface_try(const struct cell_surface *surface,
                                    const struct proposal *proposal);

/* A search in steps; the costs are in target runs of a cell of average cost. */
struct cell_run {
    struct observation seen[SURFACE_SEEN];
    size_t count;
    uint32_t rounds;
    double cost;
};
/* One round; its number of trials, 0 at the end, negative: an error. */
int cell_surface_round(struct cell_run *run, const struct cell_surface *surface,
                       const struct search_space *space, const struct policy *policy);
/* Mean width of the cells' 90 % intervals at the target, octaves; mean loss penalty of their
 * optima, nats; share of intervals that hold. */
struct cell_outcome {
    double width, penalty, holds;
};
struct cell_outcome cell_surface_outcome(const struct cell_run *run,
                                         const struct cell_surface *surface,
                                         const struct search_space *space);
/* The same for nine searches that know nothing of each other, by policy design. */
struct cell_outcome cell_surface_apart(const struct cell_surface *surface,
                                       const struct search_space *space, double *cost);

#endif
