#ifndef LRSEARCH_CELL_DATA_H
#define LRSEARCH_CELL_DATA_H

#include "search/basin_model.h"
#include "search/cell_terms.h"

/* Observations of a campaign, arranged for the sampler: a basin for each cell and horizon, with a
 * coordinate for each searched LR:
 *
 *     loss = level + sum over k of curvature_k g(x_k - vertex_k) + noise       g: basin_model.h
 *
 * x_0 = log2 lr, x_1+r = log2(lr ratio_r): the LRs of the hidden matrices, of the embedding and of
 * the output act independently, so that the best ratio is a difference of vertices. Only the LR's
 * basin has a free shape; a ratio's is a parabola. */

struct cell_point { /* one combination of LRs; its replicates averaged */
    double x[SEARCH_COORDINATES];
    double loss; /* nats above the basin's lowest, at most HEIGHT_MOST; NaN: a replicate diverged */
    double replicates;
    double variance;         /* of the loss, known already: the noise is added; nats^2 */
    double scatter, freedom; /* of the replicates around their mean and seed offsets, which move
                                no minimum: sum of squares, degrees of freedom */
    double weights[BASIN_NOISES]; /* 1 / variance of the loss, for each noise */
    uint32_t first, end;          /* seen[first..end) */
};

struct cell_basin {
    uint32_t cell, horizon;
    double t;                  /* log2(tokens / reference_tokens) */
    double bottom;             /* lowest loss, nats */
    struct cell_point *points; /* losses first, then divergences */
    size_t losses, walls;
    uint32_t trials, diverged;
    const struct observation *optimum; /* OBSERVED_OPTIMUM; NULL: none */
    double log_norm[BASIN_NOISES];   /* log norm of the losses' likelihood, level integrated out */
    double flattening[BASIN_DRIFTS]; /* curvature over the reference horizon's: 2^(-drift t) */
    /* g(x_k - vertex) of points[i] over the grid: shape[k] + (i * shapes of k + shape) *
     * VERTEX_GRID_MAX */
    double *shape[SEARCH_COORDINATES];
    /* divergence probability of points[losses + i], of one side and of both: wall[k][both] + i *
     * VERTEX_GRID_MAX */
    double *wall[SEARCH_COORDINATES][2];
    /* probability over the grid that every loss trains, if trials diverge below the optimum too */
    double *survival[SEARCH_COORDINATES];
};

struct cell_data {
    struct search_space space;           /* the caller's; with at least one cell */
    struct search_cell only;             /* the cell of a campaign without axes */
    int coordinates[SEARCH_COORDINATES]; /* searched ones: 0 is the LR, 1 + r is ratio r */
    int coordinate_count;
    struct vertex_grid grids[SEARCH_COORDINATES]; /* of coordinates[k] */
    struct terms terms[SEARCH_COORDINATES];
    double reference_tokens; /* t = 0: the longest horizon with a loss or an optimum */
    size_t basin_count;      /* cells x horizons: [cell * horizon_count + horizon] */
    struct cell_basin *basins;
    struct observation *seen; /* sorted; without running trials */
    size_t seen_count;
    struct cell_point *points;
    struct basin_heights *heights;
    double *tables;
};

/* NULL: no memory. What `space` points to must outlive it. skip: index of a basin whose
 * observations are ignored (to predict it from the others); -1: none. */
struct cell_data *cell_data_create(const struct search_space *space, const struct observation *seen,
                                   size_t count, int skip);
void cell_data_destroy(struct cell_data *data);

/* The point with the lowest loss; NULL: none has a loss. */
const struct cell_point *cell_basin_best(const struct cell_basin *basin);
/* On which sides of the lowest loss something was tried, with a loss or a divergence. */
struct tried_sides {
    bool below, above;
};
struct tried_sides cell_basin_tried(const struct cell_basin *basin);
/* True if losses, divergences or a measured optimum say anything about the basin. */
bool cell_basin_is_known(const struct cell_basin *basin);
bool cell_data_has_losses(const struct cell_data *data);
/* Shapes that coordinate k may have. */
int cell_data_shapes(const struct cell_data *data, int k);
/* log2 of the LR of coordinate `k` (an index into coordinates) in an observation or a proposal. */
double cell_data_x(const struct cell_data *data, int k, double lr,
                   const double ratios[RATIO_COUNT]);
/* t = log2(tokens / reference_tokens). */
double cell_data_t(const struct cell_data *data, double tokens);

#endif
