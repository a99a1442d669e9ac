/* Where a campaign stands, by its journal and its lock. The journal of a large campaign takes a
 * second to read: a watch reads on where it stopped, and begins anew when what it read is not
 * there any more (a repair, another campaign). Time is the journal's CLOCK, which beats every 15 s;
 * the clocks of two hosts are compared only to tell whether the owner of a lock on another host
 * lives. */
#define _DEFAULT_SOURCE /* timegm */
#include "cli/status_fill.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "campaign/campaign.h"
#include "cli/past_run.h"
#include "lrsearch/memory.h"
#include "net/peer.h"
#include "net/transports.h"
#include "store/run_lock.h"

struct began {       /* a trial's last attempt */
    double clock_s;  /* of the session */
    uint64_t tokens; /* of it that this session's speed has counted */
};

struct status_watch {
    char run_dir[TRIAL_PATH];
    struct plan *plan;
    uint64_t plan_hash;
    bool planned; /* the plan is read */
    struct past_follow follow;
    struct status_view view;
    double clock_s;          /* of this session, by the journal */
    double elapsed_s;        /* the same now */
    time_t session_began;    /* by its host's clock; 0: not known */
    uint64_t session_tokens; /* trained in it */
    struct began *began;     /* by trial id */
    size_t began_capacity;
    bool fitted;          /* the answer is that of all events */
    bool changed;         /* since the last look */
    struct timespec beat; /* of the lock, at the last look */
    time_t beat_seen;     /* when it was first seen so */
};

/* ---- what the campaign does not keep ---- */

static int set_workers(struct status_watch *watch, uint32_t count, struct lr_error *err)
{
    struct status_view *view = &watch->view;
    struct status_worker *workers = lr_realloc(view->workers, (count + 1) * sizeof(*workers));
    if (!workers)
        return lr_fail(err, LR_ENOMEM, "out of memory");
    memset(workers, 0, (count + 1) * sizeof(*workers));
    for (uint32_t i = 0; i < count; i++)
        workers[i].rank = i + 1;
    view->workers = workers;
    view->worker_count = count;
    return 0;
}

/* NULL: nobody trains there (a result that was taken over). */
static struct status_worker *worker_of(struct status_watch *watch, uint32_t rank)
{
    struct status_view *view = &watch->view;
    return rank >= 1 && rank <= view->worker_count ? &view->workers[rank - 1] : NULL;
}

static struct began *began_of(struct status_watch *watch, uint32_t id)
{
    while (id >= watch->began_capacity) {
        size_t old = watch->began_capacity;
        struct began *larger = lr_grow(watch->began, old, &watch->began_capacity, sizeof(*larger));
        if (!larger)
            return NULL;
        memset(larger + old, 0, (watch->began_capacity - old) * sizeof(*larger));
        watch->began = larger;
    }
    return &watch->began[id];
}

/* Without memory the speed is only less exact. */
static void count_tokens(struct status_watch *watch, uint32_t id, uint64_t begun, uint64_t tokens)
{
    struct began *began = began_of(watch, id);
    uint64_t seen = began && began->tokens > begun ? began->tokens : begun;
    if (!began || tokens <= seen)
        return;
    watch->session_tokens += tokens - seen;
    began->tokens = tokens;
}

static int on_started(struct status_watch *watch, const struct event_started *started,
                      struct lr_error *err)
{
    struct status_worker *worker = worker_of(watch, started->rank);
    struct began *began = began_of(watch, started->trial_id);
    if (!began)
        return lr_fail(err, LR_ENOMEM, "out of memory");
    *began = (struct began){.clock_s = watch->clock_s};
    if (worker) {
        memcpy(worker->host, started->host, sizeof(worker->host));
        worker->trial_id = started->trial_id;
        worker->lost = false;
    }
    return 0;
}

static void on_ended(struct status_watch *watch, const struct trial *trial,
                     const struct event_ended *ended)
{
    struct status_worker *worker = worker_of(watch, trial->rank);
    if (worker) {
        count_tokens(watch, trial->id, ended->result.begun_tokens, ended->result.tokens);
        worker->trial_id = 0;
        worker->lost = ended->result.outcome == OUTCOME_LOST && !ended->abandoned;
        snprintf(worker->message, sizeof(worker->message), "%s", ended->result.message);
    }
}

