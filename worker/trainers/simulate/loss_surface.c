/* Draws are pure functions: the same (surface, horizon, LR, seed) has the same loss whatever was
 * computed before. */
#include "trainers/simulate/loss_surface.h"

#include <math.h>
#include <stdbool.h>
#include "lrsearch/rng.h"

#define TOKENS_REFERENCE 1e6
#define PARAMS_REFERENCE 1e6
#define VOCAB_REFERENCE 1e4
#define WIDTH_REFERENCE 64
#define BATCH_REFERENCE 1e4
#define SEED_STEP 7919 /* keeps seeds distinct from surfaces of neighbouring seeds */

/* Tests use kind 0, estimate/forecast.c kind 9. */
enum { DRAW_MISFIT = 2, DRAW_NOISE, DRAW_SEED, DRAW_CRASH, DRAW_SHARE, DRAW_DELAY };

static uint64_t stream(const struct simulate_spec *surface, int draw, uint64_t tokens)
{
    return (RNG_SIMULATE + ((uint64_t)draw << 8) + (tokens << 16)) ^ (surface->cell << 16);
}

static bool knows_ratios(const struct simulate_spec *surface, const struct surface_place *place)
{
    return surface->ratio_curvature > 0 && place->ratio > 0;
}

static bool knows_decay(const struct simulate_spec *surface, const struct surface_place *place)
{
    return surface->decay_curvature > 0 && place->decay > 0;
}

/* Random-number index of a learning rate: 31 bits, in steps of a millionth of an octave. */
static uint64_t index_of(double lr)
{
    return (uint64_t)llround(log2(lr) * 1e6 + 1e9);
}

/* The same, with ratio and weight decay where they have an effect, to a hundredth of an octave. The
 * ratio fits beside the LR; the decay is spread over all bits. */
static uint64_t index_at(const struct simulate_spec *surface, const struct surface_place *place,
                         double lr)
{
    uint64_t ratio =
        knows_ratios(surface, place) ? (uint64_t)llround(log2(place->ratio) * 1e2 + 1e4) : 0;
    uint64_t decay =
        knows_decay(surface, place) ? (uint64_t)llround(log2(place->decay) * 1e2 + 1e4) : 0;
    return index_of(lr) + (ratio << 40) + decay * 0x9e3779b97f4a7c15;
}

double loss_surface_optimum(const struct simulate_spec *surface, const struct surface_place *place)
{
    double ratio = (double)place->tokens / TOKENS_REFERENCE;
    double own =
        surface->misfit * rng_normal(surface->seed, stream(surface, DRAW_MISFIT, place->tokens), 0);
    double lr = surface->lr * pow(ratio, -surface->beta) * exp(own);
    if (place->params > 0)
        lr *= pow(place->params / PARAMS_REFERENCE, -surface->alpha);
    if (place->vocab > 0)
        lr *= pow(place->vocab / VOCAB_REFERENCE, -surface->gamma);
    if (place->width > 0)
        lr *= pow(place->width / WIDTH_REFERENCE, -surface->delta);
    if (place->batch > 0)
        lr *= pow(place->batch / BATCH_REFERENCE, surface->batch);
    return lr;
}

double loss_surface_ratio(const struct simulate_spec *surface, const struct surface_place *place)
{
    double ratio = surface->ratio;
    if (place->width > 0)
        ratio *= pow(place->width / WIDTH_REFERENCE, surface->ratio_width);
    if (place->vocab > 0)
        ratio *= pow(place->vocab / VOCAB_REFERENCE, surface->ratio_vocab);
    return ratio;
}

double loss_surface_decay(const struct simulate_spec *surface, const struct surface_place *place)
{
    return surface->decay * pow((double)place->tokens / TOKENS_REFERENCE, surface->decay_tokens);
}

static double shape(const struct simulate_spec *surface, double t)
{
    return t * t * (1 + surface->asymmetry * tanh(t));
}

double loss_surface_penalty(const struct simulate_spec *surface, const struct surface_place *place,
                            double lr)
{
    double t = log2(lr / loss_surface_optimum(surface, place));
    double drift = pow((double)place->tokens / TOKENS_REFERENCE, surface->curvature_drift);
    double penalty = surface->curvature * drift * shape(surface, t);
    if (knows_ratios(surface, place))
        penalty += surface->ratio_curvature *
                   shape(surface, t + log2(place->ratio / loss_surface_ratio(surface, place)));
    if (knows_decay(surface, place))
        penalty += surface->decay_curvature *
                   shape(surface, t + log2(place->decay / loss_surface_decay(surface, place)));
    return penalty;
}

static double base(const struct surface_place *place)
{
    double loss = 2 + pow((double)place->tokens / TOKENS_REFERENCE, -0.2);
    if (place->params > 0)
        loss += pow(place->params / PARAMS_REFERENCE, -0.2);
    if (place->vocab > 0)
        loss += 0.1 * log(place->vocab / VOCAB_REFERENCE);
    return loss;
}

double loss_surface_loss(const struct simulate_spec *surface, const struct surface_place *place,
                         double lr, uint64_t replicate)
{
    if (log2(lr / loss_surface_optimum(surface, place)) > surface->cliff)
        return NAN;
    return base(place) + loss_surface_penalty(surface, place, lr) +
           surface->noise * rng_normal(surface->seed + replicate * SEED_STEP,
                                       stream(surface, DRAW_NOISE, place->tokens),
                                       index_at(surface, place, lr)) +
           surface->seed_noise *
               rng_normal(surface->seed, stream(surface, DRAW_SEED, place->tokens), replicate);
}

struct surface_course loss_surface_course(const struct simulate_spec *surface,
                                          const struct surface_place *place, double lr,
                                          uint64_t replicate, uint32_t attempt)
{
    uint64_t seed = surface->seed + replicate * SEED_STEP;
    uint64_t index = index_at(surface, place, lr) + ((uint64_t)attempt << 32);
    uint64_t tokens = place->tokens;
    double spread = sqrt(log1p(surface->delay * surface->delay)); /* lognormal of mean 1 */
    double z = rng_normal(seed, stream(surface, DRAW_DELAY, tokens), index);
    struct surface_course course = {
        .crashed = rng_uniform(seed, stream(surface, DRAW_CRASH, tokens), index) < surface->crash,
        .seconds = surface->seconds_per_mtoken * (double)tokens / 1e6 *
                   exp(spread * z - spread * spread / 2),
    };
    if (course.crashed) /* a random share of the training */
        course.seconds *= rng_uniform(seed, stream(surface, DRAW_SHARE, tokens), index);
    return course;
}
