/* The optimum follows log2 LR*(D) = first - beta log2(D / 1M) + misfit z(D). Draws are pure
 * functions of their arguments, as in trainers/simulate/loss_surface.c. */
#include "families.h"

#include <math.h>
#include <string.h>
#include "lrsearch/rng.h"

#define FROM_ENDS 1.5 /* octaves */
#define UNTRAINED 5.0 /* nats: a loss that far above the least is that of an untrained model */
#define ASYMMETRY 0.2
#define BOTTOM 0.7        /* half width of a flat bottom, octaves */
#define BOTTOM_SHARE 0.05 /* of the height that is due to the bottom's own parabola */
#define SEED_STEP 7919    /* keeps replicates distinct from surfaces of neighbouring seeds */
#define SHARED_MISFIT 0.2
#define OWN_MISFIT 0.1
#define CELL_NOISE 0.003

/* Kinds of draws that no other surface uses; `z` draws add the horizon. */
enum { DRAW_TRAITS = 10, DRAW_OWN, DRAW_TRIAL, DRAW_SHARED, DRAW_RIDGE };

const uint64_t family_horizons[FAMILY_HORIZONS] = {1000000, 2000000, 4000000};
const uint64_t family_target = 32000000;

static uint64_t stream(int draw, uint64_t tokens)
{
    return RNG_SIMULATE + ((uint64_t)draw << 8) + (tokens << 16);
}

static double uniform(uint64_t seed, uint64_t index, double low, double high)
{
    return low + (high - low) * rng_uniform(seed, stream(DRAW_TRAITS, 0), index);
}

static double log_uniform(uint64_t seed, uint64_t index, const double range[2])
{
    return range[0] > 0 ? exp(uniform(seed, index, log(range[0]), log(range[1]))) : 0;
}

/* Octaves from `first`. */
static double moved(const struct family *family, uint64_t tokens)
{
    return -family->beta * log2((double)tokens / 1e6) +
           family->misfit * rng_normal(family->seed, stream(DRAW_OWN, tokens), 0);
}

struct family family_draw(const struct family_kind *kind, uint64_t seed, double misfit)
{
    struct family family = {.kind = kind, .seed = seed, .misfit = misfit};
    double low = log2(FAMILY_LR_LOW), high = log2(FAMILY_LR_HIGH), least = 0, most = 0;
    family.height = log_uniform(seed, 0, kind->height);
    family.noise = log_uniform(seed, 1, kind->noise);
    family.beta = kind->beta[0] + kind->beta[1] * rng_normal(seed, stream(DRAW_TRAITS, 0), 2);
    if (kind->shape == SHAPE_SLOPE && uniform(seed, 4, -1, 1) < 0)
        family.height = -family.height;
    for (int h = 0; h < FAMILY_HORIZONS; h++) {
        double by = moved(&family, family_horizons[h]);
        least = h == 0 ? by : fmin(least, by);
        most = h == 0 ? by : fmax(most, by);
    }
    if (kind->outside < 0)
        family.first = low + kind->outside - most;
    else if (kind->outside > 0)
        family.first = high + kind->outside - least;
    else
        family.first = uniform(seed, 3, low + FROM_ENDS - least, high - FROM_ENDS - most);
    return family;
}

double family_optimum(const struct family *family, uint64_t tokens)
{
    if (family->kind->shape == SHAPE_SLOPE || family->kind->all_diverge)
        return NAN;
    return exp2(family->first + moved(family, tokens));
}

static double excess(const struct family *family, double t)
{
    double beyond = fmax(0, fabs(t) - BOTTOM) / (1 - BOTTOM);
    switch (family->kind->shape) {
    case SHAPE_PARABOLA:
        return t * t;
    case SHAPE_ASYMMETRIC:
        return t * t * (1 + ASYMMETRY * tanh(t));
    case SHAPE_QUARTIC:
        return t * t * t * t;
    case SHAPE_FLAT_BOTTOM:
        return BOTTOM_SHARE * t * t + (1 - BOTTOM_SHARE) * beyond * beyond;
    case SHAPE_LEFT_STEEP:
        return t * t * (t < 0 ? 1.5 : 0.5);
    case SHAPE_RIGHT_STEEP:
        return t * t * (t < 0 ? 0.5 : 1.5);
    case SHAPE_V:
        return fabs(t);
    case SHAPE_SLOPE:
        break;
    }
    return 0;
}

static double height_at(const struct family *family, uint64_t tokens)
{
    double within = fmin((double)tokens, (double)family_horizons[FAMILY_HORIZONS - 1]);
    return family->height * pow(within / 1e6, -family->kind->flattening[0]) *
           pow((double)tokens / within, -family->kind->flattening[1]);
}

