#ifndef LRSEARCH_POSTERIOR_H
#define LRSEARCH_POSTERIOR_H

#include "search/numerics.h"
#include "search/observations.h"

/* What all losses together say: a small Bayesian model of the basins (basin_model.h) and of the law
 * through their vertices. In octaves, t = log2 tokens over those of the longest horizon seen:
 *
 *     curvature_h ~ curvature 2^(-drift t_h), loosely    shared by all horizons
 *     vertex_h    = line - beta t_h + misfit_h           the law, which each horizon misses
 *
 * beta has a prior with heavy tails, so that its sign is measured; so has the place of the law
 * where earlier trainings say one (prior_lr_density()). The size of the misfit is not known; an
 * interval is one over all sizes that the data allow. */

#define POSTERIOR_SAMPLES 1024

struct sample { /* one sample that the data allow; all weigh the same */
    double asymmetry, sigma;
    double line, beta, misfit; /* misfit: standard deviation, octaves */
    double target;             /* log2 of LR* there */
    double target_curvature;   /* nats per octave^2 */
    double vertex[ANSWER_HORIZONS], curvature[ANSWER_HORIZONS], level[ANSWER_HORIZONS];
};

struct posterior {
    size_t horizon_count;
    double reference_tokens; /* t = 0 */
    double prior_beta_sd;    /* of the prior as it is used */
    struct sample samples[POSTERIOR_SAMPLES];
};

/* From the first `horizons` of the obs, for a target of so many tokens. Deterministic. NULL: no
 * memory; lr_free() it. */
struct posterior *posterior_create(const struct observations *obs, size_t horizons,
                                   uint64_t target_tokens);

/* Mean, standard deviation and 90 % interval of one number of every sample; `offset` by
 * offsetof(struct sample, ...). */
struct spread posterior_spread(const struct posterior *posterior, size_t offset);

#endif
