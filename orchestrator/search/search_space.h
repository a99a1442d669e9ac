#ifndef LRSEARCH_SEARCH_SPACE_H
#define LRSEARCH_SEARCH_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lrsearch/answer.h"

/* Input of a search, numbers only: range, priors and observations. Public, as are policy.h,
 * search_answer.h, loss_curves.h, numerics.h, loss_penalty.h and laws/; the other headers are
 * private to this folder and its tests. */

struct ratio_range {
    double low, high; /* equal: fixed */
};

/* A campaign may have axes: each combination of their values is a cell with its own basins. Cells
 * share information: the optimum follows power laws along the axes, from which each cell and
 * horizon deviates by a misfit. */
#define SEARCH_CELLS ANSWER_CELLS
#define SEARCH_GROUPS 48

struct search_cell {
    double axes[AXIS_COUNT]; /* log2 of the cell's value over that of cell 0; 0 where not known */
    uint32_t group;          /* below SEARCH_GROUPS */
    double cost;             /* FLOPs per token over those of cell 0 */
    double log2_params;      /* hidden parameters; 0: not known */
};

/* Cells that differ neither in parametrization nor in the exponent of the embedding's LR over the
 * width, and their prior. */
struct search_group {
    uint32_t parametrization;  /* enum parametrization */
    double embedding_exponent; /* NaN: the campaign has no axis of it */
    double lr_width[2];        /* exponent of LR* over the width: mean, standard deviation */
    double ratio_width[2];     /* the same of the best embedding ratio */
    double ratio_width_offset; /* the trained LRs' ratio goes as width^(ratio_width + offset) */
};

struct search_space {
    double lr_low, lr_high;
    bool extend; /* policy `design` may search beyond the range where its end is best: two octaves
                    at a time, six in all */
    const uint64_t *horizons; /* tokens, ascending */
    size_t horizon_count;
    uint32_t seeds;    /* replicates of each LR: seed indices 0..seeds-1 */
    double resolution; /* octaves between neighbouring LRs of a finished basin */
    uint64_t target_tokens;
    uint64_t seed;                    /* of the posterior's samples */
    double prior_beta, prior_beta_sd; /* Student with 3 degrees of freedom: center, scale */
    double prior_lr, prior_lr_sd;     /* prior of cell 0's LR* at prior_tokens: center; scale,
                                     octaves; prior_lr 0: none */
    uint64_t prior_tokens;
    double precision;      /* policy `design`: ends when the target's expected loss penalty is
                              below this, nats, or its interval half an octave each way */
    double min_gain;       /* policy `design`: least gain at the target, nats per target run */
    uint32_t round_trials; /* policy `design`: trials a round, plus 1 for a pair; 0: no limit */
    struct ratio_range ratios[RATIO_COUNT]; /* low < high: searched, jointly with the LR */
    /* A rule turns the ratio RATIO_DECAY, the plan's weight decay, into that of each trial, so that
     * the best one has other exponents over tokens and batch than that of a trial: what is added
     * to them. */
    double decay_over_tokens, decay_over_batch;
    const struct search_cell *cells; /* [cell_count]; NULL: one cell, no axes */
    size_t cell_count;
    double base[AXIS_COUNT];   /* cell 0's width, depth, ...; 0: not known */
    double base_width;         /* log2 on the width axis: all parametrizations coincide */
    struct search_cell target; /* the target on the axes that the cells span, and its group */
    struct search_group groups[SEARCH_GROUPS];
    size_t group_count;
    /* Polled many times a second in long decisions and fits over cells. Once true it must stay true
     * until the call returns, with LR_ECANCELED. NULL: never interrupted. */
    bool (*interrupted)(void *context);
    void *interrupted_context;
};

enum observed {
    OBSERVED_LOSS,
    OBSERVED_DIVERGED,
    OBSERVED_NOTHING, /* failed for good */
    OBSERVED_RUNNING, /* proposed, not finished */
    OBSERVED_OPTIMUM, /* lr is a horizon's optimum, measured elsewhere */
};

struct observation {
    uint64_t tokens; /* one of space->horizons */
    double lr;
    uint32_t seed; /* replicate index */
    uint32_t cell; /* index into space->cells */
    enum observed kind;
    double loss; /* OBSERVED_LOSS: nats; OBSERVED_OPTIMUM: standard error of ln lr */
    double ratios[RATIO_COUNT];
    double loss_se; /* OBSERVED_LOSS: a standard error that is known already, beside the noise that
                       the search estimates; nats, 0: none */
};

bool search_interrupted(const struct search_space *space);

/* ---- priors, in octaves; only if prior_lr > 0 ---- */

struct expected_place {
    double center, deviation; /* log2 LR* */
};
/* Prior of cell 0's LR* at `tokens`. With t = log2(tokens / prior_tokens): center log2(prior_lr) -
 * prior_beta t, deviation sqrt(prior_lr_sd^2 + (prior_beta_sd t)^2). */
struct expected_place prior_lr_at(const struct search_space *space, double tokens);

/* ---- cells ---- */

/* True if a cell or the target differs from cell 0 along the axis. */
bool axis_is_spanned(const struct search_space *space, enum answer_axis axis);
/* Index of the cell that equals the target, or -1. */
int target_cell(const struct search_space *space);
/* The cell nearest to the target by the sum of octaves over the axes; one of the target's
 * parametrization if there is any. */
uint32_t nearest_cell(const struct search_space *space);
/* The space reduced to one cell. */
struct search_space cell_space(const struct search_space *space, uint32_t cell);
/* Copies the cell's observations, as those of cell 0, to `out` (room for `count`); returns their
 * number. */
size_t cell_filter(uint32_t cell, const struct observation *seen, size_t count,
                   struct observation *out);

#endif
