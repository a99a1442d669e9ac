#ifndef LRSEARCH_TRIAL_STATE_H
#define LRSEARCH_TRIAL_STATE_H

#include "lrsearch/trial.h"

/* A trial in the coordinator's books. */

#define TRIAL_STATE_MAP(X)                                                                         \
    X(TRIAL_PENDING, "pending")                                                                    \
    X(TRIAL_RUNNING, "running")                                                                    \
    X(TRIAL_DONE, "done")                                                                          \
    X(TRIAL_DIVERGED, "diverged")                                                                  \
    X(TRIAL_FAILED, "failed") /* for good: its retries are used up */                              \
    X(TRIAL_LOST, "lost")     /* its worker vanished; becomes pending or failed at once */

enum trial_state {
#define X(name, text) name,
    TRIAL_STATE_MAP(X)
#undef X
};

const char *trial_state_name(enum trial_state state);

struct trial {
    uint32_t id;      /* 1, 2, 3, ... in the order of planning */
    uint32_t round;   /* 1, 2, ... */
    uint32_t attempt; /* 0: never started; then 1, 2, ... */
    uint32_t replicate;
    enum trial_state state;
    struct trial_spec spec;
    struct trial_result result; /* when DONE or DIVERGED; the last failure when FAILED */
    uint32_t rank;              /* of the last attempt */
    char host[64];
};

#endif
