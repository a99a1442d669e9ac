/* The view of a campaign: counts, brackets and budgets out of its trials, and its answer as it
 * would be now. */
#include "cli/status_fill.h"

#include <math.h>
#include <string.h>
#include "campaign/campaign_answer.h"
#include "campaign/campaign_budget.h"
#include "lrsearch/memory.h"

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
            return lr_nomem(err);
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

static void fill_budgets(struct status_view *view, const struct campaign *campaign,
                         const struct status_session *session, double elapsed_s)
{
    const struct plan *plan = campaign_plan(campaign);
    struct campaign_spent spent = campaign_spent(campaign);
    spent.tokens += tokens_under_way(campaign);
    spent.wall_s += elapsed_s - session->clock_s;
    view->wall_s = spent.wall_s;
    view->budget_count = 0;
    add_budget(view, "budget.tokens", (double)spent.tokens, (double)plan->budget.tokens);
    add_budget(view, "budget.flops", spent.flops, plan->budget.flops);
    add_budget(view, "budget.trials", (double)spent.trials, (double)plan->budget.trials);
    add_budget(view, "budget.core_hours", spent.core_hours, plan->budget.core_hours);
    add_budget(view, "budget.wall", spent.wall_s, plan->budget.wall_s);
}

static void fill_left(struct status_view *view, const struct campaign *campaign,
                      const struct status_session *session, double elapsed_s)
{
    campaign_remaining(campaign, &view->trials_left, &view->tokens_left);
    for (uint32_t id = 1; id <= campaign_trial_count(campaign); id++) {
        const struct trial *trial = campaign_trial(campaign, id);
        if (trial->state == TRIAL_RUNNING && trial->curve_tokens < view->tokens_left)
            view->tokens_left -= trial->curve_tokens;
    }
    double rate = (double)session->tokens / elapsed_s; /* NaN: 0 / 0 */
    view->seconds_left = rate > 0 && isfinite(rate) ? (double)view->tokens_left / rate : NAN;
}

static void fill_workers(struct status_view *view, const struct campaign *campaign,
                         struct status_session *session, double elapsed_s)
{
    view->workers = session->workers;
    view->worker_count = session->worker_count;
    for (size_t i = 0; i < view->worker_count; i++) {
        struct status_worker *worker = &view->workers[i];
        const struct trial *trial = campaign_trial(campaign, worker->trial_id);
        const struct status_began *began = status_session_began(session, worker->trial_id);
        if (!trial || !began)
            continue;
        worker->lr = trial->spec.lr;
        worker->tokens = trial->curve_tokens;
        worker->horizon_tokens = trial->spec.horizon_tokens;
        worker->for_s = elapsed_s - began->clock_s;
    }
}

int status_fill(struct status_view *view, const struct campaign *campaign,
                struct status_session *session, bool refit, struct lr_error *err)
{
    bool at_it = view->state == STATUS_RUNNING;
    double elapsed_s = at_it ? status_session_elapsed(session) : session->clock_s;
    int rc = refit ? campaign_answer(campaign, &view->answer, err) : 0;
    if (rc)
        return rc;
    memcpy(view->name, campaign_opening(campaign)->name, sizeof(view->name));
    view->sessions = session->count;
    view->round = campaign_round(campaign);
    memset(&view->trials, 0, sizeof(view->trials));
    for (uint32_t id = 1; id <= campaign_trial_count(campaign); id++)
        count_trial(&view->trials, campaign_trial(campaign, id), at_it);
    fill_budgets(view, campaign, session, elapsed_s);
    fill_left(view, campaign, session, elapsed_s);
    fill_workers(view, campaign, session, elapsed_s);
    fill_horizons(view, campaign, at_it);
    return fill_points(view, campaign, at_it, err);
}
