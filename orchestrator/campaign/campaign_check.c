/* Which event may follow which: one function for each kind, each of them without effect. What is
 * wrong is told in the words of the journal, because that is where a reader will look. */
#include "campaign/campaign_state.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define DAMAGED(...) lr_fail(err, LR_EDAMAGED, __VA_ARGS__)

static int check_campaign(const struct campaign *campaign, const struct event_campaign *event,
                          struct lr_error *err)
{
    if (campaign->opened)
        return DAMAGED("a second campaign event, '%s', in the journal of '%s'", event->name,
                       campaign->opening.name);
    if (!event->name[0])
        return DAMAGED("the campaign event has no name");
    return 0;
}

static int check_data(const struct campaign *campaign, const struct event_data *event,
                      struct lr_error *err)
{
    size_t cells = plan_cell_count(&campaign->plan);
    if (event->cell == 0 || event->cell > cells)
        return DAMAGED("data of cell %u, and the plan has %zu", event->cell, cells);
    for (size_t i = 0; i < campaign->data_count; i++)
        if (campaign->data[i].cell == event->cell)
            return DAMAGED("data of cell %u for a second time", event->cell);
    if (campaign->round > 0 && event->cell < cells)
        return DAMAGED("data of cell %u after the first round", event->cell);
    return 0;
}

static int check_session(const struct campaign *campaign, const struct event_session *event,
                         struct lr_error *err)
{
    (void)campaign;
    return event->ranks ? 0 : DAMAGED("a session of 0 ranks");
}

/* A trial that is not over; one that only waits is left out when it may be left behind, because
 * the time was used up before it began. NULL: none. */
static const struct trial *open_trial(const struct campaign *campaign, bool leave_behind)
{
    for (size_t i = 0; i < campaign->trial_count; i++) {
        enum trial_state state = campaign->trials[i]->state;
        if (!trial_state_is_over(state) && !(leave_behind && trial_state_is_waiting(state)))
            return campaign->trials[i];
    }
    return NULL;
}

static int check_round(const struct campaign *campaign, const struct event_round *event,
                       struct lr_error *err)
{
    if (event->round != campaign->round + 1)
        return DAMAGED("round %u follows round %u", event->round, campaign->round);
    if (event->trials == 0 || event->trials > POLICY_ROUND_MAX)
        return DAMAGED("round %u has %u trials; 1 to %d are possible", event->round, event->trials,
                       POLICY_ROUND_MAX);
    if (!round_is_planned(campaign))
        return DAMAGED("round %u begins, but only %u of the %u trials of round %u were planned",
                       event->round, campaign->round_planned, campaign->round_trials,
                       campaign->round);
    if (event->purpose > PURPOSE_CONFIRM)
        return DAMAGED("round %u has the unknown purpose %u", event->round, event->purpose);
    bool confirms = event->purpose == PURPOSE_CONFIRM || campaign->round_purpose == PURPOSE_CONFIRM;
    const struct trial *open = open_trial(campaign, confirms);
    if (open && !campaign_is_async(&campaign->plan))
        return DAMAGED("round %u begins, but trial %u is %s", event->round, open->id,
                       trial_state_name(open->state));
    return 0;
}

/* A confirmation is as long as the target, or as the budget then allowed. */
static bool is_horizon(const struct plan *plan, uint64_t tokens, uint32_t purpose)
{
    if (purpose == PURPOSE_CONFIRM)
        return tokens >= plan->search.horizons[plan->search.horizon_count - 1] &&
               tokens <= plan->target.tokens;
    for (size_t i = 0; i < plan->search.horizon_count; i++)
        if (plan->search.horizons[i] == tokens)
            return true;
    return false;
}

static int check_planned(const struct campaign *campaign, const struct event_planned *event,
                         struct lr_error *err)
{
    const struct trial_spec *spec = &event->spec;
    if (event->trial_id != campaign->trial_count + 1)
        return DAMAGED("trial %u is planned, but the next is trial %zu", event->trial_id,
                       campaign->trial_count + 1);
    if (event->round != campaign->round)
        return DAMAGED("trial %u is planned for round %u in round %u", event->trial_id,
                       event->round, campaign->round);
    if (round_is_planned(campaign))
        return DAMAGED("trial %u is planned, but round %u has its %u trials already",
                       event->trial_id, campaign->round, campaign->round_trials);
    size_t cells = plan_cell_count(&campaign->plan);
    if (event->purpose > PURPOSE_CONFIRM)
        return DAMAGED("trial %u is planned for the unknown purpose %u", event->trial_id,
                       event->purpose);
    if (event->purpose == PURPOSE_SEARCH && event->cell >= cells)
        return DAMAGED("trial %u is planned for cell %u, and the plan has %zu", event->trial_id,
                       event->cell, cells);
    if (!(spec->lr > 0) || !isfinite(spec->lr))
        return DAMAGED("trial %u is planned with the learning rate %g", event->trial_id, spec->lr);
    if (event->purpose != campaign->round_purpose)
        return DAMAGED("trial %u is planned with purpose %u in a round with purpose %u",
                       event->trial_id, event->purpose, campaign->round_purpose);
    if (!is_horizon(&campaign->plan, spec->horizon_tokens, event->purpose))
        return DAMAGED("trial %u is planned for %" PRIu64
                       " tokens, which is none of the plan's search.horizons",
                       event->trial_id, spec->horizon_tokens);
    if (event->wsd_prefix_tokens > 0 && event->wsd_prefix_tokens >= spec->horizon_tokens)
        return DAMAGED("trial %u is planned to go on after its end", event->trial_id);
    if (spec->trainer == TRAINER_TRANSFORMER && spec->batch_tokens == 0)
        return DAMAGED("trial %u is planned with batches of 0 tokens", event->trial_id);
    return 0;
}

