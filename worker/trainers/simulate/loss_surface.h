#ifndef LRSEARCH_LOSS_SURFACE_H
#define LRSEARCH_LOSS_SURFACE_H

#include "lrsearch/trial.h"

/* A synthetic loss surface with the features of published sweeps: a basin in log LR that is steeper
 * to the right, a cliff beyond it, an optimum that follows a power law, and noise. With D tokens, N
 * hidden parameters, width W, vocabulary V and batches of B tokens, t octaves above the optimum:
 *
 *     LR*    = lr (D/1M)^-beta (N/1M)^-alpha (V/10k)^-gamma (W/64)^-delta (B/10k)^batch
 *              exp(misfit z(D))
 *     ratio* = ratio (W/64)^ratio_width (V/10k)^ratio_vocab
 *     decay* = decay (D/1M)^decay_tokens
 *     loss   = 2 + (D/1M)^-.2 + (N/1M)^-.2 + .1 ln(V/10k)
 *              + curvature (D/1M)^curvature_drift g(t)
 *              + ratio_curvature g(u) + decay_curvature g(v)
 *              + noise z(D, LR, ratio, weight decay, seed) + seed_noise z(D, seed)
 *     g(t)   = t^2 (1 + asymmetry tanh t)
 *
 * u: octaves of the embedding's LR, ratio LR, above its best, ratio* LR*. Hidden matrices and
 * embedding have separate LRs: a change of the ratio alone moves only the embedding's. v: octaves
 * of LR times weight decay above decay* LR*, a ridge between the two. LRs and ratios are the
 * plan's, whatever the parametrization. z: standard normal draws, each a pure function of its
 * arguments and of the surface's seed and cell. */

struct surface_place {
    uint64_t tokens;
    double params, vocab, width, batch; /* 0: unknown, its term is left out */
    double ratio; /* embedding_lr_ratio used; 0: the best one, and not part of the draws */
    double decay; /* weight decay used; the same */
};

double loss_surface_optimum(const struct simulate_spec *surface, const struct surface_place *place);
/* The best ratio. */
double loss_surface_ratio(const struct simulate_spec *surface, const struct surface_place *place);
/* The best weight decay. */
double loss_surface_decay(const struct simulate_spec *surface, const struct surface_place *place);
/* Loss of `lr` (and place->ratio, place->decay) above that of the optimum, nats, without noise. */
double loss_surface_penalty(const struct simulate_spec *surface, const struct surface_place *place,
                            double lr);
/* NaN: diverged. `replicate`: the trial's seed minus the surface's. */
double loss_surface_loss(const struct simulate_spec *surface, const struct surface_place *place,
                         double lr, uint64_t replicate);

/* Course of an attempt: whether it fails, and after how many virtual seconds it ends. */
struct surface_course {
    bool crashed;
    double seconds;
};
struct surface_course loss_surface_course(const struct simulate_spec *surface,
                                          const struct surface_place *place, double lr,
                                          uint64_t replicate, uint32_t attempt);

#endif