static int on_event(void *context, const struct campaign *campaign, const struct event *event,
                    struct lr_error *err)
{
    struct status_watch *watch = context;
    watch->changed = watch->changed || (event->kind != EVENT_CLOCK && event->kind != EVENT_CURVE);
    watch->fitted = watch->fitted && (event->kind == EVENT_CLOCK || event->kind == EVENT_CURVE);
    switch (event->kind) {
    case EVENT_SESSION:
        watch->view.sessions++;
        watch->clock_s = 0;
        watch->session_began = time_of(event->as.session.started_utc);
        watch->session_tokens = 0;
        return set_workers(watch, event->as.session.ranks > 0 ? event->as.session.ranks - 1 : 0,
                           err);
    case EVENT_CLOCK:
        watch->clock_s += event->as.clock.wall_s;
        break;
    case EVENT_STARTED:
        return on_started(watch, &event->as.started, err);
    case EVENT_CURVE:
        count_tokens(watch, event->as.curve.trial_id,
                     campaign_trial(campaign, event->as.curve.trial_id)->curve_begun,
                     event->as.curve.tokens);
        break;
    case EVENT_ENDED:
        on_ended(watch, campaign_trial(campaign, event->as.ended.trial_id), &event->as.ended);
        break;
    default:
        break;
    }
    return 0;
}

/* ---- the view ---- */

static void count_trial(struct status_counts *counts, const struct trial *trial, bool at_it)
{
    switch (trial->state) {
    case TRIAL_DONE:
        counts->done++;
        break;
    case TRIAL_DIVERGED:
        counts->diverged++;
        break;
    case TRIAL_FAILED:
        counts->failed++;
        break;
    case TRIAL_RUNNING: /* in the books; when nobody is at it, it will begin again */
        counts->running += at_it;
        counts->waiting += !at_it;
        break;
    case TRIAL_PENDING:
    case TRIAL_LOST:
        counts->waiting++;
        break;
    }
}

static struct status_horizon *horizon_of(struct status_view *view, uint64_t tokens)
{
    size_t at = 0;
    while (at < view->horizon_count && view->horizons[at].tokens < tokens)
        at++;
    if (at < view->horizon_count && view->horizons[at].tokens == tokens)
        return &view->horizons[at];
    if (view->horizon_count == ANSWER_HORIZONS)
        return NULL;
    memmove(&view->horizons[at + 1], &view->horizons[at],
            (view->horizon_count - at) * sizeof(view->horizons[0]));
    view->horizon_count++;
    view->horizons[at] = (struct status_horizon){.tokens = tokens,
                                                 .best_lr = NAN,
                                                 .best_loss = NAN,
                                                 .bracket = {NAN, NAN},
                                                 .lr_opt = NAN,
                                                 .ci90 = {NAN, NAN}};
    return &view->horizons[at];
}

/* What the tables show: of the search, and of the cell whose horizons the answer has. */
static bool is_shown(const struct status_view *view, const struct trial *trial)
{
    return trial->purpose == PURPOSE_SEARCH &&
           (view->answer.cell_count <= 1 || trial->cell == view->answer.nearest);
}

