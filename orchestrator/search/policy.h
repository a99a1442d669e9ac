#ifndef LRSEARCH_POLICY_H
#define LRSEARCH_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lrsearch/answer.h"
#include "lrsearch/error.h"

/* The search sees numbers only: where it may look, what was seen. A policy is a pure function from
 * these to the next round of trials. It keeps no state, so that a campaign resumed from its journal
 * asks for the same rounds, whatever the number of workers. */

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
    struct ratio_range ratios[RATIO_COUNT]; /* policies do not see these: ratios.c does */
    const struct search_cell *cells;        /* [cell_count]; NULL: one cell, no axes */
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

static inline bool search_interrupted(const struct search_space *space)
{
    return space->interrupted && space->interrupted(space->interrupted_context);
}

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

struct proposal {
    uint64_t tokens;
    double lr;
    uint32_t seed;
    uint32_t cell;
    double ratios[RATIO_COUNT];
};

#define POLICY_ROUND_MAX 1024

/* What a policy expects to ask for, before anything is known. */
struct forecast_stage {
    char name[48]; /* "coarse", "bisect", "around the prediction", ... */
    uint64_t tokens;
    uint32_t trials; /* expected */
    uint32_t trials_max;
};

struct policy {
    const char *name;
    /* Fills `round` (capacity POLICY_ROUND_MAX) with the next trials, given that all earlier ones
     * are in `seen`. Returns their number; 0: nothing more to ask; negative: error. Never proposes
     * a (tokens, lr, seed) that is in `seen`. Deterministic; `seen` may come in any order. */
    int (*next)(const struct search_space *space, const struct observation *seen, size_t count,
                struct proposal *round);
    /* Fills `stages`, returns their number. */
    int (*forecast)(const struct search_space *space, struct forecast_stage *stages,
                    size_t capacity);
    bool while_running; /* may be asked while trials run */
};

extern const struct policy policy_narrow; /* bisects around the best, then follows the law */
extern const struct policy policy_grid;   /* the papers' protocol: an octave grid at each horizon */
extern const struct policy policy_design; /* asks for what tells most about the target */
const struct policy *policy_find(const char *name); /* NULL when unknown */

/* What a campaign asks: the policy's rounds, with the ratios that the space has ranges for searched
 * on the way (ratios.c): at the shortest horizon first the LR at middling ratios, then one ratio
 * after the other at the best LR, then the policy's whole search at the best ratios. As
 * policy->next and policy->forecast; or LR_ENOMEM, LR_ECANCELED. */
int search_next(const struct policy *policy, const struct search_space *space,
                const struct observation *seen, size_t count, struct proposal *round);
int search_forecast(const struct policy *policy, const struct search_space *space,
                    struct forecast_stage *stages, size_t capacity);

/* Fits everything that `seen` supports: basins, law, hold-out, target; fills horizons, law,
 * target.lr, target.tokens, target.ci90, loss_penalty, ratios, status (identified or
 * not_identified), reason, warnings. Only what was seen at the best ratios enters the basins.
 * Leaves cost, width, vocab and embedding_lr alone. *answer need not be initialised. Works for any
 * number of observations, none too. Deterministic, in any order of `seen`. 0, LR_ENOMEM, or
 * LR_ECANCELED with an answer that is empty. */
int search_answer(struct answer *answer, const struct search_space *space,
                  const struct observation *seen, size_t count, struct lr_error *err);

#endif
