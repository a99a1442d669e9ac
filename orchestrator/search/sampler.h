#ifndef LRSEARCH_SAMPLER_H
#define LRSEARCH_SAMPLER_H

#include "search/cell_posterior.h"

/* The state of the Gibbs sampler, for cell_posterior.c, cell_law.c and cell_basins.c only. */

#define CURVATURE_SPREAD 0.35 /* what one basin's curvature differs from the rule, relative */
#define SAMPLER_CURVATURES 8
#define SAMPLER_DRIFTS 2
#define SAMPLER_SCALES 4 /* sizes of a misfit, and of what a cell has of its own */

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
    double support;                  /* cell_law.c's: log likelihood of the vertex as it is, */
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

double sampler_uniform(struct sampler *sampler);
double sampler_normal(struct sampler *sampler);
/* An index in proportion to exp(log_weight); spoils the weights. */
int sampler_pick(struct sampler *sampler, double *log_weights, int count);

double sampler_misfit(const struct sampler *sampler, int k);
double sampler_cell_effect(const struct sampler *sampler, int k);
/* Fills coordinate k of every basin's `line`. */
void sampler_draw_lines(struct sampler *sampler, int k);
/* Expected curvature, t octaves of tokens from the reference. */
double sampler_curvature(const struct sampler *sampler, int k, double t);

/* cell_basins.c. Coordinate k is at hand now: what comes next is about it, and all vertices and
 * curvatures of the others stay. */
void sampler_turn_to(struct sampler *sampler, int k);
/* Fills log_of of every basin for coordinate k. */
void sampler_weigh(struct sampler *sampler, int k);
/* Draws vertex, curvature and level of every known basin for coordinate k, after sampler_weigh(). */
void sampler_draw_basins(struct sampler *sampler, int k);
/* Draws noise and, of coordinate k, the shape that all basins share, with level and curvature of
 * each left open: those are to be drawn next. */
void sampler_draw_shape(struct sampler *sampler, int k);

/* cell_law.c. Moves the law and all vertices together, by what the losses say (after
 * sampler_weigh()); and draws the law from the vertices alone. */
void sampler_shift_law(struct sampler *sampler, int k);
void sampler_draw_law(struct sampler *sampler, int k);
/* Standard deviation of a term before the data. */
double sampler_term_deviation(const struct sampler *sampler, int k, size_t term);

#endif
