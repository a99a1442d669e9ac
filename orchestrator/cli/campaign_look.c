/* The plan is read once, the answer is fitted after changes only. The lock says whether a process
 * is at the campaign. */
#include "cli/campaign_look.h"

#include <string.h>
#include "lrsearch/memory.h"
#include "net/peer.h"
#include "store/run_lock.h"

static int on_event(void *context, const struct campaign *campaign, const struct event *event,
                    struct lr_error *err)
{
    struct campaign_look *look = context;
    bool small = event->kind == EVENT_CLOCK || event->kind == EVENT_CURVE;
    look->changed = look->changed || !small;
    look->fitted = look->fitted && small;
    return status_fill_event(&look->fill, campaign, event, err);
}

/* Whether the lock's owner is alive. On this host: its process exists. On another: the lock was
 * touched within RUN_LOCK_SILENCE_MS, after which another start would break it; by both hosts'
 * clocks at first, then by changes seen here. */
static bool owner_lives(struct campaign_look *look, const struct run_lock_view *lock)
{
    struct msg_hello self = peer_self();
    struct msg_hello owner = {.pid = lock->owner.pid, .host_id = lock->owner.host_id};
    if (lock->known && owner.host_id == self.host_id)
        return peer_alive(&owner);
    time_t now = time(NULL);
    bool beaten = look->beat_seen > 0 && (lock->changed.tv_sec != look->beat.tv_sec ||
                                          lock->changed.tv_nsec != look->beat.tv_nsec);
    if (beaten || look->beat_seen == 0)
        look->beat_seen = beaten ? now : lock->changed.tv_sec;
    look->beat = lock->changed;
    return difftime(now, look->beat_seen) * 1000 < RUN_LOCK_SILENCE_MS;
}

static int look_at_lock(struct campaign_look *look, bool *held, struct lr_error *err)
{
    struct status_view *view = &look->fill.view;
    struct run_lock_view lock;
    int rc;
    view->owner_host[0] = '\0';
    *held = false;
    if ((rc = run_lock_view(&lock, look->run_dir, err)))
        return rc;
    *held = lock.there && owner_lives(look, &lock);
    if (lock.known) {
        memcpy(view->owner_host, lock.owner.host, sizeof(view->owner_host));
        memcpy(view->owner_since, lock.since, sizeof(view->owner_since));
        view->owner_pid = lock.owner.pid;
    }
    return 0;
}

static void forget_campaign(struct campaign_look *look)
{
    campaign_destroy(look->follow.campaign);
    look->follow = (struct run_follow){.seen = on_event, .context = look};
    status_fill_forget(&look->fill);
    look->planned = look->fitted = false;
    look->changed = true;
}

/* Reads the plan once, creates the campaign, and applies what the journal gained since the last
 * time. */
static int read_on(struct campaign_look *look, struct lr_error *err)
{
    int rc;
    if (!look->planned && (rc = run_plan_read(look->plan, &look->plan_hash, look->run_dir, err)))
        return rc;
    look->planned = true;
    if (!look->follow.campaign && (rc = campaign_create(&look->follow.campaign, look->plan, err)))
        return rc;
    return run_follow(&look->follow, look->plan_hash, look->run_dir, err);
}

static bool has_campaign(const struct campaign_look *look)
{
    const struct campaign *campaign = look->follow.campaign;
    return campaign && campaign_opening(campaign)->name[0];
}

/* Looks at the lock before the journal: an owner that ends in between has written everything, and
 * one that is already gone writes no more. */
int campaign_look(struct campaign_look *look, bool *changed, struct lr_error *err)
{
    struct status_view *view = &look->fill.view;
    enum status_state before = view->state;
    struct lr_error why = {0};
    bool held;
    int rc = look_at_lock(look, &held, err);
    if (rc)
        return rc;
    bool again = look->follow.place.lines > 0;
    rc = read_on(look, &why);
    if (rc && again && rc != LR_ENOMEM) {
        memset(&why, 0, sizeof(why));
        forget_campaign(look);
        rc = read_on(look, &why);
    }
    bool none = !has_campaign(look);
    /* Plan and journal are written once the data are ready. */
    if (held && none && (rc == LR_EDATA || rc == LR_EIO || !rc)) {
        forget_campaign(look);
        view->state = STATUS_PREPARING;
    } else if (rc) {
        return lr_fail(err, rc, "%s", why.text);
    } else if (none) {
        return lr_fail(err, LR_EDATA,
                       "%s/journal.jsonl: holds no campaign yet, and no lrsearch works on it; give "
                       "the run's command again",
                       look->run_dir);
    } else {
        bool finished = campaign_finished(look->follow.campaign);
        bool asked = campaign_clock_ms(look->follow.campaign) > 0;
        view->state = held       ? STATUS_RUNNING
                      : finished ? STATUS_FINISHED
                      : asked    ? STATUS_ASKED
                                 : STATUS_INTERRUPTED;
        if ((rc = status_fill_view(&look->fill, look->follow.campaign, !look->fitted, err)))
            return rc;
        look->fitted = true;
    }
    *changed = look->changed || view->state != before;
    look->changed = false;
    return 0;
}

int campaign_look_create(struct campaign_look **out, const char *run_dir, struct lr_error *err)
{
    int rc = LR_ENOMEM;
    struct campaign_look *look = lr_calloc(1, sizeof(*look));
    *out = NULL;
    if (!look || !(look->plan = lr_calloc(1, sizeof(*look->plan)))) {
        rc = lr_nomem(err);
        goto out;
    }
    if (strlen(run_dir) >= sizeof(look->fill.view.run_dir)) {
        rc = lr_fail(err, LR_EDATA, "%s: the path is too long", run_dir);
        goto out;
    }
    look->run_dir = run_dir;
    strcpy(look->fill.view.run_dir, run_dir);
    forget_campaign(look);
    *out = look;
    return 0;
out:
    campaign_look_destroy(look);
    return rc;
}

void campaign_look_destroy(struct campaign_look *look)
{
    if (!look)
        return;
    campaign_destroy(look->follow.campaign);
    status_fill_release(&look->fill);
    lr_free(look->plan);
    lr_free(look);
}
