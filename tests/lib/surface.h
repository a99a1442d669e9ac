#ifndef TESTS_SURFACE_H
#define TESTS_SURFACE_H

#include "search/policy.h"
#include "search/search_answer.h"

/* A synthetic loss surface with the traits of published sweeps: a basin in log LR that is steeper
 * to the right, a cliff beyond it, an optimum that follows a power law over horizons with a misfit
 * of each horizon, and noise. All random numbers follow from `seed`. */

#define SURFACE_HORIZONS 4

struct surface {
    uint64_t horizons[SURFACE_HORIZONS], target;
    size_t horizon_count;
    double lr_first; /* optimum at the shortest horizon, before its misfit */
    double beta;
    double misfit;             /* standard deviation, ln LR */
    double curvature;          /* nats per octave^2 */
    double asymmetry;          /* loss = curvature t^2 (1 + asymmetry tanh t) */
    double cliff;              /* octaves above the optimum; trials beyond it diverge */
    double noise;              /* of one loss */
    double seed_noise;         /* what a seed adds to all losses of a horizon alike */
    double ratio[RATIO_COUNT]; /* best ratios; 0: the loss does not depend on this one */
    double ratio_curvature;    /* nats per octave^2 */
    double ratio_pull;         /* octaves that the best LR falls with each octave of a ratio */
    uint64_t seed;
};

/* Horizons 1, 2, 4 M, target 64 M tokens; the rest drawn from what published sweeps show. */
struct surface surface_draw(uint64_t seed, double noise);
double surface_optimum(const struct surface *surface, uint64_t tokens);
/* What it costs at `tokens` to train with `lr` rather than the optimum, nats, without noise. */
double surface_penalty(const struct surface *surface, uint64_t tokens, double lr);
struct observation surface_observe(const struct surface *surface, uint64_t tokens, double lr,
                                   uint32_t seed);
/* The same with the ratios of a proposal, which change loss and best LR. */
struct observation surface_try(const struct surface *surface, const struct proposal *proposal);
struct search_space surface_space(const struct surface *surface, uint32_t seeds);

#define SURFACE_SEEN 4096

/* A search on a surface from beginning to end. */
struct surface_run {
    struct observation seen[SURFACE_SEEN];
    size_t count;
    uint32_t rounds;
    double tokens; /* over the target's */
    struct answer answer;
};
/* 0, or the error of the policy or of search_answer(). */
int surface_search(struct surface_run *run, const struct surface *surface,
                   const struct search_space *space, const struct policy *policy);

#endif
