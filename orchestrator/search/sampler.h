#ifndef LRSEARCH_SAMPLER_H
#define LRSEARCH_SAMPLER_H

#include "search/basin_likelihood.h"

/* State of the Gibbs sampler that posterior_create() runs; it is one sample of that posterior. */

#define SAMPLER_SCALES BASIN_MISFITS /* grid sizes: misfits, and random effects */
#define SAMPLER_FEATURES 24          /* terms that apply to one basin, at most */

enum effect { EFFECT_CELL, EFFECT_HORIZON, EFFECT_COUNT }; /* random effects with sampled sizes */

struct sampler_law {              /* of one coordinate */
    int shape;                    /* that most basins share */
    int curvature, drift, misfit; /* indices into their grids */
    int effect[EFFECT_COUNT];     /* of the random effects' sizes */
    double theta[TERMS_MAX];
    double stretch[TERMS_MAX]; /* on a heavy term's variance: Student as a mixture of normals */
};

struct sampler_row { /* a basin's likelihood over the grid of its vertex */
    struct basin_node node;
    double log_of[VERTEX_GRID_MAX];
    double likelihood[VERTEX_GRID_MAX]; /* over exp(scale) */
    double scale;                       /* the largest of log_of */
};

struct sampler_basin { /* first what the moves of the law need */
    bool known;
    int shape;                     /* of the LR's coordinate */
    double support;                /* sampler_law.c: log likelihood of the vertex, */
    double moved, off;             /* the same after a move; the move, octaves */
    const struct sampler_row *row; /* of the current coordinate and node */
    double vertex[SEARCH_COORDINATES];
    double line[SEARCH_COORDINATES]; /* the law's value: the LR's vertex, or log2 of the ratio */
    int place[SEARCH_COORDINATES];   /* the vertex's index on its grid */
    double curvature[SEARCH_COORDINATES];
    double level;                        /* nats above the basin's lowest loss */
    double shape_evidence[BASIN_SHAPES]; /* over the largest; of the current draw only */
};

struct sampler_features { /* of one basin or optimum: the terms of its law that are not 0 */
    int count;
    struct {
        int term;
        double value;
    } of[SAMPLER_FEATURES];
};

struct sampler_entry {
    uint32_t basin;
    double value; /* of the feature */
};

struct
    sampler_column { /* of one term: entries[first..end), the known basins whose law it changes */
    size_t first, end;
    double reach; /* largest feature */
};

struct sampler {
    const struct cell_data *data;
    uint64_t draws;
    uint32_t sweeps;
    int sigma, error;
    struct sampler_law laws[SEARCH_COORDINATES];
    struct sampler_basin *basins;
    struct sampler_features *features[SEARCH_COORDINATES]; /* [basin] */
    struct sampler_entry *entries[SEARCH_COORDINATES];     /* sorted by term, then basin */
    struct sampler_column *columns[SEARCH_COORDINATES];    /* [term] */
    double *matrix;                                        /* normal matrix of the regression */
    double *unexplained; /* losses of data->points minus the other coordinates' contributions */
    /* With few basins and one coordinate, rows by node: [basin][node] 1 + the row, 0: none.
     * Otherwise NULL, and rows are [basin] at its node. */
    uint32_t *row_index;
    struct sampler_row *rows;
    uint32_t row_count, row_capacity;
};

/* Starts at the lowest losses and the prior means of the law. `data` must outlive it. NULL: no
 * memory. */
struct sampler *sampler_create(const struct cell_data *data);
void sampler_destroy(struct sampler *sampler);
/* Runs that many sweeps. False: interrupted. */
bool sampler_run(struct sampler *sampler, int sweeps);

/* Features of a cell (-1: none of the space's), a horizon (-1: none) and t octaves of tokens. */
struct sampler_features sampler_features_of(const struct terms *terms,
                                            const struct search_cell *cell, int index, int horizon,
                                            double t);
/* The law's value there. */
double sampler_line(const struct sampler *sampler, int k, const struct sampler_features *features);

/* For the sampler's own files: uniform in [0, 1), standard normal, */
double sampler_uniform(struct sampler *sampler);
double sampler_normal(struct sampler *sampler);
/* an index with probability proportional to exp(log_weight), which is overwritten, */
int sampler_pick(struct sampler *sampler, double *log_weights, int count);
/* or to the weight; -1: all are 0. */
int sampler_pick_weighted(struct sampler *sampler, const double *weights, int count);

#endif
