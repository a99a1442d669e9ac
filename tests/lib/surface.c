/* The surface of the simulating trainer, with random traits and with ratios. */
#include "surface.h"

#include <math.h>
#include <string.h>
#include "lrsearch/rng.h"
#include "trainers/simulate/loss_surface.h"

#define DRAW_SURFACE ((uint64_t)RNG_SIMULATE + (1u << 8)) /* loss_surface.c has the others */

static double between(const struct surface *surface, uint64_t index, double low, double high)
{
    return low + (high - low) * rng_uniform(surface->seed, DRAW_SURFACE, index);
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

static struct simulate_spec trial_surface_of(const struct surface *surface)
{
    return (struct simulate_spec){.seed = surface->seed,
                                  .lr = surface->lr_first,
                                  .beta = surface->beta,
                                  .curvature = surface->curvature,
                                  .asymmetry = surface->asymmetry,
                                  .cliff = surface->cliff,
                                  .misfit = surface->misfit,
                                  .noise = surface->noise,
                                  .seed_noise = surface->seed_noise};
}

double surface_optimum(const struct surface *surface, uint64_t tokens)
{
    const struct simulate_spec of_trials = trial_surface_of(surface);
    const struct surface_place place = {.tokens = tokens};
    return loss_surface_optimum(&of_trials, &place);
}

double surface_penalty(const struct surface *surface, uint64_t tokens, double lr)
{
    const struct simulate_spec of_trials = trial_surface_of(surface);
    const struct surface_place place = {.tokens = tokens};
    return loss_surface_penalty(&of_trials, &place, lr);
}

struct observation surface_observe(const struct surface *surface, uint64_t tokens, double lr,
                                   uint32_t seed)
{
    const struct simulate_spec of_trials = trial_surface_of(surface);
    const struct surface_place place = {.tokens = tokens};
    double loss = loss_surface_loss(&of_trials, &place, lr, seed);
    return (struct observation){.tokens = tokens,
                                .lr = lr,
                                .seed = seed,
                                .loss = loss,
                                .ratios = {1, 1},
                                .kind = isnan(loss) ? OBSERVED_DIVERGED : OBSERVED_LOSS};
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
                                 .seed = 1,
                                 .prior_beta = 0.25,
                                 .prior_beta_sd = 0.25,
                                 .precision = 0.001,
                                 .min_gain = 0.008,
                                 .round_trials = 8,
                                 .ratios = {{1, 1}, {1, 1}}};
}

int surface_search(struct surface_run *run, const struct surface *surface,
                   const struct search_space *space, const struct policy *policy)
{
    struct proposal round[POLICY_ROUND_MAX];
    struct lr_error err = {0};
    memset(run, 0, sizeof(*run));
    for (;;) {
        size_t asked;
        int rc = search_next(policy, space, run->seen, run->count, round, &asked);
        if (rc)
            return rc;
        if (asked == 0)
            break;
        run->rounds++;
        for (size_t i = 0; i < asked && run->count < SURFACE_SEEN; i++) {
            run->seen[run->count++] = surface_try(surface, &round[i]);
            run->tokens += (double)round[i].tokens / (double)space->target_tokens;
        }
        if (run->count == SURFACE_SEEN)
            return LR_EINTERNAL;
    }
    return search_answer(&run->answer, space, run->seen, run->count, &err);
}
