/* Draws are made so that the same (surface, horizon, LR, seed) has the same loss whatever was asked
 * before. */
#include "train/loss_surface.h"

#include <math.h>
#include "lrsearch/rng.h"

#define TOKENS_REFERENCE 1e6
#define PARAMS_REFERENCE 1e6
#define VOCAB_REFERENCE 1e4
#define SEED_STEP 7919 /* keeps seeds apart from surfaces of neighbouring seeds */

/* The first kind is that of the tests' own draws. */
enum { DRAW_MISFIT = 2, DRAW_NOISE, DRAW_SEED, DRAW_CRASH, DRAW_SHARE, DRAW_DELAY };

static uint64_t stream(int draw, uint64_t tokens)
{
    return RNG_SIMULATE + ((uint64_t)draw << 8) + (tokens << 16);
}

/* An index for a learning rate: 31 bits, a millionth of an octave each. */
static uint64_t index_of(double lr)
{
    return (uint64_t)llround(log2(lr) * 1e6 + 1e9);
}

double loss_surface_optimum(const struct trial_surface *surface, const struct surface_place *place)
{
    double ratio = (double)place->tokens / TOKENS_REFERENCE;
    double own = surface->misfit * rng_normal(surface->seed, stream(DRAW_MISFIT, place->tokens), 0);
    double lr = surface->lr * pow(ratio, -surface->beta) * exp(own);
    if (place->params > 0)
        lr *= pow(place->params / PARAMS_REFERENCE, -surface->alpha);
    if (place->vocab > 0)
        lr *= pow(place->vocab / VOCAB_REFERENCE, -surface->gamma);
    return lr;
}

double loss_surface_penalty(const struct trial_surface *surface, const struct surface_place *place,
                            double lr)
{
    double t = log2(lr / loss_surface_optimum(surface, place));
    double drift = pow((double)place->tokens / TOKENS_REFERENCE, surface->curvature_drift);
    return surface->curvature * drift * t * t * (1 + surface->asymmetry * tanh(t));
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

double loss_surface_loss(const struct trial_surface *surface, const struct surface_place *place,
                         double lr, uint64_t replicate)
{
    if (log2(lr / loss_surface_optimum(surface, place)) > surface->cliff)
        return NAN;
    return base(place) + loss_surface_penalty(surface, place, lr) +
           surface->noise * rng_normal(surface->seed + replicate * SEED_STEP,
                                       stream(DRAW_NOISE, place->tokens), index_of(lr)) +
           surface->seed_noise *
               rng_normal(surface->seed, stream(DRAW_SEED, place->tokens), replicate);
}

struct surface_course loss_surface_course(const struct trial_surface *surface,
                                          const struct surface_place *place, double lr,
                                          uint64_t replicate, uint32_t attempt)
{
    uint64_t seed = surface->seed + replicate * SEED_STEP;
    uint64_t index = index_of(lr) + ((uint64_t)attempt << 32);
    uint64_t tokens = place->tokens;
    double spread = sqrt(log1p(surface->delay * surface->delay)); /* lognormal of mean 1 */
    double z = rng_normal(seed, stream(DRAW_DELAY, tokens), index);
    struct surface_course course = {
        .crashed = rng_uniform(seed, stream(DRAW_CRASH, tokens), index) < surface->crash,
        .seconds = surface->seconds_per_mtoken * (double)tokens / 1e6 *
                   exp(spread * z - spread * spread / 2),
    };
    if (course.crashed) /* somewhere on the way */
        course.seconds *= rng_uniform(seed, stream(DRAW_SHARE, tokens), index);
    return course;
}
