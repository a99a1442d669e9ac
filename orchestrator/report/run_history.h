#ifndef LRSEARCH_RUN_HISTORY_H
#define LRSEARCH_RUN_HISTORY_H

#include <stddef.h>
#include <stdint.h>
#include "lrsearch/error.h"

/* What a report tells beyond the state of the trials, read from RUN_DIR's journal: who trained what
 * and when, and the loss curves, thinned. */

#define HISTORY_POINTS 48 /* of a curve, at most */

struct attempt {
    uint32_t trial, rank; /* rank 0: nobody trained, the result was taken over */
    uint32_t outcome;     /* enum outcome; HISTORY_RUNNING: it is not over */
    char host[64];
    double begin_s, end_s; /* of the campaign's wall time */
};
#define HISTORY_RUNNING UINT32_MAX

struct history_curve {
    uint64_t tokens[HISTORY_POINTS]; /* ascending */
    double loss[HISTORY_POINTS];
    uint32_t count, stride, skipped; /* every stride-th point is kept */
};

struct run_history {
    struct attempt *attempts; /* in the order of their beginning */
    size_t attempt_count, attempt_capacity;
    struct history_curve **curves; /* of each trial; NULL: none */
    size_t *last;                  /* of each trial: its last attempt + 1; 0: none */
    size_t count;                  /* trials */
    double wall_s;
    uint32_t sessions, ranks; /* ranks: of the last session */
    char started_utc[32];     /* the first session's; "" */
};

/* `count`: of the campaign's trials. Release it in every case. */
int run_history_read(struct run_history *history, const char *run_dir, size_t count,
                     struct lr_error *err);
void run_history_release(struct run_history *history);

#endif
