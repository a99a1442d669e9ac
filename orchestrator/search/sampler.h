#ifndef LRSEARCH_SAMPLER_H
#define LRSEARCH_SAMPLER_H

#include "search/cell_data.h"

/* State of the Gibbs sampler that posterior_create() runs; it is one sample of that
 * posterior. */

#define SAMPLER_CURVATURES 8
#define SAMPLER_SCALES BASIN_MISFITS /* grid sizes: misfits, and cells' random effects */

struct sampler_law {                                 /* of one coordinate */
    int asymmetry, curvature, drift, misfit, effect; /* indices into their grids */
    double theta[TERMS_MAX];
    double stretch[TERMS_MAX]; /* on a heavy term's variance: Student as a mixture of normals */
};

struct sampler_basin {
    bool known; /* has losses or walls */
    double vertex[SEARCH_COORDINATES];
    int place[SEARCH_COORDINATES]; /* the vertex's index on its grid */
    double curvature[SEARCH_COORDINATES];
    double level;                    /* nats above the basin's lowest loss */
    double line[SEARCH_COORDINATES]; /* the law's value: the LR's vertex, or log2 of the ratio */
    double support;                  /* sampler_law.c: log likelihood of the vertex, */
    double moved, off;               /* the same after a move; the move, octaves */
    double log_of[VERTEX_GRID_MAX];  /* log likelihood over the grid of the current coordinate,
                                       level and curvature integrated out */
};

struct sampler {
    const struct cell_data *data;
    uint64_t draws;
    int sigma;
    struct sampler_law laws[SEARCH_COORDINATES];
    struct sampler_basin *basins;
    double *features[SEARCH_COORDINATES]; /* term_value(): [basin][term] */
    double *matrix;                       /* normal matrix of the regression */
    double *unexplained; /* losses of data->points minus the other coordinates' contributions */
};

/* Starts at the lowest losses and the prior means of the law. `data` must outlive it. NULL: no
 * memory. */
struct sampler *sampler_create(const struct cell_data *data);
void sampler_destroy(struct sampler *sampler);
/* Runs that many sweeps. False: interrupted. */
bool sampler_run(struct sampler *sampler, int sweeps);

/* For the sampler's own files: uniform in [0, 1), standard normal, */
double sampler_uniform(struct sampler *sampler);
double sampler_normal(struct sampler *sampler);
/* and an index with probability proportional to exp(log_weight); overwrites the weights. */
int sampler_pick(struct sampler *sampler, double *log_weights, int count);

#endif
