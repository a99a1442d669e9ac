/* What an event does to the campaign: one function for each kind, called after campaign_check()
 * said yes. Nothing here decides anything that depends on more than the events and the plan, so
 * that a replay ends in the same state. */
#include "campaign/campaign_state.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "lrsearch/memory.h"

static void move(struct trial *trial, enum trial_state to)
{
    assert(trial_state_may_become(trial->state, to));
    trial->state = to;
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

/* FINISHED said which budget would have been needed: a larger one opens the campaign again. */
static bool was_short(const struct event_finished *end)
{
    return end->need_trials > 0;
}

/* A session that goes on with a campaign whose budget was used up asks whether it still is. */
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
    if (campaign->stopped_by > 0) { /* somebody has looked at it, one hopes */
        struct trial *trial = campaign->trials[campaign->stopped_by - 1];
        trial->failures = 0;
        move(trial, TRIAL_PENDING);
        campaign->stopped_by = 0;
    }
    campaign->nothing_wanted = false;
    if (was_short(&campaign->end))
        campaign->finished = false;
    return 0;
}

static int apply_round(struct campaign *campaign, const struct event_round *event,
                       struct lr_error *err)
{
    (void)err;
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
    struct trial *trial = lr_calloc(1, sizeof(*trial));
    struct trial **trials = lr_grow(campaign->trials, campaign->trial_count,
                                    &campaign->trial_capacity, sizeof(struct trial *));
    if (trials)
        campaign->trials = trials;
    if (!trial || !trials) {
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
    trial->spec = event->spec;
    campaign->trials[campaign->trial_count++] = trial;
    campaign->round_planned++;
    return 0;
}

/* Sorted: the order of arrival must not reach the answer. */
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
    struct trial *trial = campaign->trials[event->trial_id - 1];
    move(trial, TRIAL_RUNNING);
    trial->attempt = event->attempt;
    trial->rank = event->rank;
    trial->curve_tokens = trial->curve_begun = 0;
    memcpy(trial->host, event->host, sizeof(trial->host));
    return 0;
}

static int apply_curve(struct campaign *campaign, const struct event_curve *event,
                       struct lr_error *err)
{
    (void)err;
    struct trial *trial = campaign->trials[event->trial_id - 1];
    if (trial->first_point == 0)
        trial->first_point = event->tokens;
    if (trial->curve_tokens == 0) /* beyond where curves begin: it went on from a checkpoint */
        trial->curve_begun =
            event->tokens > trial->first_point ? event->tokens : trial->wsd_prefix_tokens;
    trial->curve_tokens = event->tokens;
    return 0;
}

/* A lost worker cannot say how far it came: its loss curve is then the better witness. */
static void charge(struct trial *trial, const struct trial_result *result)
{
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
    if (result->seconds > 0 && isfinite(result->seconds))
        trial->spent.seconds += result->seconds;
}

static void count_failure(struct campaign *campaign, struct trial *trial,
                          const struct trial_result *result)
{
    trial->failures++;
    campaign->failures++;
    snprintf(campaign->last_failure, sizeof(campaign->last_failure), "trial %u, attempt %u: %s: %s",
             trial->id, trial->attempt, outcome_name(result->outcome),
             result->message[0] ? result->message : "no reason given");
}

static int apply_ended(struct campaign *campaign, const struct event_ended *event,
                       struct lr_error *err)
{
    (void)err;
    struct trial *trial = campaign->trials[event->trial_id - 1];
    charge(trial, &event->result);
    trial->result = event->result;
    campaign->nothing_wanted = false;
    if (trial->purpose == PURPOSE_SEARCH) /* it may change the answer */
        campaign->confirmed = false;
    switch (event->result.outcome) {
    case OUTCOME_DONE:
        if (isfinite(event->result.val_loss)) {
            move(trial, TRIAL_DONE);
            break;
        }
        /* A training that went through but ends in no number says what a diverged one says. */
        trial->result.outcome = OUTCOME_DIVERGED;
        trial->result.val_loss = NAN;
        if (!trial->result.message[0])
            snprintf(trial->result.message, sizeof(trial->result.message),
                     "the validation loss is not finite");
        move(trial, TRIAL_DIVERGED);
        break;
    case OUTCOME_DIVERGED:
        move(trial, TRIAL_DIVERGED);
        break;
    case OUTCOME_REFUSED: /* another attempt would be refused too: no failure to be borne */
        move(trial, TRIAL_FAILED);
        break;
    default:
        if (!event->abandoned && event->result.outcome != OUTCOME_CANCELED)
            count_failure(campaign, trial, &event->result);
        if (trial->failures <= campaign->retries) {
            move(trial, event->result.outcome == OUTCOME_LOST ? TRIAL_LOST : TRIAL_PENDING);
            break;
        }
        move(trial, TRIAL_FAILED);
        if (campaign->stop_on_fail)
            campaign->stopped_by = trial->id;
    }
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
