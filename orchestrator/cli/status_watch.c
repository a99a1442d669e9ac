/* The journal of a large campaign takes a second to read: a watch reads on where it stopped, and
 * begins anew when what it read is not there any more (a repair, another campaign). Hosts' clocks
 * are compared only to tell whether the owner of a lock on another host lives. */
#define _POSIX_C_SOURCE 200809L
#include "cli/status_watch.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include "history/run_reader.h"
#include "cli/status_fill.h"
#include "lrsearch/memory.h"
#include "net/peer.h"
#include "net/transports.h"
#include "store/run_lock.h"

struct status_watch {
    char run_dir[TRIAL_PATH];
    struct plan *plan;
    uint64_t plan_hash;
    bool planned; /* the plan is read */
    struct run_follow follow;
    struct status_session session;
    struct status_view view;
    bool fitted;          /* the answer is that of all events */
    bool changed;         /* since the last look */
    struct timespec beat; /* of the lock, at the last look */
    time_t beat_seen;     /* when it was first seen so */
};

static int on_event(void *context, const struct campaign *campaign, const struct event *event,
                    struct lr_error *err)
{
    struct status_watch *watch = context;
    bool small = event->kind == EVENT_CLOCK || event->kind == EVENT_CURVE;
    watch->changed = watch->changed || !small;
    watch->fitted = watch->fitted && small;
    return status_session_event(&watch->session, campaign, event, err);
}

/* ---- who is at it ---- */

/* An owner on another host is believed to live when its lock was touched within the time after
 * which another start would break it: by the clocks, or by seeing it happen. */
static bool owner_lives(struct status_watch *watch, const struct run_lock_view *lock)
{
    struct msg_hello self = transport_hello();
    struct msg_hello owner = {.pid = lock->owner.pid, .host_id = lock->owner.host_id};
    if (lock->known && owner.host_id == self.host_id)
        return peer_alive(&owner);
    time_t now = time(NULL);
    bool beaten = watch->beat_seen > 0 && (lock->changed.tv_sec != watch->beat.tv_sec ||
                                           lock->changed.tv_nsec != watch->beat.tv_nsec);
    if (beaten || watch->beat_seen == 0)
        watch->beat_seen = beaten ? now : lock->changed.tv_sec;
    watch->beat = lock->changed;
    return difftime(now, watch->beat_seen) * 1000 < RUN_LOCK_SILENCE_MS;
}

static int look_at_lock(struct status_watch *watch, bool *held, struct lr_error *err)
{
    struct status_view *view = &watch->view;
    struct run_lock_view lock;
    int rc = run_lock_view(&lock, watch->run_dir, err);
    view->owner_host[0] = '\0';
    *held = rc == 1 && owner_lives(watch, &lock);
    if (rc == 1 && lock.known) {
        memcpy(view->owner_host, lock.owner.host, sizeof(view->owner_host));
        memcpy(view->owner_since, lock.since, sizeof(view->owner_since));
        view->owner_pid = lock.owner.pid;
    }
    return rc < 0 ? rc : 0;
}

/* ---- looking ---- */

static void forget(struct status_watch *watch)
{
    campaign_destroy(watch->follow.campaign);
    memset(&watch->follow, 0, sizeof(watch->follow));
    status_session_clear(&watch->session);
    watch->view.workers = NULL;
    watch->view.worker_count = 0;
    watch->follow.seen = on_event;
    watch->follow.context = watch;
    watch->planned = watch->fitted = false;
    watch->changed = true;
}

static int read_on(struct status_watch *watch, struct lr_error *err)
{
    int rc = 0;
    if (!watch->planned)
        rc = run_plan_read(watch->plan, &watch->plan_hash, watch->run_dir, err);
    watch->planned = !rc;
    if (!rc && !watch->follow.campaign)
        rc = campaign_create(&watch->follow.campaign, watch->plan, err);
    return rc ? rc : run_follow(&watch->follow, watch->plan_hash, watch->run_dir, err);
}

static bool has_campaign(const struct status_watch *watch)
{
    const struct campaign *campaign = watch->follow.campaign;
    return campaign && campaign_opening(campaign)->name[0];
}

/* The lock is looked at before the journal: who ends in between has written everything, and who
 * is seen to be gone writes no more. */
int status_watch_look(struct status_watch *watch, const struct status_view **out, bool *changed,
                      struct lr_error *err)
{
    struct status_view *view = &watch->view;
    enum status_state before = view->state;
    struct lr_error why = {0};
    bool held;
    int rc = look_at_lock(watch, &held, err);
    if (rc)
        return rc;
    bool again = watch->follow.place.lines > 0;
    rc = read_on(watch, &why);
    if (rc && again && rc != LR_ENOMEM) {
        memset(&why, 0, sizeof(why));
        forget(watch);
        rc = read_on(watch, &why);
    }
    bool none = !has_campaign(watch);
    /* Plan and journal come when the data are ready. */
    if (held && none && (rc == LR_EDATA || rc == LR_EIO || !rc)) {
        forget(watch);
        view->state = STATUS_PREPARING;
    } else if (rc) {
        return lr_fail(err, rc, "%s", why.text);
    } else if (none) {
        return lr_fail(err, LR_EDATA,
                       "%s/journal.jsonl: holds no campaign yet, and nobody is at it; give the "
                       "run's command again",
                       watch->run_dir);
    } else {
        bool finished = campaign_finished(watch->follow.campaign);
        view->state = held ? STATUS_RUNNING : finished ? STATUS_FINISHED : STATUS_INTERRUPTED;
        rc = status_fill(view, watch->follow.campaign, &watch->session, !watch->fitted, err);
        if (rc)
            return rc;
        watch->fitted = true;
    }
    *changed = watch->changed || view->state != before;
    watch->changed = false;
    *out = view;
    return 0;
}

int status_watch_create(struct status_watch **out, const char *run_dir, struct lr_error *err)
{
    *out = NULL;
    if (strlen(run_dir) >= TRIAL_PATH)
        return lr_fail(err, LR_EDATA, "%s: the path is too long", run_dir);
    struct status_watch *watch = lr_calloc(1, sizeof(*watch));
    if (watch)
        watch->plan = lr_calloc(1, sizeof(*watch->plan));
    if (!watch || !watch->plan) {
        lr_free(watch);
        return lr_nomem(err);
    }
    snprintf(watch->run_dir, sizeof(watch->run_dir), "%s", run_dir);
    snprintf(watch->view.run_dir, sizeof(watch->view.run_dir), "%s", run_dir);
    forget(watch);
    *out = watch;
    return 0;
}

void status_watch_destroy(struct status_watch *watch)
{
    if (!watch)
        return;
    campaign_destroy(watch->follow.campaign);
    lr_free(watch->plan);
    status_session_clear(&watch->session);
    lr_free(watch->view.points);
    lr_free(watch);
}