static void fill_horizons(struct status_view *view, const struct campaign *campaign, bool at_it)
{
    size_t count = campaign_trial_count(campaign);
    view->horizon_count = 0;
    view->plotted = 0;
    for (uint32_t id = 1; id <= count; id++) {
        const struct trial *trial = campaign_trial(campaign, id);
        struct status_horizon *horizon =
            is_shown(view, trial) ? horizon_of(view, trial->spec.horizon_tokens) : NULL;
        if (!horizon)
            continue;
        count_trial(&horizon->trials, trial, at_it);
        if (trial->state == TRIAL_DONE && !(trial->result.val_loss >= horizon->best_loss)) {
            horizon->best_loss = trial->result.val_loss;
            horizon->best_lr = trial->spec.lr;
        }
        if (trial->state == TRIAL_DONE && trial->spec.horizon_tokens > view->plotted)
            view->plotted = trial->spec.horizon_tokens;
    }
    for (uint32_t id = 1; id <= count; id++) {
        const struct trial *trial = campaign_trial(campaign, id);
        struct status_horizon *horizon =
            is_shown(view, trial) ? horizon_of(view, trial->spec.horizon_tokens) : NULL;
        double lr = trial->spec.lr;
        if (!horizon || (trial->state != TRIAL_DONE && trial->state != TRIAL_DIVERGED))
            continue;
        if (lr < horizon->best_lr && !(lr <= horizon->bracket[0]))
            horizon->bracket[0] = lr;
        if (lr > horizon->best_lr && !(lr >= horizon->bracket[1]))
            horizon->bracket[1] = lr;
    }
    for (size_t i = 0; i < view->answer.horizon_count; i++) {
        const struct horizon_answer *fitted = &view->answer.horizons[i];
        for (size_t h = 0; h < view->horizon_count; h++)
            if (view->horizons[h].tokens == fitted->tokens && fitted->trials > 0) {
                view->horizons[h].lr_opt = fitted->lr_opt;
                memcpy(view->horizons[h].ci90, fitted->ci90, sizeof(fitted->ci90));
            }
    }
}

static int fill_points(struct status_view *view, const struct campaign *campaign, bool at_it,
                       struct lr_error *err)
{
    view->point_count = 0;
    for (uint32_t id = 1; id <= campaign_trial_count(campaign); id++) {
        const struct trial *trial = campaign_trial(campaign, id);
        bool loss = trial->state == TRIAL_DONE, diverged = trial->state == TRIAL_DIVERGED;
        if (!is_shown(view, trial) || trial->spec.horizon_tokens != view->plotted ||
            !(loss || diverged || (trial->state == TRIAL_RUNNING && at_it)))
            continue;
        struct basin_point *points =
            lr_grow(view->points, view->point_count, &view->point_capacity, sizeof(*points));
        if (!points)
            return lr_fail(err, LR_ENOMEM, "out of memory");
        view->points = points;
        points[view->point_count++] = (struct basin_point){trial->spec.lr, trial->result.val_loss,
                                                           loss       ? BASIN_LOSS
                                                           : diverged ? BASIN_DIVERGED
                                                                      : BASIN_RUNNING};
    }
    return 0;
}

static void add_budget(struct status_view *view, const char *key, double used, double limit)
{
    if (limit > 0)
        view->budgets[view->budget_count++] = (struct status_budget){key, used, limit};
}

static time_t time_of(const char *utc)
{
    struct tm tm = {0};
    if (sscanf(utc, "%d-%d-%dT%d:%d:%dZ", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
               &tm.tm_min, &tm.tm_sec) != 6)
        return 0;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    return timegm(&tm);
}

/* The journal's clock, and what passed since it beat last: by the clocks of two hosts, so no more
 * than can have passed. */
static void find_elapsed(struct status_watch *watch)
{
    double since_s = difftime(time(NULL), watch->session_began) - watch->clock_s;
    bool known = watch->view.state == STATUS_RUNNING && watch->session_began > 0 && since_s > 0;
    watch->elapsed_s = watch->clock_s + (known ? fmin(since_s, RUN_LOCK_BEAT_MS / 1000.0) : 0);
}

/* Of the attempts that run, as far as their curves tell. */
static uint64_t tokens_under_way(const struct campaign *campaign)
{
    uint64_t sum = 0;
    for (uint32_t id = 1; id <= campaign_trial_count(campaign); id++) {
        const struct trial *trial = campaign_trial(campaign, id);
        if (trial->state == TRIAL_RUNNING && trial->curve_tokens > trial->curve_begun)
            sum += trial->curve_tokens - trial->curve_begun;
    }
    return sum;
}

