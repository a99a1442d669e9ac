#ifndef LRSEARCH_COORDINATOR_H
#define LRSEARCH_COORDINATOR_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include "campaign/campaign.h"
#include "lrsearch/answer.h"
#include "lrsearch/error.h"
#include "lrsearch/transport.h"
#include "net/loop.h"
#include "sched/sched.h"
#include "store/provenance.h"

/* The coordinator connects campaign, scheduler and journal. Every event takes the same way:
 *
 *     event -> journal (append) -> campaign (apply) -> scheduler, files, screen (act)
 *
 * so that a restart, which replays the journal, resumes where the last run stopped. */

/* Observers; each may be NULL. Called after the event was applied. */
struct coordinator_watch {
    void *context;
    void (*event)(void *context, const struct campaign *campaign, const struct event *event);
    void (*progress)(void *context, const struct msg_progress *progress);
    void (*tick)(void *context, const struct campaign *campaign, const struct sched_counts *counts,
                 uint64_t now_ms);
};

struct coordinator_setup {
    const struct plan *plan;
    const char *plan_path;                 /* copied into RUN_DIR as plan.yaml */
    struct provenance_arguments arguments; /* of this start, for provenance.json */
    const char *run_dir;
    bool resume;           /* false: refuse a directory that holds a campaign */
    const char *fork_from; /* RUN_DIR of a campaign whose results of equal trials are taken over;
                              NULL: none */
    struct transport *transport;
    const struct loop_ops *loop; /* the event loop: loop_uv, or a test's with virtual time */
    double grace_s;  /* time for checkpoints after SIGUSR1, SIGUSR2, or before end_time */
    time_t end_time; /* when the job's time limit ends this process; 0: unknown */
    const char *mpi_library, *blas; /* of this start, for its SESSION event; not NULL */
    /* Prepares the training data. Fills `data`, [plan_cell_count() + 1], for each cell and for the
     * target, zero where there are none; and `products`, if not chosen yet. Not called when the
     * campaign in RUN_DIR is already finished. */
    int (*prepare_data)(void *context, char products[TRIAL_PRODUCTS], struct event_data *data,
                        struct lr_error *err);
    void *prepare_context;
    /* The run that the answer is compared with. find_baseline() is called before RUN_DIR is opened,
     * compare() before the answer is written. NULL: neither. */
    int (*find_baseline)(void *context, struct lr_error *err);
    void (*compare)(void *context, const struct campaign *campaign, struct answer *answer);
    void *baseline_context;
    struct coordinator_watch watch;
    /* Draws the figures and the report of RUN_DIR at the end; NULL: none are wanted. `trials` holds
     * all trials, by id. */
    void (*draw)(const char *run_dir, const struct answer *answer,
                 const struct trial *const *trials, size_t count);
};

/* Runs the campaign until it is finished, or a signal or an error ends it; then writes the files of
 * RUN_DIR and stops the workers. *answer is filled if the journal holds this campaign, also on
 * error, but not after LR_EPLAN, LR_ECREATE, the loss of the lock, or a signal that ended the fit
 * of a finished campaign, whose files the next start writes. 0: finished; LR_ECANCELED: ended by a
 * signal; other codes as they occur. *workers_lost: a worker was lost during the run. */
int coordinator_run(const struct coordinator_setup *setup, struct answer *answer,
                    bool *workers_lost, struct lr_error *err);

#endif
