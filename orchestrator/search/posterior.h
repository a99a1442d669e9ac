#ifndef LRSEARCH_POSTERIOR_H
#define LRSEARCH_POSTERIOR_H

#include "search/numerics.h"
#include "search/observations.h"

/* Joint posterior of all losses of one cell: a small Bayesian model of the basins (basin_model.h)
 * and of the law through their vertices. In octaves, t = log2(tokens / tokens of the longest
 * horizon with data):
 *
 *     curvature_h ~ curvature 2^(-drift t_h), loosely    shared by all horizons
 *     vertex_h    = line - beta t_h + misfit_h           the law, and the horizon's deviation
 *
 * beta has a prior with heavy tails, so that the data decide its sign; so has, with a prior_lr, the
 * law's place at prior_tokens (prior_lr_density()). The size of the misfit is unknown; intervals
 * average over it. */

#define POSTERIOR_SAMPLES 1024

struct sample { /* one posterior sample; all have equal weight */
    double asymmetry, sigma;
    double line, beta, misfit; /* misfit: standard deviation, octaves */
    double target;             /* log2 LR* at the target */
    double target_curvature;   /* nats per octave^2 */
    double vertex[ANSWER_HORIZONS], curvature[ANSWER_HORIZONS], level[ANSWER_HORIZONS];
};

struct posterior {
    size_t horizon_count;
    double reference_tokens; /* t = 0 */
    double prior_beta_sd;    /* of beta's prior on its grid */
    struct sample samples[POSTERIOR_SAMPLES];
};

/* From the first `horizons` of `obs`, with the target at `target_tokens`. Deterministic. The caller
 * releases it with lr_free(). NULL: no memory. */
struct posterior *posterior_create(const struct observations *obs, size_t horizons,
                                   uint64_t target_tokens);

/* Mean, standard deviation and 90 % interval of one member over all samples; `offset`:
 * offsetof(struct sample, ...). */
struct spread posterior_spread(const struct posterior *posterior, size_t offset);

#endif
