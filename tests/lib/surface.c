/* Draws are made so that the same (surface, horizon, LR, seed) has the same loss whatever was asked
 * before. */
#include "surface.h"

#include <math.h>
#include <string.h>
#include "lrsearch/rng.h"

enum { DRAW_SURFACE = 1, DRAW_MISFIT, DRAW_NOISE, DRAW_SEED };

static uint64_t stream(int draw, uint64_t tokens)
{
    return RNG_SIMULATE + ((uint64_t)draw << 8) + (tokens << 16);
}

static double between(const struct surface *surface, uint64_t index, double low, double high)
{
    return low + (high - low) * rng_uniform(surface->seed, stream(DRAW_SURFACE, 0), index);
}

struct surface surface_draw(uint64_t seed, double noise)
{
    struct surface s = {.horizons = {1000000, 2000000, 4000000},
                        .target = 64000000,
                        .horizon_count = 3,
                        .noise = noise,
                        .seed_noise = noise,
                        .misfit = 0.15,
                        .seed = seed};
    s.lr_first = 1e-3 * exp2(between(&s, 0, 1.5, 4.5));
    s.beta = between(&s, 1, 0.05, 0.55);
    s.curvature = 0.012 * exp2(between(&s, 2, 0, 2.32)); /* .012 to .06 */
    s.asymmetry = between(&s, 3, 0, 0.35);
    s.cliff = between(&s, 4, 1.2, 3);
    return s;
}

double surface_optimum(const struct surface *surface, uint64_t tokens)
{
    double ratio = (double)tokens / (double)surface->horizons[0];
    double own = surface->misfit * rng_normal(surface->seed, stream(DRAW_MISFIT, tokens), 0);
    return surface->lr_first * pow(ratio, -surface->beta) * exp(own);
}

double surface_penalty(const struct surface *surface, uint64_t tokens, double lr)
{
    double t = log2(lr / surface_optimum(surface, tokens));
    return surface->curvature * t * t * (1 + surface->asymmetry * tanh(t));
}

struct observation surface_observe(const struct surface *surface, uint64_t tokens, double lr,
                                   uint32_t seed)
{
    uint64_t where = (uint64_t)llround(log2(lr) * 1e6 + 1e9);
    double ratio = (double)tokens / (double)surface->horizons[0];
    struct observation o = {.tokens = tokens, .lr = lr, .seed = seed, .loss = NAN};
    if (log2(lr / surface_optimum(surface, tokens)) > surface->cliff) {
        o.kind = OBSERVED_DIVERGED;
        return o;
    }
    o.kind = OBSERVED_LOSS;
    o.loss =
        2 + pow(ratio, -0.2) + surface_penalty(surface, tokens, lr) +
        surface->noise *
            rng_normal(surface->seed + (uint64_t)seed * 7919, stream(DRAW_NOISE, tokens), where) +
        surface->seed_noise * rng_normal(surface->seed, stream(DRAW_SEED, tokens), (uint64_t)seed);
    return o;
}

struct observation surface_try(const struct surface *surface, const struct proposal *proposal)
{
    double pull = 0, off = 0;
    for (int r = 0; r < RATIO_COUNT; r++) {
        double octaves = surface->ratio[r] > 0 ? log2(proposal->ratios[r] / surface->ratio[r]) : 0;
        pull += surface->ratio_pull * octaves;
        off += surface->ratio_curvature * octaves * octaves;
    }
    struct observation o =
        surface_observe(surface, proposal->tokens, proposal->lr * exp2(pull), proposal->seed);
    o.lr = proposal->lr;
    o.loss += off;
    memcpy(o.ratios, proposal->ratios, sizeof(o.ratios));
    return o;
}

struct search_space surface_space(const struct surface *surface, uint32_t seeds)
{
    return (struct search_space){.lr_low = 1e-3,
                                 .lr_high = 6.4e-2,
                                 .horizons = surface->horizons,
                                 .horizon_count = surface->horizon_count,
                                 .seeds = seeds,
                                 .resolution = 0.5,
                                 .target_tokens = surface->target,
                                 .bootstrap = 200,
                                 .seed = 1,
                                 .prior_beta = 0.3,
                                 .prior_beta_sd = 0.15};
}

int surface_search(struct surface_run *run, const struct surface *surface,
                   const struct search_space *space, const struct policy *policy)
{
    struct proposal round[POLICY_ROUND_MAX];
    struct lr_error err = {0};
    memset(run, 0, sizeof(*run));
    for (;;) {
        int asked = search_next(policy, space, run->seen, run->count, round);
        if (asked < 0)
            return asked;
        if (asked == 0)
            break;
        run->rounds++;
        for (int i = 0; i < asked && run->count < SURFACE_SEEN; i++) {
            run->seen[run->count++] = surface_try(surface, &round[i]);
            run->tokens += (double)round[i].tokens / (double)space->target_tokens;
        }
        if (run->count == SURFACE_SEEN)
            return LR_EINTERNAL;
    }
    return search_answer(&run->answer, space, run->seen, run->count, &err);
}
