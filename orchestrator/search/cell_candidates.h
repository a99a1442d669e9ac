#ifndef LRSEARCH_CELL_CANDIDATES_H
#define LRSEARCH_CELL_CANDIDATES_H

#include "search/cell_posterior.h"
#include "search/lr_grid.h"
#include "search/policy.h"

/* Trials that could be next in a campaign with axes, and their information gain about the optima
 * that are wanted, read off the posterior samples: an optimum is the optimum of a coordinate in a
 * cell, or in the target where that is no cell, in units in which 1 costs a nat. For
 * policy_cells.c only. */

struct candidate {
    size_t basin;
    struct proposal proposal;
    double x[SEARCH_COORDINATES];
    double cost;    /* in runs of the cells' targets, on average */
    double noise;   /* variance of the loss around the model */
    double *values; /* [CELL_SAMPLES] the loss in each sample, less their mean */
    double spread;  /* variance of that */
    double *with;   /* [optima] its covariance with each */
    bool central;   /* ratios as expected */
    bool known;     /* its loss counts as observed */
};

struct candidates {
    const struct search_space *space;
    const struct cell_data *data;
    const struct cell_posterior *posterior;
    struct lr_grid grids[SEARCH_COORDINATES];
    struct search_space spaces[SEARCH_COORDINATES]; /* of the grids */
    struct candidate *all;                          /* by basin */
    size_t count, optima;
    double *values, *with;
    double unit; /* cost of a target run */
};

/* Only the grids, which need no posterior. */
void candidates_lay_grids(struct candidates *candidates, const struct cell_data *data);
double candidates_value(const struct candidates *candidates, int k, int place); /* of grid k */

/* All of them, after candidates_lay_grids(); both arguments must outlive them. False: no memory,
 * and what there is of them is still to be destroyed. */
bool candidates_fill(struct candidates *candidates, const struct cell_posterior *posterior);
void candidates_destroy(struct candidates *candidates); /* all zero is fine */

/* Whether it is the trial that was seen, seeds apart. */
bool candidate_is(const struct proposal *proposal, const struct observation *seen);
/* From now on its loss counts as known. */
void candidates_condition(struct candidates *candidates, struct candidate *known);
/* How much the optima' variances would fall, by one or by two of a basin: nats. */
double candidate_gain(const struct candidates *candidates, const struct candidate *candidate);
double candidates_pair_gain(const struct candidates *candidates, const struct candidate *a,
                            const struct candidate *b);

#endif
