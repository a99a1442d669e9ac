#ifndef LRSEARCH_OPEN_RUN_H
#define LRSEARCH_OPEN_RUN_H

#include <stdbool.h>
#include "coordinator/coordinator.h"
#include "coordinator/fork.h"
#include "store/journal.h"
#include "store/run_lock.h"

/* A RUN_DIR that this process holds: its lock, its journal, and the campaign that the journal
 * tells. */

struct open_run {
    const struct coordinator_setup *setup;
    struct campaign *campaign;
    struct run_lock *lock;
    bool locked_out; /* the lock, and with it the directory, is another process's by now */
    struct journal *journal;
    struct fork *fork;       /* whose results are taken over; NULL: none */
    struct event_data *data; /* as prepare_data() found them, by cell */
    size_t data_count;
    char checkpoint_dir[TRIAL_PATH]; /* ""; or where trainings write down where they are */
    char output_dir[TRIAL_PATH];     /* ""; or where the ends of commands' output go */
};

/* Begins a campaign or goes on with it, up to the point where trials can be handed over: the
 * directory, its lock and journal, the check that plan and data are still the campaign's, and the
 * first events of the session (none of a campaign that is finished). `resolved` is the plan's JSON.
 * *run must be zero but for its setup. open_run_close() it, also on failure. */
int open_run_begin(struct open_run *run, const char *resolved, struct lr_error *err);
void open_run_close(struct open_run *run);

/* There is a campaign whose files can be written. */
bool open_run_has_campaign(const struct open_run *run);

/* Appends the event to the journal, applies it and shows it to setup->watch. Every event takes this
 * way. */
int open_run_record(struct open_run *run, const struct event *event, struct lr_error *err);

/* Tells other hosts that this process lives. LR_EIO when the directory is another's by now: then
 * nothing more may be written (run->locked_out). */
int open_run_beat(struct open_run *run, struct lr_error *err);

/* RUN_DIR/lock, in the name of this process, for whoever else writes there; run_lock_release()
 * it. */
int open_run_lock(struct run_lock **out, const char *run_dir, struct lr_error *err);

/* Removes what a run of this campaign left that was ended before it could: states of trainings, and
 * files of the lock. Nothing unless the campaign is finished and nobody holds the lock. */
void open_run_tidy(const char *run_dir, const struct campaign *campaign);

#endif
