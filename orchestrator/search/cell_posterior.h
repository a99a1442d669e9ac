#ifndef LRSEARCH_CELL_POSTERIOR_H
#define LRSEARCH_CELL_POSTERIOR_H

#include "search/cell_data.h"
#include "search/numerics.h"

/* Joint posterior of all losses of a campaign with axes. In octaves, with the law's terms of
 * cell_terms.h:
 *
 *     loss     = level + sum over k of curvature_k g(x_k - vertex_k) + noise     g: basin_shape()
 *     vertex_0 = law_0 + misfit_0,   vertex_k = vertex_0 + law_k + misfit_k
 *
 * Drawn by Gibbs sampling: there are too many unknowns to enumerate. */

#define CELL_SAMPLES 512

struct cell_basin_sample {
    double vertex[SEARCH_COORDINATES]; /* log2 LR of coordinate k */
    double curvature[SEARCH_COORDINATES];
    double level; /* nats; without a loss normal around 0, LEVEL_DEVIATION wide */
};

struct cell_optimum_sample {            /* a cell, or the target, at target_tokens */
    double optimum[SEARCH_COORDINATES]; /* [0]: log2 LR*; [k]: log2 of the best ratio */
    double curvature[SEARCH_COORDINATES];
};

struct cell_sample { /* all have equal weight */
    double sigma;
    double asymmetry[SEARCH_COORDINATES], misfit[SEARCH_COORDINATES];
    double theta[SEARCH_COORDINATES][TERMS_MAX]; /* coefficients of data->terms */
};

struct cell_posterior {
    const struct cell_data *data;      /* must outlive the posterior */
    size_t basin_count, optimum_count; /* optima: one per cell, then the target */
    struct cell_sample samples[CELL_SAMPLES];
    struct cell_basin_sample *basins;   /* [sample][basin] */
    struct cell_optimum_sample *optima; /* [sample][optimum] */
};

/* Deterministic, for any order of observations. NULL: no memory, or interrupted. */
struct cell_posterior *cell_posterior_create(const struct cell_data *data);
void cell_posterior_destroy(struct cell_posterior *posterior);

const struct cell_basin_sample *cell_posterior_basin(const struct cell_posterior *posterior,
                                                     int sample, size_t basin);
const struct cell_optimum_sample *cell_posterior_optimum(const struct cell_posterior *posterior,
                                                         int sample, size_t optimum);

/* Spread of one member of a basin's samples; `offset`: offsetof(struct cell_basin_sample, ...). */
struct spread cell_posterior_spread(const struct cell_posterior *posterior, size_t basin,
                                    size_t offset);
/* Linear combination of coordinate k's coefficients, sum of coefficients[i] * theta[i]: of each
 * sample, and its spread. */
void cell_posterior_values(const struct cell_posterior *posterior, int k,
                           const double coefficients[TERMS_MAX], double values[CELL_SAMPLES]);
struct spread cell_posterior_combine(const struct cell_posterior *posterior, int k,
                                     const double coefficients[TERMS_MAX]);

#endif