double family_penalty(const struct family *family, uint64_t tokens, double lr)
{
    const struct family_kind *kind = family->kind;
    if (isnan(lr))
        return NAN;
    if (kind->all_diverge)
        return INFINITY;
    if (kind->shape == SHAPE_SLOPE)
        return family->height * log2(lr / sqrt(FAMILY_LR_LOW * FAMILY_LR_HIGH));
    double t = log2(lr / family_optimum(family, tokens));
    double nats = height_at(family, tokens) * excess(family, t);
    if ((kind->diverges_below > 0 && t < -kind->diverges_below) ||
        (kind->diverges_above > 0 && t > kind->diverges_above) || (t > 0 && nats > UNTRAINED))
        return INFINITY;
    return fmin(nats, UNTRAINED);
}

/* `other`: what selects the noise beside LR, seed and tokens. */
static struct observation observe(const struct family *family, const struct proposal *proposal,
                                  double penalty, uint64_t other)
{
    uint64_t tokens = proposal->tokens;
    double noise =
        rng_normal(family->seed + (uint64_t)proposal->seed * SEED_STEP, stream(DRAW_TRIAL, tokens),
                   (uint64_t)llround(log2(proposal->lr) * 1e6 + 1e9) + other);
    struct observation o = {.tokens = tokens,
                            .lr = proposal->lr,
                            .seed = proposal->seed,
                            .kind = isfinite(penalty) ? OBSERVED_LOSS : OBSERVED_DIVERGED,
                            .loss = NAN};
    memcpy(o.ratios, proposal->ratios, sizeof(o.ratios));
    if (isfinite(penalty))
        o.loss = 2 + pow((double)tokens / 1e6, -0.2) + penalty + family->noise * noise;
    return o;
}

struct observation family_observe(const void *context, const struct proposal *proposal)
{
    const struct family *family = context;
    return observe(family, proposal, family_penalty(family, proposal->tokens, proposal->lr), 0);
}

/* ---- a ridge ---- */

struct ridge ridge_draw(const struct family_kind *kind, uint64_t seed, double misfit, double tilt)
{
    const double heights[2] = {0.002, 0.01}, decays[2] = {0.03, 0.3};
    return (struct ridge){
        .lrs = family_draw(kind, seed, misfit),
        .tilt = tilt,
        .height = log_uniform(seed, 20, heights),
        .first = log2(log_uniform(seed, 21, decays)),
        .over_tokens = -0.2 + 0.2 * rng_normal(seed, stream(DRAW_RIDGE, 0), 0),
    };
}

double ridge_decay(const struct ridge *ridge, uint64_t tokens)
{
    double octaves = log2((double)tokens / (double)family_target);
    double misfit = ridge->lrs.misfit * rng_normal(ridge->lrs.seed, stream(DRAW_RIDGE, tokens), 1);
    return exp2(ridge->first + ridge->over_tokens * octaves + misfit);
}

double ridge_penalty(const struct ridge *ridge, uint64_t tokens, double lr, double decay)
{
    double off = ridge->tilt * log2(lr / family_optimum(&ridge->lrs, tokens)) +
                 log2(decay / ridge_decay(ridge, tokens));
    return family_penalty(&ridge->lrs, tokens, lr) + ridge->height * off * off;
}

struct observation ridge_observe(const void *context, const struct proposal *proposal)
{
    const struct ridge *ridge = context;
    double decay = proposal->ratios[RATIO_DECAY];
    double penalty = ridge_penalty(ridge, proposal->tokens, proposal->lr, decay);
    return observe(&ridge->lrs, proposal, penalty,
                   (uint64_t)llround(log2(decay) * 1e2 + 1e4) << 40);
}

/* ---- cells ---- */

/* Factor by which the misfit that all cells share moves the optima. */
static double shared_factor(const struct shared_cells *cells, uint64_t tokens)
{
    return exp2(SHARED_MISFIT * rng_normal(cells->seed, stream(DRAW_SHARED, tokens), 0));
}

struct shared_cells shared_cells_draw(uint64_t seed)
{
    struct shared_cells cells = {.surface = cell_surface_draw(seed, CELL_NOISE), .seed = seed};
    for (int c = 0; c < CELL_SURFACES; c++)
        cells.surface.cells[c].misfit = OWN_MISFIT * log(2);
    return cells;
}

double shared_cells_optimum(const struct shared_cells *cells, size_t cell, uint64_t tokens)
{
    return surface_optimum(&cells->surface.cells[cell], tokens) * shared_factor(cells, tokens);
}

double shared_cells_penalty(const struct shared_cells *cells, size_t cell, uint64_t tokens,
                            double lr)
{
    return surface_penalty(&cells->surface.cells[cell], tokens, lr / shared_factor(cells, tokens));
}

struct observation shared_cells_observe(const void *context, const struct proposal *proposal)
{
    const struct shared_cells *cells = context;
    struct proposal unmoved = *proposal;
    unmoved.lr /= shared_factor(cells, proposal->tokens);
    struct observation o = cell_surface_try(&cells->surface, &unmoved);
    o.lr = proposal->lr;
    return o;
}
