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
    /* Fills `round` (capacity POLICY_ROUND_MAX) with the next *asked trials, given that all earlier
     * ones are in `seen`; 0 of them: none are worth it. Never proposes a (cell, tokens, lr, ratios,
     * seed) that is in `seen`. Deterministic, for any order of `seen`. 0, LR_ENOMEM,
     * LR_ECANCELED. */
    int (*next)(const struct search_space *space, const struct observation *seen, size_t count,
                struct proposal *round, size_t *asked);
    /* Fills `stages`, returns their number. */
    size_t (*forecast)(const struct search_space *space, struct forecast_stage *stages,
                       size_t capacity);
    bool while_running; /* next() may be called while trials run */
    const char *ended;  /* why it proposes no more; NULL: the answer's error and gain say why */
};

/* X(name): policy_NAME.c has policy_NAME. grid: the papers' protocol, octaves at each horizon;
 * design: narrows around each optimum, with the trials of the highest information gain per
 * token. */
#define POLICIES(X) X(grid) X(design)
#define X(name) extern const struct policy policy_##name;
POLICIES(X)
#undef X
const struct policy *policy_find(const char *name); /* NULL when unknown */

/* As policy->next and policy->forecast, for campaigns with any number of cells. */
int search_next(const struct policy *policy, const struct search_space *space,
                const struct observation *seen, size_t count, struct proposal *round,
                size_t *asked);
size_t search_forecast(const struct policy *policy, const struct search_space *space,
                       struct forecast_stage *stages, size_t capacity);

#endif
