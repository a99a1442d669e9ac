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

/* The same for a process that only hands out trials or takes results (ask_tell.h): what is handed
 * out stays so. Waits its turn for the lock. The journal gets events of a session only if the
 * campaign begins, if the last session is of a run, whose running trials end, or if `starts` (the
 * user gave the plan) and its budget or limits are other ones or a failed trial had stopped it. */
int open_run_join(struct open_run *run, const char *resolved, bool starts, struct lr_error *err);

/* Records a SESSION of this process, with so many ranks, the coordinator's included. */
int open_run_session(struct open_run *run, uint32_t ranks, struct lr_error *err);

/* Logs the last lines that the command of the last failed attempt printed, if there are any. */
void open_run_show_output(const struct open_run *run);

/* The journal holds a campaign, so its files can be written. */
bool open_run_has_campaign(const struct open_run *run);

/* Appends the event to the journal, applies it and passes it to setup->watch. All events go through
 * this function. */
int open_run_record(struct open_run *run, const struct event *event, struct lr_error *err);

/* Writes the files of RUN_DIR that follow from the journal and the answer: result.json, the tables
 * and, with setup->draw, the report. */
int open_run_write(struct open_run *run, const struct answer *answer, struct lr_error *err);

/* Journals the result that the same trial has in the campaign of run->fork; at_s: campaign wall
 * time. */
int open_run_take_over(struct open_run *run, const struct trial *trial,
                       const struct fork_trial *known, double at_s, struct lr_error *err);

/* Removes a trial's checkpoint if the trial is over; its result must be durable. */
void open_run_remove_checkpoint(const struct open_run *run, uint32_t id);

/* Renews the lock, so that other hosts see that this process lives. LR_EIO if another process has
 * taken over the directory; then nothing more may be written (run->locked_out). */
int open_run_beat(struct open_run *run, struct lr_error *err);

/* Takes RUN_DIR/lock for this process, for commands that write there (turn_ms: run_lock_take());
 * run_lock_release() it. */
int open_run_lock(struct run_lock **out, const char *run_dir, uint64_t turn_ms,
                  struct lr_error *err);

/* Removes checkpoints and lock files that a killed run left behind. Does nothing unless the
 * campaign is complete and the lock is free. */
void open_run_tidy(const char *run_dir, const struct campaign *campaign);

#endif
