/* Elapsed time is the sum of the journal's CLOCK events, written every 15 s, plus the time since
 * the last one, which compares two hosts' clocks and is therefore capped at 15 s. */
#include "cli/status_fill.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "campaign/campaign_answer.h"
#include "campaign/campaign_budget.h"
#include "lrsearch/memory.h"
#include "lrsearch/utc.h"
#include "store/run_lock.h"

/* ---- from the events ---- */

static int set_workers(struct status_view *view, uint32_t count, struct lr_error *err)
{
    struct status_worker *workers = lr_realloc(view->workers, (count + 1) * sizeof(*workers));
    if (!workers)
        return lr_nomem(err);
    memset(workers, 0, (count + 1) * sizeof(*workers));
    for (uint32_t i = 0; i < count; i++)
        workers[i].rank = i + 1;
    view->workers = workers;
    view->worker_count = count;
    return 0;
}

/* NULL: no worker has that rank (a result taken over from another run). */
static struct status_worker *worker_of(struct status_view *view, uint32_t rank)
{
    return rank >= 1 && rank <= view->worker_count ? &view->workers[rank - 1] : NULL;
}

/* NULL without memory. */
static struct status_began *attempt_of(struct status_session *session, uint32_t id)
{
    while (id >= session->began_capacity) {
        size_t old = session->began_capacity;
        struct status_began *larger =
            lr_grow(session->began, old, &session->began_capacity, sizeof(*larger));
        if (!larger)
            return NULL;
        memset(larger + old, 0, (session->began_capacity - old) * sizeof(*larger));
        session->began = larger;
    }
    return &session->began[id];
}

/* Without memory the speed is merely less exact. */
static void count_tokens(struct status_session *session, uint32_t id, uint64_t begun,
                         uint64_t tokens)
{
    struct status_began *began = attempt_of(session, id);
    uint64_t seen = began && began->tokens > begun ? began->tokens : begun;
    if (!began || tokens <= seen)
        return;
    session->tokens += tokens - seen;
    began->tokens = tokens;
}

static void set_members(struct status_view *view, uint32_t id, const struct group_members *members)
{
    for (int i = 0; i < members->size; i++) {
        struct status_worker *worker = worker_of(view, (uint32_t)members->ranks[i]);
        if (!worker)
            continue;
        worker->trial_id = id;
        worker->leader = (uint32_t)members->ranks[0];
        worker->ranks = (uint32_t)members->size;
    }
}

static void set_group(struct status_view *view, uint32_t id, const char *text)
{
    struct group_members members;
    if (group_members_read(&members, text, (int)view->worker_count + 1))
        set_members(view, id, &members);
}

static int begin_attempt(struct status_fill *fill, const struct event_started *started,
                         struct lr_error *err)
{
    struct status_worker *worker = worker_of(&fill->view, started->rank);
    struct group_members members;
    struct status_began *began = attempt_of(&fill->session, started->trial_id);
    if (!began)
        return lr_nomem(err);
    *began = (struct status_began){.clock_s = fill->session.clock_s};
    if (worker) {
        memcpy(worker->host, started->host, sizeof(worker->host));
        members = (struct group_members){.size = 1, .ranks = {(int)started->rank}};
        if (started->members[0])
            set_group(&fill->view, started->trial_id, started->members);
        else
            set_members(&fill->view, started->trial_id, &members);
    }
    return 0;
}

static void end_attempt(struct status_fill *fill, const struct trial *trial,
                        const struct event_ended *ended)
{
    struct status_view *view = &fill->view;
    if (!worker_of(view, trial->rank))
        return;
    count_tokens(&fill->session, trial->id, ended->result.begun_tokens, ended->result.tokens);
    for (size_t i = 0; i < view->worker_count; i++)
        if (view->workers[i].trial_id == trial->id)
            view->workers[i].trial_id = 0;
}

static void note_worker(struct status_view *view, const struct event_worker *event)
{
    struct status_worker *worker = worker_of(view, event->rank);
    if (!worker)
        return;
    worker->silent = event->news == NEWS_QUIET;
    worker->lost = event->news == NEWS_GONE;
    if (event->host[0])
        memcpy(worker->host, event->host, sizeof(worker->host));
    memcpy(worker->message, event->why, sizeof(worker->message));
}

