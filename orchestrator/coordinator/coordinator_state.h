#ifndef LRSEARCH_COORDINATOR_STATE_H
#define LRSEARCH_COORDINATOR_STATE_H

#include "coordinator/coordinator.h"
#include "coordinator/fork.h"
#include "store/journal.h"

/* The inside of the coordinator: coordinator.c runs it, open_run.c opens what it runs on. */

struct handed {
    uint32_t attempt; /* that the scheduler got */
    uint64_t not_before_ms;
};

struct coordinator {
    const struct coordinator_setup *setup;
    struct campaign *campaign;
    struct run_lock *lock;
    bool locked_out; /* it is another's now, and so are the files */
    struct journal *journal;
    struct sched *sched;
    struct fork *fork;       /* whose results are taken over; NULL: none */
    struct event_data *data; /* as prepare_data() found them, by cell */
    size_t data_count;
    char checkpoint_dir[TRIAL_PATH]; /* ""; or where trainings write down where they are */
    char output_dir[TRIAL_PATH];     /* ""; or where the ends of commands' output go */
    struct handed *handed;           /* by trial id */
    size_t handed_size;
    uint64_t now_ms, synced_ms, clock_ms, beaten_ms; /* beaten: the lock's last beat */
    uint64_t answer_until_ms; /* when an interrupted run's answer does without a fit */
    uint64_t deadline_ms;     /* then it drains by itself; 0: never */
    uint64_t drained_ms;      /* when a drain is over at the latest; 0: none is under way */
    char drain_reason[64];    /* "SIGUSR1" */
    struct lr_error *err;     /* of the call under way, for callbacks of the scheduler */
};

/* Appends the event to the journal and applies it. Everything that happens comes by here. */
int coordinator_record(struct coordinator *c, const struct event *event, struct lr_error *err);

/* Tells other hosts that we live. LR_EIO when the directory is another's by now: then nothing more
 * may be written. */
int coordinator_beat(struct coordinator *c, struct lr_error *err);

/* open_run.c: the campaign of RUN_DIR, new or gone on with, up to the point where trials can be
 * handed over; `resolved` is the plan's JSON. Everything that it opens is released by the caller,
 * also on failure. A finished campaign has no session begun. */
int coordinator_begin(struct coordinator *c, const char *resolved, struct lr_error *err);

#endif