static const struct trial *find_trial(const struct campaign *campaign, uint32_t id,
                                      const char *what, struct lr_error *err)
{
    const struct trial *trial = campaign_trial(campaign, id);
    if (!trial)
        DAMAGED("%s of trial %u, which was never planned", what, id);
    return trial;
}

static int check_started(const struct campaign *campaign, const struct event_started *event,
                         struct lr_error *err)
{
    const struct trial *trial = find_trial(campaign, event->trial_id, "start", err);
    if (!trial)
        return LR_EDAMAGED;
    if (!round_is_planned(campaign))
        return DAMAGED("trial %u starts, but only %u of the %u trials of round %u were planned",
                       trial->id, campaign->round_planned, campaign->round_trials, campaign->round);
    if (!trial_state_may_become(trial->state, TRIAL_RUNNING))
        return DAMAGED("trial %u starts, but it is %s", trial->id, trial_state_name(trial->state));
    if (event->attempt != trial->attempt + 1)
        return DAMAGED("trial %u: attempt %u starts after attempt %u", trial->id, event->attempt,
                       trial->attempt);
    return 0;
}

/* An event about the running attempt of a trial. */
static int check_attempt(const struct campaign *campaign, uint32_t id, uint32_t attempt,
                         const char *what, struct lr_error *err)
{
    const struct trial *trial = find_trial(campaign, id, what, err);
    if (!trial)
        return LR_EDAMAGED;
    if (trial->state != TRIAL_RUNNING)
        return DAMAGED("%s of trial %u, attempt %u, but the trial is %s", what, id, attempt,
                       trial_state_name(trial->state));
    if (attempt != trial->attempt)
        return DAMAGED("%s of trial %u, attempt %u, but attempt %u is running", what, id, attempt,
                       trial->attempt);
    return 0;
}

static int check_curve(const struct campaign *campaign, const struct event_curve *event,
                       struct lr_error *err)
{
    return check_attempt(campaign, event->trial_id, event->attempt, "curve point", err);
}

static int check_ended(const struct campaign *campaign, const struct event_ended *event,
                       struct lr_error *err)
{
    if (event->result.outcome > OUTCOME_REFUSED)
        return DAMAGED("result of trial %u, attempt %u: outcome %u is unknown", event->trial_id,
                       event->attempt, event->result.outcome);
    return check_attempt(campaign, event->trial_id, event->attempt, "result", err);
}

static int check_finished(const struct campaign *campaign, const struct event_finished *event,
                          struct lr_error *err)
{
    static const enum answer_status ends[] = {ANSWER_IDENTIFIED, ANSWER_NOT_IDENTIFIED,
                                              ANSWER_BUDGET_EXHAUSTED};
    bool known = false;
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        known = known || strcmp(event->status, answer_status_name(ends[i])) == 0;
    if (!known)
        return DAMAGED("finished with the unknown status '%s'", event->status);
    if (!round_is_planned(campaign))
        return DAMAGED("finished, but only %u of the %u trials of round %u were planned",
                       campaign->round_planned, campaign->round_trials, campaign->round);
    const struct trial *open = open_trial(campaign, event->need_trials > 0);
    if (open)
        return DAMAGED("finished, but trial %u is %s", open->id, trial_state_name(open->state));
    return 0;
}

static int check_clock(const struct campaign *campaign, const struct event_clock *event,
                       struct lr_error *err)
{
    (void)campaign;
    if (!(event->wall_s >= 0) || !isfinite(event->wall_s))
        return DAMAGED("the clock went on by %g s", event->wall_s);
    return 0;
}

int campaign_check(const struct campaign *campaign, const struct event *event, struct lr_error *err)
{
    if (!campaign->opened && event->kind != EVENT_CAMPAIGN)
        return DAMAGED("the journal begins with a %s event, not with a campaign event",
                       event_name(event->kind));
    if (campaign->finished && event->kind != EVENT_SESSION && event->kind != EVENT_CLOCK)
        return DAMAGED("a %s event after the campaign was finished", event_name(event->kind));
    switch (event->kind) {
#define X(KIND, tag, FIELDS)                                                                       \
    case EVENT_##KIND:                                                                             \
        return check_##tag(campaign, &event->as.tag, err);
        EVENT_MAP(X)
#undef X
    case EVENT_KINDS:
        break;
    }
    return DAMAGED("an event of the unknown kind %d", (int)event->kind);
}