static void fill_budgets(struct status_watch *watch)
{
    struct status_view *view = &watch->view;
    const struct plan *plan = watch->plan;
    struct campaign_spent spent = campaign_spent(watch->follow.campaign);
    spent.tokens += tokens_under_way(watch->follow.campaign);
    spent.wall_s += watch->elapsed_s - watch->clock_s;
    view->wall_s = spent.wall_s;
    view->budget_count = 0;
    add_budget(view, "budget.tokens", (double)spent.tokens, (double)plan->budget.tokens);
    add_budget(view, "budget.flops", spent.flops, plan->budget.flops);
    add_budget(view, "budget.trials", (double)spent.trials, (double)plan->budget.trials);
    add_budget(view, "budget.core_hours", spent.core_hours, plan->budget.core_hours);
    add_budget(view, "budget.wall", spent.wall_s, plan->budget.wall_s);
}

static void fill_left(struct status_watch *watch)
{
    struct status_view *view = &watch->view;
    const struct campaign *campaign = watch->follow.campaign;
    campaign_remaining(campaign, &view->trials_left, &view->tokens_left);
    for (uint32_t id = 1; id <= campaign_trial_count(campaign); id++) {
        const struct trial *trial = campaign_trial(campaign, id);
        if (trial->state == TRIAL_RUNNING && trial->curve_tokens < view->tokens_left)
            view->tokens_left -= trial->curve_tokens;
    }
    double rate = (double)watch->session_tokens / watch->elapsed_s; /* NaN: 0 / 0 */
    view->seconds_left = rate > 0 && isfinite(rate) ? (double)view->tokens_left / rate : NAN;
}

static void fill_workers(struct status_watch *watch)
{
    struct status_view *view = &watch->view;
    for (size_t i = 0; i < view->worker_count; i++) {
        struct status_worker *worker = &view->workers[i];
        const struct trial *trial = campaign_trial(watch->follow.campaign, worker->trial_id);
        const struct began *began = began_of(watch, worker->trial_id);
        if (!trial || !began)
            continue;
        worker->lr = trial->spec.lr;
        worker->tokens = trial->curve_tokens;
        worker->horizon_tokens = trial->spec.horizon_tokens;
        worker->for_s = watch->elapsed_s - began->clock_s;
    }
}

static int fill(struct status_watch *watch, struct lr_error *err)
{
    struct status_view *view = &watch->view;
    const struct campaign *campaign = watch->follow.campaign;
    bool at_it = view->state == STATUS_RUNNING;
    int rc = watch->fitted ? 0 : campaign_answer(campaign, &view->answer, err);
    if (rc)
        return rc;
    watch->fitted = true;
    view->round = campaign_round(campaign);
    memset(&view->trials, 0, sizeof(view->trials));
    for (uint32_t id = 1; id <= campaign_trial_count(campaign); id++)
        count_trial(&view->trials, campaign_trial(campaign, id), at_it);
    find_elapsed(watch);
    fill_budgets(watch);
    fill_left(watch);
    fill_workers(watch);
    fill_horizons(view, campaign, at_it);
    return fill_points(view, campaign, at_it, err);
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
    watch->follow.seen = on_event;
    watch->follow.context = watch;
    watch->view.sessions = 0;
    watch->view.worker_count = 0;
    watch->clock_s = 0;
    watch->session_tokens = 0;
    watch->planned = watch->fitted = false;
    watch->changed = true;
}

static int read_on(struct status_watch *watch, struct lr_error *err)
{
    int rc = 0;
    if (!watch->planned)
        rc = past_plan(watch->plan, &watch->plan_hash, watch->run_dir, err);
    watch->planned = !rc;
    if (!rc && !watch->follow.campaign)
        rc = campaign_create(&watch->follow.campaign, watch->plan, err);
    return rc ? rc : past_follow(&watch->follow, watch->plan_hash, watch->run_dir, err);
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
        memcpy(view->name, campaign_opening(watch->follow.campaign)->name, sizeof(view->name));
        if ((rc = fill(watch, err)))
            return rc;
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
        return lr_fail(err, LR_ENOMEM, "out of memory");
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
    lr_free(watch->began);
    lr_free(watch->view.points);
    lr_free(watch->view.workers);
    lr_free(watch);
}
