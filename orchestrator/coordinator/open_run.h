#ifndef LRSEARCH_OPEN_RUN_H
#define LRSEARCH_OPEN_RUN_H

#include <stdbool.h>
#include "coordinator/coordinator.h"
#include "coordinator/fork.h"
#include "store/journal.h"
#include "store/run_lock.h"

/* A RUN_DIR that this process has locked: its lock, its journal, and the campaign replayed from
 * it. */

struct open_run {
    const struct coordinator_setup *setup;
    struct campaign *campaign;
    struct run_lock *lock;
    bool locked_out; /* another process has taken over the lock and the directory */
    struct journal *journal;
    struct fork *fork;       /* source of taken-over results; NULL: none */
    struct event_data *data; /* as prepare_data() found them, by cell */
    size_t data_count;
    char checkpoint_dir[TRIAL_PATH]; /* ""; or the directory of the trials' checkpoints */
    char output_dir[TRIAL_PATH];     /* ""; or the directory for the end of each command's output */
};

/* Begins or continues a campaign up to the point where trials can be queued: the directory, its
 * lock and journal, the check that plan and data are unchanged, and the first events of the session
 * (none if the campaign is finished). `resolved` is the plan's JSON. *run must be zero except for
 * its setup. open_run_close() it, also on failure. */
int open_run_begin(struct open_run *run, const char *resolved, struct lr_error *err);
void open_run_close(struct open_run *run);

/* Logs the last lines that the command of the last failed attempt printed, if there are any. */
void open_run_show_output(const struct open_run *run);

/* The journal holds a campaign, so its files can be written. */
bool open_run_has_campaign(const struct open_run *run);

/* Appends the event to the journal, applies it and passes it to setup->watch. All events go through
 * this function. */
int open_run_record(struct open_run *run, const struct event *event, struct lr_error *err);

/* Renews the lock, so that other hosts see that this process lives. LR_EIO if another process has
 * taken over the directory; then nothing more may be written (run->locked_out). */
int open_run_beat(struct open_run *run, struct lr_error *err);

/* Takes RUN_DIR/lock for this process, for commands that write there; run_lock_release() it. */
int open_run_lock(struct run_lock **out, const char *run_dir, struct lr_error *err);

/* Removes checkpoints and lock files that a killed run left behind. Does nothing unless the
 * campaign is complete and the lock is free. */
void open_run_tidy(const char *run_dir, const struct campaign *campaign);

#endif
