#ifndef LRSEARCH_RUN_HISTORY_H
#define LRSEARCH_RUN_HISTORY_H

#include <stddef.h>
#include <stdint.h>
#include "store/journal.h"
#include "lrsearch/error.h"

/* What a report shows beyond the state of the trials, read from RUN_DIR's journal: attempts with
 * rank and time, and thinned loss curves. */

#define HISTORY_POINTS 48        /* per curve, at most; */
#define HISTORY_POINTS_LEAST 8   /* fewer where there are many curves, */
#define HISTORY_POINTS_ALL 60000 /* so that all together have about so many */

/* A rank's part in an attempt; those of a group follow each other. */
struct attempt {
    uint32_t trial, rank;  /* rank 0: not trained, the result was reused */
    uint32_t outcome;      /* enum outcome; HISTORY_RUNNING: not ended */
    char host[64];         /* "": a follower's, unknown */
    size_t others;         /* index + 1 of another rank's part in it; 0: none */
    double begin_s, end_s; /* in the history's wall time */
};
#define HISTORY_RUNNING UINT32_MAX

struct history_curve {
    uint64_t tokens[HISTORY_POINTS]; /* ascending */
    double loss[HISTORY_POINTS];
    uint32_t count, stride, skipped; /* every stride-th point is kept */
};

struct history_start {
    struct event_session session;
    double at_s; /* wall time when it began */
};

struct run_history {
    struct attempt *attempts; /* in the order of their start */
    size_t attempt_count, attempt_capacity;
    struct history_curve **curves; /* of each trial; NULL: none */
    size_t *last;       /* of each trial: index + 1 of a part in its last attempt; 0: none */
    size_t count;       /* trials */
    uint32_t points;    /* per curve, at most */
    double wall_s;      /* of all sessions, also what the campaign's clock missed: */
    double uncounted_s; /* the last seconds of killed sessions, and */
    double latest_s;    /* time of the latest event */
    struct history_start *starts; /* of the program, in order */
    size_t start_count, start_capacity;
    struct event_campaign opening; /* name "": none yet */
    struct event_data *data;       /* of the cells that train on other data than the first */
    size_t data_count, data_capacity;
    uint32_t ranks;              /* of the last session */
    uint32_t widest;             /* most ranks of an attempt */
    struct event_steps steps[8]; /* of the last session that measured any, by ranks ascending */
    size_t step_count;
};

/* `count`: number of the campaign's trials. Call run_history_release() also after a failure.
 * LR_ENOMEM, and the errors of journal_read_run(). */
int run_history_read(struct run_history *history, const char *run_dir, size_t count,
                     struct lr_error *err);
void run_history_release(struct run_history *history);

#endif