int status_fill_event(struct status_fill *fill, const struct campaign *campaign,
                      const struct event *event, struct lr_error *err)
{
    struct status_session *session = &fill->session;
    switch (event->kind) {
    case EVENT_SESSION:
        fill->view.sessions++;
        session->clock_s = 0;
        session->utc = utc_seconds(event->as.session.started_utc);
        session->tokens = 0;
        return set_workers(&fill->view,
                           event->as.session.ranks > 0 ? event->as.session.ranks - 1 : 0, err);
    case EVENT_CLOCK:
        session->clock_s += event->as.clock.wall_s;
        break;
    case EVENT_STARTED:
        return begin_attempt(fill, &event->as.started, err);
    case EVENT_GROUP:
        set_group(&fill->view, event->as.group.trial_id, event->as.group.members);
        break;
    case EVENT_WORKER:
        note_worker(&fill->view, &event->as.worker);
        break;
    case EVENT_CURVE:
        count_tokens(session, event->as.curve.trial_id,
                     campaign_trial(campaign, event->as.curve.trial_id)->curve_begun,
                     event->as.curve.tokens);
        break;
    case EVENT_ENDED:
        end_attempt(fill, campaign_trial(campaign, event->as.ended.trial_id), &event->as.ended);
        break;
    default:
        break;
    }
    return 0;
}

/* Seconds since the running session began. */
static double elapsed_until_now(const struct status_session *session)
{
    double since_s = difftime(time(NULL), session->utc) - session->clock_s;
    bool known = session->utc > 0 && since_s > 0;
    return session->clock_s + (known ? fmin(since_s, RUN_LOCK_BEAT_MS / 1000.0) : 0);
}

void status_fill_forget(struct status_fill *fill)
{
    lr_free(fill->session.began);
    lr_free(fill->view.workers);
    memset(&fill->session, 0, sizeof(fill->session));
    fill->view.workers = NULL;
    fill->view.worker_count = 0;
    fill->view.sessions = 0;
}

void status_fill_release(struct status_fill *fill)
{
    status_fill_forget(fill);
    lr_free(fill->view.points);
    loss_curves_destroy(fill->curves);
    memset(fill, 0, sizeof(*fill));
}

/* ---- from the campaign ---- */

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
    case TRIAL_RUNNING: /* by the journal; if the campaign is not running, the next start repeats
                         * it */
        counts->running += at_it;
        counts->waiting += !at_it;
        break;
    case TRIAL_PENDING:
    case TRIAL_LOST:
        counts->waiting++;
        break;
    }
}

/* Fills the counts and what is left to train; returns the tokens of the running attempts, by their
 * curves. */
static uint64_t fill_trials(struct status_view *view, const struct campaign *campaign, bool at_it)
{
    uint64_t under_way = 0;
    memset(&view->trials, 0, sizeof(view->trials));
    campaign_remaining(campaign, &view->trials_left, &view->tokens_left);
    for (uint32_t id = 1; id <= campaign_trial_count(campaign); id++) {
        const struct trial *trial = campaign_trial(campaign, id);
        count_trial(&view->trials, trial, at_it);
        if (trial->state != TRIAL_RUNNING)
            continue;
        if (trial->curve_tokens > trial->curve_begun)
            under_way += trial->curve_tokens - trial->curve_begun;
        if (trial->curve_tokens < view->tokens_left)
            view->tokens_left -= trial->curve_tokens;
    }
    return under_way;
}

size_t status_fill_budgets(struct status_budget budgets[STATUS_BUDGETS],
                           const struct campaign *campaign, const struct campaign_spent *spent)
{
    const struct plan *plan = campaign_plan(campaign);
    const struct status_budget all[STATUS_BUDGETS] = {
        {"budget.tokens", (double)spent->tokens, (double)plan->budget.tokens},
        {"budget.flops", spent->flops, plan->budget.flops},
        {"budget.trials", (double)spent->trials, (double)plan->budget.trials},
        {"budget.core_hours", spent->core_hours, plan->budget.core_hours},
        {"budget.share_of_target", plan_target_runs(plan, (double)spent->tokens, spent->flops),
         plan->budget.share_of_target},
        {"budget.wall", spent->wall_s, plan->budget.wall_s},
    };
    size_t count = 0;
    for (size_t i = 0; i < STATUS_BUDGETS; i++)
        if (all[i].limit > 0)
            budgets[count++] = all[i];
    return count;
}

static void fill_workers(struct status_fill *fill, const struct campaign *campaign,
                         double elapsed_s)
{
    const struct status_view *view = &fill->view;
    for (size_t i = 0; i < view->worker_count; i++) {
        struct status_worker *worker = &view->workers[i];
        const struct trial *trial = campaign_trial(campaign, worker->trial_id);
        const struct status_began *began = attempt_of(&fill->session, worker->trial_id);
        if (!trial || !began)
            continue;
        worker->lr = trial->spec.lr;
        worker->tokens = trial->curve_tokens;
        worker->horizon_tokens = trial->spec.horizon_tokens;
        worker->for_s = elapsed_s - began->clock_s;
    }
}

/* The row of the trial's horizon, created if missing; NULL: not shown. Only search trials of the
 * cell whose horizons the answer has are shown. */
