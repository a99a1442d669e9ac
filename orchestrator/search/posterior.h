#ifndef LRSEARCH_POSTERIOR_H
#define LRSEARCH_POSTERIOR_H

#include "search/cell_data.h"
#include "search/numerics.h"

/* Joint posterior of all losses of a campaign, of one cell or many. In octaves, with the law's
 * terms of cell_terms.h:
 *
 *     loss     = level + sum over k of curvature_k g(x_k - vertex_k) + noise     g: basin_model.h
 *     vertex_0 = law_0 + misfit_0,   vertex_k = vertex_0 + law_k + misfit_k
 *
 * Drawn by Gibbs sampling: there are too many unknowns to enumerate. */

#define POSTERIOR_SAMPLES 512

struct basin_sample {
    double vertex[SEARCH_COORDINATES]; /* log2 LR of coordinate k */
    double curvature[SEARCH_COORDINATES];
    int shape;    /* of coordinate 0; of the others BASIN_PARABOLA */
    double level; /* nats; without a loss normal around 0, LEVEL_DEVIATION wide */
};

struct optimum_sample {                 /* a cell, or the target, at target_tokens */
    double optimum[SEARCH_COORDINATES]; /* [0]: log2 LR*; [k]: log2 of the best ratio */
    double curvature[SEARCH_COORDINATES];
    int shape; /* of coordinate 0 */
};

struct sample {   /* all have equal weight */
    double sigma; /* noise of one loss, nats */
    double error; /* model error over height above the bottom */
    double misfit[SEARCH_COORDINATES];
    double shared; /* LR: standard deviation of what all cells share at a horizon; one cell: 0 */
    double theta[SEARCH_COORDINATES][TERMS_MAX]; /* coefficients of data->terms */
};

struct posterior {
    const struct cell_data *data;      /* must outlive the posterior */
    size_t basin_count, optimum_count; /* optima: one per cell, then the target */
    bool anything; /* a loss or a measured optimum is known: otherwise it is the prior */
    struct sample samples[POSTERIOR_SAMPLES];
    struct basin_sample *basins;   /* [sample][basin] */
    struct optimum_sample *optima; /* [sample][optimum] */
};

/* Deterministic, for any order of observations. NULL: no memory, or interrupted. */
struct posterior *posterior_create(const struct cell_data *data);
void posterior_destroy(struct posterior *posterior);

/* What is expected of the posterior mean as the target's LR. */
struct target_error {
    double penalty; /* expected nats above the loss at the optimum */
    double octaves; /* half the width of the 90 % interval */
    double farther; /* octaves from the answer to the farther end of the interval */
};
#define PRECISE_OCTAVES 0.5 /* so narrow an interval is always precise enough */
struct target_error posterior_target_error(const struct posterior *posterior);
/* Expected nats above the optimum's loss at the target, at log2 lr = x with the ratios at
 * `ratios`, log2; NULL: the best. */
double posterior_penalty(const struct posterior *posterior, double x, const double *ratios);
/* Spread of coordinate k's optimum: of a cell, or of the target (cell_count). */
struct spread posterior_optimum_spread(const struct posterior *posterior, size_t optimum, int k);

const struct basin_sample *posterior_basin(const struct posterior *posterior, int sample,
                                           size_t basin);
const struct optimum_sample *posterior_optimum(const struct posterior *posterior, int sample,
                                               size_t optimum);

/* Spread of one member of a basin's samples; `offset`: offsetof(struct basin_sample, ...). */
struct spread posterior_spread(const struct posterior *posterior, size_t basin, size_t offset);
/* Linear combination of coordinate k's coefficients, sum of coefficients[i] * theta[i]: of each
 * sample, and its spread. */
void posterior_values(const struct posterior *posterior, int k,
                      const double coefficients[TERMS_MAX], double values[POSTERIOR_SAMPLES]);
struct spread posterior_combine(const struct posterior *posterior, int k,
                                const double coefficients[TERMS_MAX]);

/* Was an optimum bracketed: is there a trial inside its 90 % interval, or as near to the optimum as
 * the finest grid of LRs allows, and one on both sides of it within an octave? A trial at the
 * optimum is on neither side. A divergence brackets from its side too, but is not inside. */

#define BRACKET_REACH 1.0 /* octaves */
#define BRACKET_SIDE 0.6  /* octaves from the optimum to where a missing side is tried */

struct bracket {
    double center, low, high; /* log2 lr: the optimum and its 90 % interval */
    bool inside, below, above;
};

struct bracket bracket_of(const struct posterior *posterior, size_t basin);
/* Counts a trial at log2 lr = x as finished with a loss. */
void bracket_add(struct bracket *bracket, double x);

#endif
