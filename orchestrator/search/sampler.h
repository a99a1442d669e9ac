#ifndef LRSEARCH_SAMPLER_H
#define LRSEARCH_SAMPLER_H

#include "search/cell_posterior.h"

/* The state of the Gibbs sampler, for cell_posterior.c, cell_law.c and cell_basins.c only. */

#define CURVATURE_OWN 0.35 /* what one basin's curvature differs from the rule, relative */
#define CHAIN_CURVATURES 8
#define CHAIN_DRIFTS 2
#define CHAIN_SCALES 4 /* sizes of a misfit, and of what a cell has of its own */

struct chain_law {                                /* of one coordinate */
    int asymmetry, curvature, drift, misfit, own; /* indices */
    double theta[TERMS_MAX];
    double stretch[TERMS_MAX]; /* of a heavy term's variance: Student as a mixture of normals */
};

struct chain_basin {
    bool known; /* has losses or walls */
    double vertex[SEARCH_COORDINATES];
    int place[SEARCH_COORDINATES]; /* the vertex's on its grid */
    double curvature[SEARCH_COORDINATES];
    double level;                    /* over the lowest loss */
    double line[SEARCH_COORDINATES]; /* where the law puts coordinate k: the LR's vertex, or the
                                        log2 of the ratio */
    double support;                  /* cell_law.c's: log likelihood of the vertex as it is, */
    double moved, off;               /* when it is moved, and by how much it is */
    double log_of[EVIDENCE_GRID]; /* log likelihood of the coordinate at hand, level and curvature
                                     integrated out */
};

struct chain {
    const struct scene *scene;
    uint64_t draws;
    int sigma;
    struct chain_law laws[SEARCH_COORDINATES];
    struct chain_basin *basins;
    double *features[SEARCH_COORDINATES]; /* term_value(): [basin][term] */
    double *matrix;                       /* of the regression */
    double *unexplained; /* losses of scene->points less what the other coordinates explain */
};

double chain_uniform(struct chain *chain);
double chain_normal(struct chain *chain);
/* An index in proportion to exp(log_weight); spoils the weights. */
int chain_pick(struct chain *chain, double *log_weights, int count);

double chain_misfit(const struct chain *chain, int k);
double chain_own(const struct chain *chain, int k);
/* Fills coordinate k of every basin's `line`. */
void chain_draw_lines(struct chain *chain, int k);
/* Expected curvature, t octaves of tokens from the reference. */
double chain_curvature(const struct chain *chain, int k, double t);

/* cell_basins.c. Coordinate k is at hand now: what comes next is about it, and all vertices and
 * curvatures of the others stay. */
void chain_turn_to(struct chain *chain, int k);
/* Fills log_of of every basin for coordinate k. */
void chain_weigh(struct chain *chain, int k);
/* Draws vertex, curvature and level of every known basin for coordinate k, after chain_weigh(). */
void chain_draw_basins(struct chain *chain, int k);
/* Draws noise and, of coordinate k, the shape that all basins share, with level and curvature of
 * each left open: those are to be drawn next. */
void chain_draw_shape(struct chain *chain, int k);

/* cell_law.c. Moves the law and all vertices together, by what the losses say (after
 * chain_weigh()); and draws the law from the vertices alone. */
void chain_shift_law(struct chain *chain, int k);
void chain_draw_law(struct chain *chain, int k);
/* Standard deviation of a term before the data. */
double chain_term_deviation(const struct chain *chain, int k, size_t term);

#endif