static struct status_horizon *horizon_of(struct status_view *view, const struct trial *trial)
{
    uint64_t tokens = trial->spec.horizon_tokens;
    size_t at = 0;
    if (trial->purpose != PURPOSE_SEARCH ||
        (view->answer.cell_count > 1 && trial->cell != view->answer.nearest))
        return NULL;
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

static int add_point(struct status_view *view, const struct trial *trial,
                     enum basin_outcome outcome, struct lr_error *err)
{
    struct basin_point *points =
        lr_grow(view->points, view->point_count, &view->point_capacity, sizeof(*points));
    if (!points)
        return lr_nomem(err);
    view->points = points;
    points[view->point_count++] =
        (struct basin_point){trial->spec.lr, trial->result.val_loss, outcome};
    return 0;
}

static void fill_best(struct status_view *view, const struct campaign *campaign, bool at_it)
{
    view->horizon_count = 0;
    view->plotted = 0;
    for (uint32_t id = 1; id <= campaign_trial_count(campaign); id++) {
        const struct trial *trial = campaign_trial(campaign, id);
        struct status_horizon *horizon = horizon_of(view, trial);
        if (!horizon)
            continue;
        count_trial(&horizon->trials, trial, at_it);
        if (trial->state != TRIAL_DONE)
            continue;
        if (!(trial->result.val_loss >= horizon->best_loss)) {
            horizon->best_loss = trial->result.val_loss;
            horizon->best_lr = trial->spec.lr;
        }
        if (horizon->tokens > view->plotted)
            view->plotted = horizon->tokens;
    }
}

/* Needs the best LR of each horizon, and the plotted horizon: fill_best(). */
static int fill_brackets(struct status_view *view, const struct campaign *campaign, bool at_it,
                         struct lr_error *err)
{
    view->point_count = 0;
    for (uint32_t id = 1; id <= campaign_trial_count(campaign); id++) {
        const struct trial *trial = campaign_trial(campaign, id);
        struct status_horizon *horizon = horizon_of(view, trial);
        double lr = trial->spec.lr;
        bool tried = trial->state == TRIAL_DONE || trial->state == TRIAL_DIVERGED;
        if (!horizon || !(tried || (trial->state == TRIAL_RUNNING && at_it)))
            continue;
        if (tried && lr < horizon->best_lr && !(lr <= horizon->bracket[0]))
            horizon->bracket[0] = lr;
        if (tried && lr > horizon->best_lr && !(lr >= horizon->bracket[1]))
            horizon->bracket[1] = lr;
        int rc = horizon->tokens != view->plotted
                     ? 0
                     : add_point(view, trial,
                                 trial->state == TRIAL_DONE       ? BASIN_LOSS
                                 : trial->state == TRIAL_DIVERGED ? BASIN_DIVERGED
                                                                  : BASIN_RUNNING,
                                 err);
        if (rc)
            return rc;
    }
    return 0;
}

static void fill_fits(struct status_view *view)
{
    for (size_t i = 0; i < view->answer.horizon_count; i++) {
        const struct horizon_answer *fitted = &view->answer.horizons[i];
        for (size_t h = 0; h < view->horizon_count; h++)
            if (view->horizons[h].tokens == fitted->tokens && fitted->trials > 0) {
                view->horizons[h].lr_opt = fitted->lr_opt;
                memcpy(view->horizons[h].ci90, fitted->ci90, sizeof(fitted->ci90));
            }
    }
}

/* Answer and curves are of one fit. */
static int fit_answer(struct status_fill *fill, const struct campaign *campaign,
                      struct lr_error *err)
{
    struct answer *answer = &fill->view.answer;
    if (!fill->with_curves)
        return campaign_answer(campaign, answer, err);
    loss_curves_destroy(fill->curves);
    return campaign_answer_curves(campaign, NULL, answer, &fill->curves, err);
}

int status_fill_view(struct status_fill *fill, const struct campaign *campaign, bool refit,
                     struct lr_error *err)
{
    struct status_view *view = &fill->view;
    const struct status_session *session = &fill->session;
    assert(view->state != STATUS_PREPARING); /* there is a campaign */
    bool running = view->state == STATUS_RUNNING, at_it = running || view->state == STATUS_ASKED;
    double elapsed_s = running ? elapsed_until_now(session) : session->clock_s;
    int rc = 0;
    if (refit && (rc = fit_answer(fill, campaign, err)))
        return rc;
    memcpy(view->name, campaign_opening(campaign)->name, sizeof(view->name));
    view->round = campaign_round(campaign);
    struct campaign_spent spent = campaign_spent(campaign);
    spent.tokens += fill_trials(view, campaign, at_it);
    spent.wall_s += elapsed_s - session->clock_s;
    view->wall_s = spent.wall_s;
    double rate = (double)session->tokens / elapsed_s; /* NaN: 0 / 0 */
    view->seconds_left = rate > 0 && isfinite(rate) ? (double)view->tokens_left / rate : NAN;
    view->budget_count = status_fill_budgets(view->budgets, campaign, &spent);
    fill_workers(fill, campaign, elapsed_s);
    fill_best(view, campaign, at_it);
    fill_fits(view);
    return fill_brackets(view, campaign, at_it, err);
}
