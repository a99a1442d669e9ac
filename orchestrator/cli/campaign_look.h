#ifndef LRSEARCH_CAMPAIGN_LOOK_H
#define LRSEARCH_CAMPAIGN_LOOK_H

#include <time.h>
#include "cli/status_fill.h"
#include "history/run_reader.h"

/* Follows a campaign by its files, whether a process runs it or not; that process is not contacted.
 * Reading the journal of a large campaign takes a second, so a look continues where the last one
 * stopped, and starts again if that part of the journal is gone (a repair, another campaign). */

struct campaign_look {
    const char *run_dir;
    struct plan *plan; /* owned */
    uint64_t plan_hash;
    bool planned;             /* the plan is read */
    struct run_follow follow; /* campaign NULL: none yet */
    struct status_fill fill;  /* its view is that of the last look */
    bool fitted;              /* the answer covers all events */
    bool changed;             /* since the last look */
    struct timespec beat;     /* the lock's time at the last look */
    time_t beat_seen;         /* when that time was first seen */
};

/* LR_EDATA: the path is too long. LR_ENOMEM. campaign_look_destroy() *out, which is NULL then. */
int campaign_look_create(struct campaign_look **out, const char *run_dir, struct lr_error *err);
void campaign_look_destroy(struct campaign_look *look); /* takes NULL */

/* Reads new events and fills the view. *changed: by more than the clock and losses of running
 * trials. LR_EDATA: not a run directory, or it holds no campaign; while a process prepares one the
 * state is STATUS_PREPARING, without an error. */
int campaign_look(struct campaign_look *look, bool *changed, struct lr_error *err);

#endif
