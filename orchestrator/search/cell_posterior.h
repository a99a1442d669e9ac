#ifndef LRSEARCH_CELL_POSTERIOR_H
#define LRSEARCH_CELL_POSTERIOR_H

#include "search/cell_data.h"
#include "search/numerics.h"

/* What all losses of a campaign with axes say together: the model of posterior.h, with a law over
 * the axes (cell_terms.h) instead of one over tokens alone, and with a vertex for each LR that is
 * searched (cell_data.h). By Gibbs sampling: there are too many unknowns to enumerate. */

#define CELL_SAMPLES 512

struct cell_basin_sample {
    double vertex[SEARCH_COORDINATES]; /* log2 LR of coordinate k */
    double curvature[SEARCH_COORDINATES];
    double level; /* nats; where no loss is known it may be anything */
};

struct cell_optimum_sample {            /* a cell at target_tokens */
    double optimum[SEARCH_COORDINATES]; /* [0]: log2 LR*; [k]: log2 of the best ratio */
    double curvature[SEARCH_COORDINATES];
};

struct cell_sample { /* all weigh the same */
    double sigma;
    double asymmetry[SEARCH_COORDINATES], misfit[SEARCH_COORDINATES];
    double theta[SEARCH_COORDINATES][TERMS_MAX]; /* as data->terms */
};

struct cell_posterior {
    const struct cell_data *data;      /* what it is about; must outlive it */
    size_t basin_count, optimum_count; /* optima: a cell each, then the target */
    struct cell_sample samples[CELL_SAMPLES];
    struct cell_basin_sample *basins;   /* [sample][basin] */
    struct cell_optimum_sample *optima; /* [sample][optimum] */
};

/* Deterministic, whatever the order of what was seen. NULL: no memory, or interrupted. */
struct cell_posterior *cell_posterior_create(const struct cell_data *data);
void cell_posterior_destroy(struct cell_posterior *posterior);

const struct cell_basin_sample *cell_posterior_basin(const struct cell_posterior *posterior,
                                                     int sample, size_t basin);
const struct cell_optimum_sample *cell_posterior_optimum(const struct cell_posterior *posterior,
                                                         int sample, size_t optimum);

/* Spread of one number of a basin; `offset` by offsetof(struct cell_basin_sample, ...). */
struct spread cell_posterior_spread(const struct cell_posterior *posterior, size_t basin,
                                    size_t offset);
/* Sum over the terms of coefficient * theta, of coordinate k: of each sample, and its spread. */
void cell_posterior_values(const struct cell_posterior *posterior, int k,
                           const double coefficients[TERMS_MAX], double values[CELL_SAMPLES]);
struct spread cell_posterior_combine(const struct cell_posterior *posterior, int k,
                                     const double coefficients[TERMS_MAX]);

#endif
