#ifndef LRSEARCH_CANDIDATES_H
#define LRSEARCH_CANDIDATES_H

#include "search/posterior.h"
#include "search/lr_grid.h"
#include "search/policy.h"

/* Candidates for the next trials of a campaign with axes, and their information gain over the
 * posterior samples. An optimum is that of a coordinate in a cell, or in the target if it is no
 * cell, scaled so that a variance of 1 costs 1 nat. For policy_design.c only. */

struct candidate {
    size_t basin;
    struct proposal proposal;
    double x[SEARCH_COORDINATES];
    double cost;    /* FLOPs over those of an average cell's target run */
    double noise;   /* variance of the loss around the model */
    double *values; /* [POSTERIOR_SAMPLES] the loss in each sample minus the mean */
    double spread;  /* variance of the values */
    double *with;   /* [optima] covariance of the loss with each */
    bool central;   /* ratios as expected */
    bool known;     /* its loss counts as observed */
};

struct candidates {
    const struct search_space *space;
    const struct cell_data *data;
    const struct posterior *posterior;
    struct lr_grid grids[SEARCH_COORDINATES];
    struct candidate *all; /* grouped by basin */
    size_t count, optima;
    double *values, *with;
    double unit; /* tokens times relative cost of an average target run */
};

/* Sets up the grids only; needs no posterior. */
void candidates_lay_grids(struct candidates *candidates, const struct cell_data *data);
double candidates_value(const struct candidates *candidates, int k, int place); /* LR or ratio */

/* Fills in the candidates, after candidates_lay_grids(). `posterior` and the data must outlive
 * them. False: no memory, or interrupted; candidates_destroy() is required all the same. */
bool candidates_fill(struct candidates *candidates, const struct posterior *posterior);
void candidates_destroy(struct candidates *candidates); /* accepts a zeroed struct */

/* True if both are the same trial, seeds apart. */
bool candidate_is(const struct proposal *proposal, const struct observation *seen);
/* Counts the candidate's loss as observed from now on. */
void candidates_condition(struct candidates *candidates, struct candidate *known);
/* Reduction of the sum of the optima's variances, nats, by one candidate or by two of one basin. */
double candidate_gain(const struct candidates *candidates, const struct candidate *candidate);
double candidates_pair_gain(const struct candidates *candidates, const struct candidate *a,
                            const struct candidate *b);

#endif
