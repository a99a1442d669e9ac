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

/* The coordinator: the one place where campaign, scheduler and journal meet. Everything that
 * happens takes the same way:
 *
 *     event -> journal (append) -> campaign (apply) -> scheduler, files, screen (act)
 *
 * so that a restart, which replays the journal, stands where the last run stopped. */

/* Who looks on; every member may be NULL. Called after an event was applied. */
struct coordinator_watch {
    void *context;
    void (*event)(void *context, const struct campaign *campaign, const struct event *event);
    void (*progress)(void *context, const struct msg_progress *progress);
    void (*tick)(void *context, const struct campaign *campaign, const struct sched_counts *counts,
                 uint64_t now_ms);
};

struct coordinator_setup {
    const struct plan *plan;
    const char *plan_path; /* copied into RUN_DIR as plan.yaml */
    const char *run_dir;
    bool resume;           /* false: refuse a directory that holds a campaign */
    const char *fork_from; /* RUN_DIR of another campaign, whose results of the same trainings are
                              taken over; NULL: none */
    struct transport *transport;
    const struct loop_ops *loop; /* what drives it: loop_uv, or a test's virtual time */
    double grace_s;  /* after SIGUSR1 or SIGUSR2, and before end_time, for checkpoints */
    time_t end_time; /* when whatever started us will end us; 0: not known */
    const char *mpi_library, *blas; /* of this start, for its SESSION event; not NULL */
    /* Makes the training data ready and fills `data`: [plan_cell_count() + 1], of each cell and of
     * the target, zero where there are none; and `products`, if they are not chosen yet. Not called
     * when the campaign in RUN_DIR is already finished. */
    int (*prepare_data)(void *context, char products[TRIAL_PRODUCTS], struct event_data *data,
                        struct lr_error *err);
    void *prepare_context;
    /* The run that the answer is compared with: found before anything else, when the plan names it;
     * compared with before the answer is written. NULL: neither. */
    int (*find_baseline)(void *context, struct lr_error *err);
    void (*compare)(void *context, const struct campaign *campaign, struct answer *answer);
    void *baseline_context;
    struct coordinator_watch watch;
    /* Draws the figures and the report of RUN_DIR at the end; NULL: none are wanted. `trials` are
     * all. */
    void (*draw)(const char *run_dir, const struct answer *answer,
                 const struct trial *const *trials, size_t count);
};

/* Runs the campaign until it is finished, or a signal or an error ends it, writes the files of
 * RUN_DIR, and stops the workers. *answer is filled whenever the campaign got as far as its
 * journal, also on error. 0 when finished; LR_ECANCELED after a signal; other codes as they come.
 * *workers_lost says whether a worker vanished on the way. */
int coordinator_run(const struct coordinator_setup *setup, struct answer *answer,
                    bool *workers_lost, struct lr_error *err);

#endif
