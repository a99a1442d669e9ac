#ifndef LRSEARCH_SAMPLER_H
#define LRSEARCH_SAMPLER_H

#include "search/cell_data.h"

/* The Gibbs sampler of cell_posterior.c: its state, which is one sample of the posterior of
 * cell_posterior.h, and how it is moved. */

#define SAMPLER_CURVATURES 8
#define SAMPLER_SCALES BASIN_MISFITS /* sizes of a misfit, and of a cell's random effect */

struct sampler_law {                                 /* of one coordinate */
    int asymmetry, curvature, drift, misfit, effect; /* indices */
    double theta[TERMS_MAX];
    double stretch[TERMS_MAX]; /* of a heavy term's variance: Student as a mixture of normals */
};

struct sampler_basin {
    bool known; /* has losses or walls */
    double vertex[SEARCH_COORDINATES];
    int place[SEARCH_COORDINATES]; /* the vertex's on its grid */
    double curvature[SEARCH_COORDINATES];
    double level;                    /* over the lowest loss */
    double line[SEARCH_COORDINATES]; /* where the law puts coordinate k: the LR's vertex, or the
                                        log2 of the ratio */
    double support;                  /* sampler_law.c's: log likelihood of the vertex as it is, */
    double moved, off;               /* when it is moved, and by how much it is */
    double log_of[VERTEX_GRID_MAX]; /* log likelihood of the coordinate at hand, level and curvature
                                     integrated out */
};

struct sampler {
    const struct cell_data *data;
    uint64_t draws;
    int sigma;
    struct sampler_law laws[SEARCH_COORDINATES];
    struct sampler_basin *basins;
    double *features[SEARCH_COORDINATES]; /* term_value(): [basin][term] */
    double *matrix;                       /* of the regression */
    double *unexplained; /* losses of data->points less what the other coordinates explain */
};

/* In its first state. `data` must outlive it. NULL: no memory. */
struct sampler *sampler_create(const struct cell_data *data);
void sampler_destroy(struct sampler *sampler);
/* False: interrupted. */
bool sampler_run(struct sampler *sampler, int sweeps);

/* For its parts: random numbers in [0, 1), normal, */
double sampler_uniform(struct sampler *sampler);
double sampler_normal(struct sampler *sampler);
/* and an index in proportion to exp(log_weight), which spoils the weights. */
int sampler_pick(struct sampler *sampler, double *log_weights, int count);

#endif
