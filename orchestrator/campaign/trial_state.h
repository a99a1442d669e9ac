#ifndef LRSEARCH_TRIAL_STATE_H
#define LRSEARCH_TRIAL_STATE_H

#include <stdbool.h>
#include "lrsearch/trial.h"

/* A trial's state: pending -> running -> done or diverged. A failed attempt leads back to pending,
 * a lost one to lost, which waits for another attempt as well; once the retries are used up, both
 * lead to failed. */

#define TRIAL_STATE_MAP(X)                                                                         \
    X(TRIAL_PENDING, "pending")                                                                    \
    X(TRIAL_RUNNING, "running")                                                                    \
    X(TRIAL_LOST, "lost")                                                                          \
    X(TRIAL_DONE, "done")                                                                          \
    X(TRIAL_DIVERGED, "diverged")                                                                  \
    X(TRIAL_FAILED, "failed") /* final: retries used up, or the trial was refused */

enum trial_state {
#define X(name, text) name,
    TRIAL_STATE_MAP(X)
#undef X
};

#define X(name, text) +1
enum { TRIAL_STATES = TRIAL_STATE_MAP(X) };
#undef X

const char *trial_state_name(enum trial_state state);
bool trial_state_may_become(enum trial_state from, enum trial_state to);
bool trial_state_is_over(enum trial_state state);    /* done, diverged or failed */
bool trial_state_is_waiting(enum trial_state state); /* pending or lost */

enum trial_purpose { PURPOSE_SEARCH, PURPOSE_CONFIRM };
enum { TRIAL_PURPOSES = PURPOSE_CONFIRM + 1 };
const char *trial_purpose_name(uint32_t purpose); /* "search", "confirm"; "?" when unknown */

struct trial {
    uint32_t id;       /* 1, 2, 3, ... in the order of planning */
    uint32_t round;    /* 1, 2, ... */
    uint32_t attempt;  /* 0: never started; then 1, 2, ... */
    uint32_t failures; /* attempts that failed or were lost, abandoned ones not counted */
    uint32_t replicate;
    uint32_t cell;    /* index into the plan's cells; for a confirmation, of the parametrization */
    uint32_t purpose; /* enum trial_purpose */
    bool early;       /* planned while others were open */
    enum trial_state state;
    uint64_t wsd_prefix_tokens; /* of a shared state that it continues from; 0: none */
    struct trial_spec spec;
    struct trial_result
        result;            /* DONE, DIVERGED: the result; FAILED: the last failure or refusal */
    uint32_t rank;         /* of the last attempt */
    double started_s;      /* campaign wall time when the last attempt began */
    uint64_t curve_tokens; /* of the last point of the loss curve in this attempt; 0: none */
    uint64_t curve_begun;  /* tokens where this attempt's curve begins: > 0 after a checkpoint */
    uint64_t first_point;  /* tokens of the first point of the first attempt's curve */
    struct {               /* over all attempts that ended; seconds: of all ranks together */
        uint64_t attempts, tokens;
        double flops, seconds;
    } spent;
};

/* The result was taken over from another campaign: rank 0 never trains. */
bool trial_is_taken_over(const struct trial *trial);

#endif
