#ifndef LRSEARCH_POLICY_H
#define LRSEARCH_POLICY_H

#include "lrsearch/error.h"
#include "search/search_space.h"

/* A policy is a pure function from a search space and observations to the next round of trials. It
 * keeps no state, so that a campaign resumed from its journal gets the same rounds, whatever the
 * number of workers. */

struct proposal {
    uint64_t tokens;
    double lr;
    uint32_t seed;
    uint32_t cell;
    double ratios[RATIO_COUNT];
};

#define POLICY_ROUND_MAX 1024

/* Trials that a policy expects to propose, before any observation. */
struct forecast_stage {
    char name[48]; /* "coarse", "bisect", "around the prediction", ... */
    uint64_t tokens;
    uint32_t trials; /* expected */
    uint32_t trials_max;
};

struct policy {
    const char *name;
    /* Fills `round` (capacity POLICY_ROUND_MAX) with the next trials, given that all earlier ones
     * are in `seen`. Returns their number; 0: none; negative: error. Never proposes a (tokens, lr,
     * seed) that is in `seen`. Deterministic, for any order of `seen`. */
    int (*next)(const struct search_space *space, const struct observation *seen, size_t count,
                struct proposal *round);
    /* Fills `stages`, returns their number. */
    int (*forecast)(const struct search_space *space, struct forecast_stage *stages,
                    size_t capacity);
    bool while_running; /* next() may be called while trials run */
};

extern const struct policy policy_narrow; /* bisects around the best, then follows the law */
extern const struct policy policy_grid;   /* the papers' protocol: an octave grid at each horizon */
extern const struct policy policy_design; /* trials with the highest information gain per token */
const struct policy *policy_find(const char *name); /* NULL when unknown */

/* The next round, returned as by policy->next; or LR_ENOMEM, LR_ECANCELED. Ratios with a range are
 * searched too (ratios.h). With cells, `design` searches all of them jointly (policy_cells.h); any
 * other policy searches each one separately, all in one round. */
int search_next(const struct policy *policy, const struct search_space *space,
                const struct observation *seen, size_t count, struct proposal *round);
/* As policy->forecast, for the whole search. */
int search_forecast(const struct policy *policy, const struct search_space *space,
                    struct forecast_stage *stages, size_t capacity);

#endif
