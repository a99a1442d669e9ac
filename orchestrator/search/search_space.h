#ifndef LRSEARCH_SEARCH_SPACE_H
#define LRSEARCH_SEARCH_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lrsearch/answer.h"

/* What a search is given, numbers only: where it may look, what is expected beforehand, and what
 * was observed. Public, with policy.h, search_answer.h, numerics.h, loss_penalty.h and laws/; the
 * other headers are for this folder and its tests. */

struct ratio_range {
    double low, high; /* equal: fixed */
};

/* A campaign may have axes: each combination of their values is a cell with basins of its own.
 * Cells share what they learn: the optimum moves along the axes by power laws, from which each cell
 * and horizon differs by a misfit. */
#define SEARCH_CELLS ANSWER_CELLS
#define SEARCH_GROUPS 3

struct search_cell {
    double axes[AXIS_COUNT]; /* log2 of the cell's value over that of cell 0; 0 where not known */
    uint32_t group;          /* cells of one parametrization; below SEARCH_GROUPS */
    double cost;             /* FLOPs of a token over those of cell 0 */
    double log2_params;      /* hidden parameters; 0: not known */
};

/* What is expected of a parametrization before anything is seen. */
struct search_group {
    uint32_t parametrization;  /* enum parametrization */
    double lr_width[2];        /* exponent of LR* over the width: mean, standard deviation */
    double ratio_width[2];     /* of the best embedding ratio */
    double ratio_width_offset; /* what the parametrization itself multiplies the ratio of the
                                  trained LRs with: width^offset */
};

struct search_space {
    double lr_low, lr_high;
    const uint64_t *horizons; /* tokens, ascending */
    size_t horizon_count;
    uint32_t seeds;    /* replicates of each LR: seed indices 0..seeds-1 */
    double resolution; /* octaves between neighbouring LRs of a finished basin */
    uint64_t target_tokens;
    uint32_t bootstrap; /* resamples */
    uint64_t seed;      /* of the bootstrap */
    double prior_beta, prior_beta_sd;
    double prior_lr, prior_lr_sd; /* where LR* of cell 0 is expected at prior_tokens, and how
                                     surely, octaves; 0: nobody knows */
    uint64_t prior_tokens;
    double min_gain; /* design: nats that a target run's worth of tokens must gain at the target */
    uint32_t round_trials; /* at most so many trials are asked for at once; 0: as many as the policy
                              likes */
    struct ratio_range
        ratios[RATIO_COUNT]; /* searched before the policy's LRs (ratios.h), or as coordinates of
                                               a search over cells */
    const struct search_cell *cells; /* [cell_count]; NULL: one cell, no axes */
    size_t cell_count;
    double base[AXIS_COUNT];   /* cell 0's width, depth, ...; 0: not known */
    double base_width;         /* place on the width's axis where all parametrizations are one */
    struct search_cell target; /* the same of the target: axes that the cells span, group */
    struct search_group groups[SEARCH_GROUPS];
    size_t group_count;
    /* Asked many times a second in long decisions and fits over cells; once true it must stay true
     * until the call is over, which then is LR_ECANCELED. NULL: nobody interrupts. */
    bool (*interrupted)(void *context);
    void *interrupted_context;
};

enum observed {
    OBSERVED_LOSS,
    OBSERVED_DIVERGED,
    OBSERVED_NOTHING, /* failed for good */
    OBSERVED_RUNNING, /* asked for, not over */
    OBSERVED_OPTIMUM, /* lr is a horizon's optimum, measured elsewhere; loss: standard error of ln
                         lr */
};

struct observation {
    uint64_t tokens; /* one of space->horizons */
    double lr;
    uint32_t seed; /* replicate index */
    uint32_t cell; /* index into space->cells */
    enum observed kind;
    double loss; /* OBSERVED_LOSS only */
    double ratios[RATIO_COUNT];
};

bool search_interrupted(const struct search_space *space);

/* ---- what is expected before any loss, in octaves; only where there is a prior_lr ---- */

struct expected_place {
    double center, deviation; /* log2 LR* */
};
/* LR* of cell 0 at so many tokens: prior_lr, carried along the expected law. */
struct expected_place prior_lr_at(const struct search_space *space, double tokens);
/* Density of log2 LR* = place at prior_tokens, but for a factor: Student with 3 degrees of freedom,
 * so that losses that disagree prevail. */
double prior_lr_density(const struct search_space *space, double place);

/* ---- cells ---- */

/* Whether a cell or the target differs from cell 0 along the axis. */
bool axis_is_spanned(const struct search_space *space, enum answer_axis axis);
/* The cell that the target is, or -1. */
int target_cell(const struct search_space *space);
/* The cell nearest to the target, of its parametrization where there is one. */
uint32_t nearest_cell(const struct search_space *space);
/* The space of one cell alone. */
struct search_space cell_space(const struct search_space *space, uint32_t cell);
/* Copies what was observed of the cell, as cell 0, to `out` (room for `count`); returns its
 * size. */
size_t cell_filter(uint32_t cell, const struct observation *seen, size_t count,
                   struct observation *out);

#endif
