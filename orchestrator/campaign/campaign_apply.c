/* Which event may follow which, and its effect on the campaign: for each kind a check without side
 * effects, and an effect that runs only after the check has passed. All of it depends on the events
 * and the plan only, so that a replay ends in the same state. Error texts use the journal's words,
 * because readers look there. */
#include "campaign/campaign_apply.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "campaign/campaign_budget.h"
#include "campaign/campaign_space.h"
#include "campaign/campaign_state.h"
#include "lrsearch/memory.h"

/* ---- checks ---- */

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

/* The first trial that is not over; NULL: none. leave_behind: skip waiting trials, which stay
 * behind when the time is used up. */
static const struct trial *open_trial(const struct campaign *campaign, bool leave_behind)
{
    if ((leave_behind ? count_running(campaign) : campaign_open_trials(campaign)) == 0)
        return NULL;
    for (size_t i = campaign->settled; i < campaign->trial_count; i++) {
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
    const struct trial *open =
        campaign_is_async(&campaign->plan) ? NULL : open_trial(campaign, confirms);
    if (open)
        return DAMAGED("round %u begins, but trial %u is %s", event->round, open->id,
                       trial_state_name(open->state));
    return 0;
}

/* A confirmation is as long as the target, or shorter if the budget required it. */
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

static int check_worker(const struct campaign *campaign, const struct event_worker *event,
                        struct lr_error *err)
{
    (void)campaign;
    return event->news <= NEWS_GONE
               ? 0
               : DAMAGED("news %u of rank %u are unknown", event->news, event->rank);
}

static int check_group(const struct campaign *campaign, const struct event_group *event,
                       struct lr_error *err)
{
    return check_attempt(campaign, event->trial_id, event->attempt, "group", err);
}

static int check_steps(const struct campaign *campaign, const struct event_steps *event,
                       struct lr_error *err)
{
    (void)campaign;
    return event->ranks > 0 ? 0 : DAMAGED("steps of 0 ranks");
}

int campaign_check(const struct campaign *campaign, const struct event *event, struct lr_error *err)
{
    if (!campaign->opened && event->kind != EVENT_CAMPAIGN)
        return DAMAGED("the journal begins with a %s event, not with a campaign event",
                       event_name(event->kind));
    if (campaign->finished && event->kind != EVENT_SESSION && event->kind != EVENT_CLOCK &&
        event->kind != EVENT_WORKER && event->kind != EVENT_STEPS)
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

/* ---- effects ---- */

/* The check has already found this id. */
static struct trial *checked_trial(struct campaign *campaign, uint32_t id)
{
    assert(id >= 1 && id <= campaign->trial_count);
    return campaign->trials[id - 1];
}

/* Adds the trials that are over now, up to the first that is not. */
static void settle_trials(struct campaign *campaign)
{
    while (campaign->settled < campaign->trial_count &&
           trial_state_is_over(campaign->trials[campaign->settled]->state))
        campaign_add_spent(&campaign->settled_spent, campaign->trials[campaign->settled++]);
}

static void note_state(struct campaign *campaign, const struct trial *trial)
{
    uint64_t bit = (uint64_t)1 << (trial->id - 1) % 64,
             *word = &campaign->waiting[(trial->id - 1) / 64];
    campaign->counts[trial->purpose][trial->state]++;
    *word = trial_state_is_waiting(trial->state) ? *word | bit : *word & ~bit;
}

static void set_state(struct campaign *campaign, struct trial *trial, enum trial_state to)
{
    assert(trial_state_may_become(trial->state, to));
    campaign->counts[trial->purpose][trial->state]--;
    trial->state = to;
    note_state(campaign, trial);
    if (trial->id <= campaign->settled) { /* a failed one is tried again: sum anew */
        campaign->settled = 0;
        campaign->settled_spent = (struct spent){0};
    }
    settle_trials(campaign);
}

static void note_time(struct campaign *campaign)
{
    for (uint32_t purpose = 0; purpose < TRIAL_PURPOSES; purpose++)
        campaign->time_over[purpose] = campaign_time_over(campaign, purpose, NULL);
}

static int apply_campaign(struct campaign *campaign, const struct event_campaign *event,
                          struct lr_error *err)
{
    (void)err;
    campaign->opening = *event;
    campaign->first_data.data_hash = event->data_hash;
    campaign->first_data.train_tokens = event->train_tokens;
    campaign->first_data.val_tokens = event->val_tokens;
    campaign->first_data.val_bytes = event->val_bytes;
    memcpy(campaign->first_data.data_path, event->data_path, sizeof(event->data_path));
    campaign->opened = true;
    note_time(campaign);
    return 0;
}

static int apply_data(struct campaign *campaign, const struct event_data *event,
                      struct lr_error *err)
{
    struct event_data *data =
        lr_grow(campaign->data, campaign->data_count, &campaign->data_capacity, sizeof(*data));
    if (!data)
        return lr_nomem(err);
    campaign->data = data;
    campaign->data[campaign->data_count++] = *event;
    return 0;
}

/* The campaign ended for lack of budget; a larger budget opens it again. */
static bool was_short(const struct event_finished *end)
{
    return end->need_trials > 0;
}

/* After first attempts that failed alike, a new start means that the cause is mended: the campaign
 * begins anew. */
static void forget_first_failures(struct campaign *campaign)
{
    if (!first_attempts_failed(campaign))
        return;
    for (size_t i = 0; i < campaign->trial_count; i++) {
        struct trial *trial = campaign->trials[i];
        trial->failures = 0;
        if (trial->state == TRIAL_FAILED)
            set_state(campaign, trial, TRIAL_PENDING);
    }
    memset(&campaign->first, 0, sizeof(campaign->first));
    campaign->failures = 0;
    campaign->stopped_by = 0;
}

/* Also reopens a campaign that ended for lack of budget: campaign_next() decides whether the budget
 * suffices now. */
static int apply_session(struct campaign *campaign, const struct event_session *event,
                         struct lr_error *err)
{
    struct event_session *sessions = lr_grow(campaign->sessions, campaign->session_count,
                                             &campaign->session_capacity, sizeof(*sessions));
    if (!sessions)
        return lr_nomem(err);
    campaign->sessions = sessions;
    campaign->sessions[campaign->session_count++] = *event;
    campaign->ranks = event->ranks;
    campaign->retries = event->retries;
    campaign->stop_on_fail = event->stop_on_fail != 0;
    forget_first_failures(campaign);
    /* in a session without this limit (older journals) first attempts did not end the campaign */
    if (campaign->first_failures == 0 && campaign->first.count > 0)
        campaign->first.over = true;
    campaign->first_failures = event->first_failures;
    if (campaign->stopped_by > 0) { /* the user started again: assume the cause is fixed */
        struct trial *trial = checked_trial(campaign, campaign->stopped_by);
        trial->failures = 0;
        set_state(campaign, trial, TRIAL_PENDING);
        campaign->stopped_by = 0;
    }
    campaign->changes++;
    if (was_short(&campaign->end))
        campaign->finished = false;
    return 0;
}

static int apply_round(struct campaign *campaign, const struct event_round *event,
                       struct lr_error *err)
{
    (void)err;
    assert(event->round == campaign->round + 1 && round_is_planned(campaign));
    campaign->round_is_early = campaign_open_trials(campaign) > 0;
    campaign->round = event->round;
    campaign->round_trials = event->trials;
    campaign->round_planned = 0;
    campaign->round_purpose = event->purpose;
    campaign->confirmed = event->purpose == PURPOSE_CONFIRM;
    return 0;
}

static int apply_planned(struct campaign *campaign, const struct event_planned *event,
                         struct lr_error *err)
{
    assert(event->trial_id == campaign->trial_count + 1);
    struct trial *trial = lr_calloc(1, sizeof(*trial));
    struct trial **trials = lr_grow(campaign->trials, campaign->trial_count,
                                    &campaign->trial_capacity, sizeof(struct trial *));
    uint64_t *waiting = lr_grow(campaign->waiting, campaign->trial_count / 64,
                                &campaign->waiting_capacity, sizeof(*waiting));
    if (trials)
        campaign->trials = trials;
    if (waiting)
        campaign->waiting = waiting;
    if (!trial || !trials || !waiting) {
        lr_free(trial);
        return lr_nomem(err);
    }
    trial->id = event->trial_id;
    trial->round = event->round;
    trial->replicate = event->replicate;
    trial->cell = event->cell;
    trial->purpose = event->purpose;
    trial->state = TRIAL_PENDING;
    trial->wsd_prefix_tokens = event->wsd_prefix_tokens;
    trial->early = campaign->round_is_early;
    trial->spec = event->spec;
    campaign->trials[campaign->trial_count] = trial;
    if (campaign->trial_count++ % 64 == 0)
        waiting[(trial->id - 1) / 64] = 0;
    note_state(campaign, trial);
    for (size_t h = 0; h < campaign->plan.search.horizon_count; h++)
        campaign->planned[h] += trial->purpose == PURPOSE_SEARCH &&
                                campaign->plan.search.horizons[h] == trial->spec.horizon_tokens;
    campaign->round_planned++;
    return 0;
}

/* Sorted, so that the order of arrival does not affect the answer. */
static int note_cpu(struct campaign *campaign, const char *cpu, struct lr_error *err)
{
    size_t place = 0;
    while (place < campaign->cpu_count && strcmp(campaign->cpus[place], cpu) < 0)
        place++;
    if (!*cpu || (place < campaign->cpu_count && strcmp(campaign->cpus[place], cpu) == 0))
        return 0;
    char(*cpus)[CPU_TEXT] =
        lr_grow(campaign->cpus, campaign->cpu_count, &campaign->cpu_capacity, sizeof(*cpus));
    if (!cpus)
        return lr_nomem(err);
    campaign->cpus = cpus;
    memmove(cpus + place + 1, cpus + place, (campaign->cpu_count++ - place) * sizeof(*cpus));
    snprintf(cpus[place], sizeof(*cpus), "%s", cpu);
    return 0;
}

static int apply_started(struct campaign *campaign, const struct event_started *event,
                         struct lr_error *err)
{
    int rc = note_cpu(campaign, event->cpu, err);
    if (rc)
        return rc;
    struct trial *trial = checked_trial(campaign, event->trial_id);
    set_state(campaign, trial, TRIAL_RUNNING);
    trial->attempt = event->attempt;
    trial->rank = event->rank;
    trial->started_s = event->at_s;
    trial->curve_tokens = trial->curve_begun = 0;
    return 0;
}

static int apply_curve(struct campaign *campaign, const struct event_curve *event,
                       struct lr_error *err)
{
    (void)err;
    struct trial *trial = checked_trial(campaign, event->trial_id);
    if (trial->first_point == 0)
        trial->first_point = event->tokens;
    if (trial->curve_tokens == 0) /* past the first curve's start: resumed from a checkpoint */
        trial->curve_begun =
            event->tokens > trial->first_point ? event->tokens : trial->wsd_prefix_tokens;
    trial->curve_tokens = event->tokens;
    return 0;
}

/* Adds the attempt to the cost of the trial. A lost worker reports no tokens: then the loss curve
 * counts. */
static void charge(struct trial *trial, const struct event_ended *event)
{
    const struct trial_result *result = &event->result;
    double seconds = event->ranks > 1 ? event->rank_s : result->seconds;
    uint64_t tokens =
        result->tokens > result->begun_tokens ? result->tokens - result->begun_tokens : 0;
    double flops = result->flops;
    uint64_t seen =
        trial->curve_tokens > trial->curve_begun ? trial->curve_tokens - trial->curve_begun : 0;
    if (seen > tokens && result->outcome == OUTCOME_LOST) {
        tokens = seen;
        flops = (double)tokens * trial_flops_per_token(&trial->spec);
    }
    trial->spent.attempts++;
    trial->spent.tokens += tokens;
    if (flops > 0 && isfinite(flops))
        trial->spent.flops += flops;
    if (seconds > 0 && isfinite(seconds))
        trial->spent.seconds += seconds;
}

static void count_failure(struct campaign *campaign, struct trial *trial,
                          const struct trial_result *result)
{
    trial->failures++;
    campaign->failures++;
    campaign->failed_trial = trial->id;
    campaign->failed_attempt = trial->attempt;
    snprintf(campaign->last_failure, sizeof(campaign->last_failure), "trial %u, attempt %u: %s: %s",
             trial->id, trial->attempt, outcome_name(result->outcome),
             result->message[0] ? result->message : "no reason given");
}

/* What two failures alike have in common: the message without digits, up to what the program
 * printed or the system said. */
static void failure_way(char out[256], const char *message)
{
    size_t used = 0;
    const char *end = message;
    while (*end && !((*end == ';' || *end == ':') && end[1] == ' '))
        end++;
    for (; message < end && used < 255; message++)
        if (!isdigit((unsigned char)*message))
            out[used++] = *message;
    out[used] = '\0';
}

/* Counts the first attempts as long as all of them fail alike. One that was lost or canceled shows
 * nothing about the program. */
static void note_first(struct campaign *campaign, const struct trial *trial,
                       const struct trial_result *result)
{
    char way[sizeof(campaign->first.way)];
    if (campaign->first.over || result->outcome == OUTCOME_LOST ||
        result->outcome == OUTCOME_CANCELED)
        return;
    failure_way(way, result->message);
    if (campaign->first.count == 0)
        memcpy(campaign->first.way, way, sizeof(way));
    campaign->first.over =
        result->outcome != OUTCOME_FAILED || strcmp(way, campaign->first.way) != 0;
    campaign->first.count++;
    if (campaign->first.rank_count < FIRST_RANKS)
        campaign->first.ranks[campaign->first.rank_count++] = trial->rank;
}

static int apply_ended(struct campaign *campaign, const struct event_ended *event,
                       struct lr_error *err)
{
    (void)err;
    struct trial *trial = checked_trial(campaign, event->trial_id);
    charge(trial, event);
    trial->result = event->result;
    note_first(campaign, trial, &event->result);
    campaign->changes++;
    if (trial->purpose == PURPOSE_SEARCH) /* it may change the answer */
        campaign->confirmed = false;
    switch (event->result.outcome) {
    case OUTCOME_DONE:
        if (isfinite(event->result.val_loss)) {
            campaign_note_pace(campaign, &event->result);
            set_state(campaign, trial, TRIAL_DONE);
            break;
        }
        /* A trial whose loss is not finite counts as diverged. */
        trial->result.outcome = OUTCOME_DIVERGED;
        trial->result.val_loss = NAN;
        if (!trial->result.message[0])
            snprintf(trial->result.message, sizeof(trial->result.message),
                     "the validation loss is not finite");
        set_state(campaign, trial, TRIAL_DIVERGED);
        break;
    case OUTCOME_DIVERGED:
        set_state(campaign, trial, TRIAL_DIVERGED);
        break;
    case OUTCOME_REFUSED: /* another attempt would be refused too */
        set_state(campaign, trial, TRIAL_FAILED);
        break;
    default:
        if (!event->abandoned && event->result.outcome != OUTCOME_CANCELED)
            count_failure(campaign, trial, &event->result);
        if (trial->failures <= campaign->retries) {
            set_state(campaign, trial,
                      event->result.outcome == OUTCOME_LOST ? TRIAL_LOST : TRIAL_PENDING);
            break;
        }
        set_state(campaign, trial, TRIAL_FAILED);
        if (campaign->stop_on_fail)
            campaign->stopped_by = trial->id;
    }
    note_time(campaign);
    return 0;
}

static int apply_finished(struct campaign *campaign, const struct event_finished *event,
                          struct lr_error *err)
{
    (void)err;
    campaign->end = *event;
    campaign->finished = !was_short(event) || campaign_budget_short(&campaign->plan, event);
    return 0;
}

static int apply_clock(struct campaign *campaign, const struct event_clock *event,
                       struct lr_error *err)
{
    (void)err;
    campaign->wall_s += event->wall_s;
    campaign->clock_ms = event->until_ms;
    note_time(campaign);
    return 0;
}

static int apply_worker(struct campaign *campaign, const struct event_worker *event,
                        struct lr_error *err)
{
    (void)campaign;
    (void)event;
    (void)err;
    return 0;
}

static int apply_steps(struct campaign *campaign, const struct event_steps *event,
                       struct lr_error *err)
{
    (void)campaign;
    (void)event;
    (void)err;
    return 0;
}

static int apply_group(struct campaign *campaign, const struct event_group *event,
                       struct lr_error *err)
{
    (void)campaign;
    (void)event;
    (void)err;
    return 0;
}

int campaign_apply(struct campaign *campaign, const struct event *event, struct lr_error *err)
{
    int rc = campaign_check(campaign, event, err);
    if (rc)
        return rc;
    switch (event->kind) {
#define X(KIND, tag, FIELDS)                                                                       \
    case EVENT_##KIND:                                                                             \
        return apply_##tag(campaign, &event->as.tag, err);
        EVENT_MAP(X)
#undef X
    case EVENT_KINDS:
        break;
    }
    return lr_fail(err, LR_EINTERNAL, "an event of the unknown kind %d", (int)event->kind);
}
