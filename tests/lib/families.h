#ifndef TESTS_FAMILIES_H
#define TESTS_FAMILIES_H

#include "cell_surface.h"

/* Made-up loss surfaces whose shapes the search does not assume, and surfaces that have no optimum
 * to be found. All random numbers follow from `seed`. */

/* The loss above its least, t octaves above the optimum. */
enum family_shape {
    SHAPE_PARABOLA,
    SHAPE_ASYMMETRIC, /* parabola, (1 + .2 tanh t) times */
    SHAPE_QUARTIC,
    SHAPE_FLAT_BOTTOM, /* nearly flat within .7 octaves, steep beyond */
    SHAPE_LEFT_STEEP,  /* two halves of parabolas, the left one three times as steep */
    SHAPE_RIGHT_STEEP,
    SHAPE_V,
    SHAPE_SLOPE, /* no basin */
};

struct family_kind {
    const char *name;
    enum family_shape shape;
    double height[2];      /* nats at 1 octave, mean of both sides, or the slope: range of a
                              log-uniform draw */
    double noise[2];       /* of each trial, nats: the same */
    double beta[2];        /* mean, standard deviation */
    double outside;        /* octaves that the optimum lies below (< 0) or above the LR range */
    double diverges_below; /* octaves from the optimum beyond which trials diverge; 0: none */
    double diverges_above; /* the same */
    double flattening[2];  /* the height falls as tokens^-this: from 1M tokens to the longest
                              horizon, and beyond it */
    bool all_diverge;
};

#define FAMILY_HORIZONS 3
#define FAMILY_LR_LOW 0x1p-12 /* 8 octaves */
#define FAMILY_LR_HIGH 0x1p-4

struct family {
    const struct family_kind *kind;
    uint64_t seed;
    double first; /* log2 LR* at 1M tokens, before its misfit */
    double beta;
    double misfit; /* standard deviation at each horizon and at the target, octaves */
    double height, noise;
};

extern const uint64_t family_horizons[FAMILY_HORIZONS];
extern const uint64_t family_target; /* 8 times the longest horizon */

/* Unless kind->outside says otherwise, the optima of all horizons are at least 1.5 octaves from the
 * ends of the LR range. */
struct family family_draw(const struct family_kind *kind, uint64_t seed, double misfit);
double family_optimum(const struct family *family, uint64_t tokens); /* NaN: there is none */
/* Nats above the least loss, without noise; INFINITY: it diverges. NaN in, NaN out. */
double family_penalty(const struct family *family, uint64_t tokens, double lr);
/* For search_run(); the context is a struct family. */
struct observation family_observe(const void *family, const struct proposal *proposal);

/* A ridge between LR and weight decay: beside the LR's basin the loss has a parabola in
 * log2(LR^tilt decay), whose bottom moves with the tokens. */
struct ridge {
    struct family lrs;
    double tilt;        /* 1: the product counts, as the search assumes */
    double height;      /* nats an octave of the decay from the best */
    double first;       /* log2 of the best decay at the target, before its misfit */
    double over_tokens; /* the best decay goes as tokens^this */
};
#define RIDGE_DECAY_LOW 0.01
#define RIDGE_DECAY_HIGH 1.0

struct ridge ridge_draw(const struct family_kind *kind, uint64_t seed, double misfit, double tilt);
double ridge_decay(const struct ridge *ridge, uint64_t tokens); /* best, at the best LR */
/* As family_penalty(). */
double ridge_penalty(const struct ridge *ridge, uint64_t tokens, double lr, double decay);
/* For search_run(); the context is a struct ridge. */
struct observation ridge_observe(const void *ridge, const struct proposal *proposal);

/* Cells whose optima miss their laws by .2 octaves in common at each horizon and at the target, and
 * by .1 octaves each on its own. */
struct shared_cells {
    struct cell_surface surface;
    uint64_t seed;
};
struct shared_cells shared_cells_draw(uint64_t seed);
double shared_cells_optimum(const struct shared_cells *cells, size_t cell, uint64_t tokens);
double shared_cells_penalty(const struct shared_cells *cells, size_t cell, uint64_t tokens,
                            double lr);
/* For search_run(); the context is a struct shared_cells. */
struct observation shared_cells_observe(const void *cells, const struct proposal *proposal);

#endif
