/* What the state calls for: the next round, or the end. The policy is asked when every trial is
 * over (search.mode rounds), or when a worker has nothing to do (async); it is a pure function of
 * the state, so that a campaign killed in the midst of writing a round asks for the same round
 * again and writes the rest of it. */
#include "campaign/campaign_state.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "search/search_answer.h"

/* Longest first: a round is over when its last trial is, so the long ones must not start late. */
static int by_length(const void *left, const void *right)
{
    const struct proposal *a = left, *b = right;
    if (a->tokens != b->tokens)
        return a->tokens > b->tokens ? -1 : 1;
    if (a->cell != b->cell)
        return a->cell < b->cell ? -1 : 1;
    if (a->lr != b->lr)
        return a->lr < b->lr ? -1 : 1;
    for (int r = 0; r < RATIO_COUNT; r++)
        if (a->ratios[r] != b->ratios[r])
            return a->ratios[r] < b->ratios[r] ? -1 : 1;
    return (a->seed > b->seed) - (a->seed < b->seed);
}

/* A policy that asked for what it has seen would never come to an end. */
static int check_proposals(const struct proposal *round, size_t count,
                           const struct observation *seen, size_t seen_count, const char *policy,
                           struct lr_error *err)
{
    for (size_t i = 0; i < count; i++) {
        const struct proposal *p = &round[i];
        bool again = i > 0 && by_length(&round[i - 1], p) == 0;
        for (size_t j = 0; j < seen_count && !again; j++)
            again = seen[j].tokens == p->tokens && seen[j].cell == p->cell && seen[j].lr == p->lr &&
                    seen[j].seed == p->seed &&
                    memcmp(seen[j].ratios, p->ratios, sizeof(p->ratios)) == 0;
        if (again || !(p->lr > 0) || !isfinite(p->lr))
            return lr_fail(err, LR_EINTERNAL,
                           "search.policy %s asks %s for learning rate %.17g at %" PRIu64
                           " tokens, seed %u",
                           policy, again ? "twice" : "wrongly", p->lr, p->tokens, p->seed);
    }
    return 0;
}

static size_t open_trials(const struct campaign *campaign)
{
    size_t count = 0;
    for (size_t i = 0; i < campaign->trial_count; i++)
        count += !trial_state_is_over(campaign->trials[i]->state);
    return count;
}

static size_t idle_workers(const struct campaign *campaign)
{
    size_t workers = campaign->ranks > 1 ? campaign->ranks - 1 : 1, busy = open_trials(campaign);
    return busy < workers ? workers - busy : 0;
}

/* How many trials to ask for: in a round that was begun the same as then. */
static uint32_t trials_wanted(const struct campaign *campaign)
{
    if (!campaign_is_async(&campaign->plan))
        return campaign->plan.search.round_trials;
    return round_is_planned(campaign) ? (uint32_t)idle_workers(campaign) : campaign->round_trials;
}

/* How many of the trials that were asked for fit into the budget: what the policy likes best stands
 * first. *need is for these and one more. */
static size_t count_affordable(const struct campaign *campaign, const struct proposal *round,
                               size_t count, struct event_finished *need)
{
    struct outlay outlay = {0};
    for (size_t i = 0; i < count; i++) {
        struct trial_spec spec = campaign_spec(campaign, &round[i]);
        outlay_add(&outlay, &spec, campaign_wsd_prefix(campaign, &spec, round[i].cell), 1);
        *need = campaign_budget_need(campaign, &outlay, PURPOSE_SEARCH);
        if (campaign_budget_short(&campaign->plan, need))
            return i;
    }
    return count;
}

/* The next round into `round`, in the order of planning, cut to what the budget allows; of one that
 * was begun to what was allowed then. Returns its size or an error. *need: what a trial more would
 * have needed, when it was cut. */
static int ask_policy(const struct campaign *campaign, struct proposal *round,
                      struct event_finished *need, struct lr_error *err)
{
    struct campaign_space asked;
    campaign_ask(&asked, campaign, &campaign->plan);
    asked.space.round_trials = trials_wanted(campaign);
    const struct policy *policy = campaign_policy(&campaign->plan);
    struct observation *seen = NULL;
    size_t seen_count = 0;
    int rc = campaign_observe(campaign, true, &seen, &seen_count, err);
    if (rc)
        return rc;
    int count = search_next(policy, &asked.space, seen, seen_count, round);
    if (count < 0 || count > POLICY_ROUND_MAX) {
        rc =
            lr_fail(err, count < 0 ? count : LR_EINTERNAL,
                    "search.policy %s: cannot plan round %u: %s", policy->name, campaign->round + 1,
                    count < 0 ? lr_error_text(count) : "more trials than a round may have");
    } else if (count > 0) {
        size_t fit = round_is_planned(campaign)
                         ? count_affordable(campaign, round, (size_t)count, need)
                         : campaign->round_trials;
        count = fit < (size_t)count ? (int)fit : count;
        qsort(round, (size_t)count, sizeof(*round), by_length);
        rc = check_proposals(round, (size_t)count, seen, seen_count, policy->name, err);
    }
    lr_free(seen);
    return rc ? rc : count;
}

int campaign_reserve_events(struct campaign *campaign, size_t count, struct lr_error *err)
{
    if (count > campaign->event_capacity) {
        struct event *larger = lr_realloc(campaign->events, count * sizeof(*larger));
        if (!larger)
            return lr_nomem(err);
        campaign->events = larger;
        campaign->event_capacity = count;
    }
    memset(campaign->events, 0, count * sizeof(*campaign->events));
    return 0;
}

static void fill_planned(struct event *event, const struct campaign *campaign, uint32_t round,
                         size_t id, const struct proposal *proposal)
{
    event->kind = EVENT_PLANNED;
    event->as.planned.trial_id = (uint32_t)id;
    event->as.planned.round = round;
    event->as.planned.replicate = proposal->seed;
    event->as.planned.cell = proposal->cell;
    event->as.planned.spec = campaign_spec(campaign, proposal);
    event->as.planned.wsd_prefix_tokens =
        campaign_wsd_prefix(campaign, &event->as.planned.spec, proposal->cell);
}

static int begin_round(struct campaign *campaign, const struct proposal *round, size_t count,
                       struct lr_error *err)
{
    int rc = campaign_reserve_events(campaign, count + 1, err);
    if (rc)
        return rc;
    struct event *events = campaign->events;
    events[0].kind = EVENT_ROUND;
    events[0].as.round.round = campaign->round + 1;
    events[0].as.round.trials = (uint32_t)count;
    for (size_t i = 0; i < count; i++)
        fill_planned(&events[i + 1], campaign, campaign->round + 1, campaign->trial_count + i + 1,
                     &round[i]);
    return (int)count + 1;
}

int campaign_fail_torn(const struct campaign *campaign, struct lr_error *err)
{
    return lr_fail(err, LR_EDAMAGED,
                   "round %u was written in part, and its other trials cannot be found again: it "
                   "was begun by lrsearch %s; go on with that version, or start a new campaign",
                   campaign->round, campaign->opening.version);
}

/* The journal ended in the midst of a round: the same question must have the same answer now. */
static int complete_round(struct campaign *campaign, const struct proposal *round, size_t count,
                          struct lr_error *err)
{
    size_t planned = campaign->round_planned, first = campaign->trial_count - planned;
    bool same = count == campaign->round_trials;
    for (size_t i = 0; same && i < planned; i++) {
        const struct trial *trial = campaign->trials[first + i];
        same = trial->spec.lr == round[i].lr && trial->replicate == round[i].seed &&
               trial->cell == round[i].cell && trial->spec.horizon_tokens == round[i].tokens &&
               trial->spec.embedding_lr_ratio == round[i].ratios[RATIO_EMBEDDING] &&
               trial->spec.output_lr_ratio == round[i].ratios[RATIO_OUTPUT];
    }
    if (!same)
        return campaign_fail_torn(campaign, err);
    int rc = campaign_reserve_events(campaign, count - planned, err);
    if (rc)
        return rc;
    for (size_t i = planned; i < count; i++)
        fill_planned(&campaign->events[i - planned], campaign, campaign->round, first + i + 1,
                     &round[i]);
    return (int)(count - planned);
}

/* ---- the end ---- */

/* Why the search asks for nothing more. */
struct ending {
    const char *key; /* of the budget that is too small; NULL: the policy is content */
    struct event_finished need;
    size_t left; /* trials planned that are not begun any more */
};

/* The status that the trials give. */
static int judge(const struct campaign *campaign, struct event_finished *end, struct lr_error *err)
{
    struct campaign_space asked;
    campaign_ask(&asked, campaign, &campaign->plan);
    struct answer *answer = lr_calloc(1, sizeof(*answer));
    struct observation *seen = NULL;
    size_t count = 0;
    int rc = answer ? 0 : lr_nomem(err);
    if (!rc)
        rc = campaign_observe(campaign, false, &seen, &count, err);
    if (!rc)
        rc = search_answer(answer, &asked.space, seen, count, err);
    if (!rc) {
        snprintf(end->status, sizeof(end->status), "%s", answer_status_name(answer->status));
        snprintf(end->reason, sizeof(end->reason), "%s", answer->reason);
    }
    lr_free(seen);
    lr_free(answer);
    return rc;
}

static void blame_budget(const struct campaign *campaign, struct event_finished *end,
                         const struct ending *ending)
{
    char used[160], left[64];
    campaign_budget_text(campaign, ending->key, PURPOSE_SEARCH, used, sizeof(used));
    snprintf(left, sizeof(left), "another trial");
    if (ending->left > 0)
        snprintf(left, sizeof(left), "the %zu trial%s left", ending->left,
                 ending->left == 1 ? " that is" : "s that are");
    snprintf(end->status, sizeof(end->status), "%s", answer_status_name(ANSWER_BUDGET_EXHAUSTED));
    snprintf(end->reason, sizeof(end->reason),
             "%s is too small for %s: %s; raise it and run the same command again to go on",
             ending->key, left, used);
}

/* `confirmation`: the budget that it lacks, if it lacks any. */
static int finish(struct campaign *campaign, const struct ending *ending,
                  const struct event_finished *confirmation, struct lr_error *err)
{
    struct event_finished end = ending->key ? ending->need : *confirmation;
    int rc = campaign_reserve_events(campaign, 1, err);
    if (!rc && ending->key)
        blame_budget(campaign, &end, ending);
    else if (!rc)
        rc = judge(campaign, &end, err);
    if (rc)
        return rc;
    campaign->events[0].kind = EVENT_FINISHED;
    campaign->events[0].as.finished = end;
    return 1;
}

/* ---- which of them ---- */

static size_t waiting(const struct campaign *campaign, uint32_t purpose)
{
    size_t count = 0;
    for (size_t i = 0; i < campaign->trial_count; i++)
        count += campaign->trials[i]->purpose == purpose &&
                 trial_state_is_waiting(campaign->trials[i]->state);
    return count;
}

/* Something runs, or may be begun. */
static bool is_active(const struct campaign *campaign)
{
    for (size_t i = 0; i < campaign->trial_count; i++)
        if (campaign->trials[i]->state == TRIAL_RUNNING)
            return true;
    return (waiting(campaign, PURPOSE_SEARCH) &&
            !campaign_time_over(campaign, PURPOSE_SEARCH, NULL)) ||
           (waiting(campaign, PURPOSE_CONFIRM) &&
            !campaign_time_over(campaign, PURPOSE_CONFIRM, NULL));
}

/* The events of the search's next round, or of the rest of one. 0: none, and *ending says why. */
static int search_on(struct campaign *campaign, struct ending *ending, struct lr_error *err)
{
    *ending = (struct ending){.left = waiting(campaign, PURPOSE_SEARCH)};
    if (round_is_planned(campaign) && ending->left > 0) { /* and the time is over */
        ending->key = campaign_time_over(campaign, PURPOSE_SEARCH, &ending->need);
        if (ending->key)
            return 0;
    }
    struct proposal *round = lr_calloc(POLICY_ROUND_MAX, sizeof(*round));
    if (!round)
        return lr_nomem(err);
    int rc = ask_policy(campaign, round, &ending->need, err);
    if (rc >= 0 && !round_is_planned(campaign))
        rc = complete_round(campaign, round, (size_t)rc, err);
    else if (rc > 0)
        rc = begin_round(campaign, round, (size_t)rc, err);
    else if (rc == 0)
        ending->key = campaign_budget_short(&campaign->plan, &ending->need);
    lr_free(round);
    return rc;
}

static int conclude(struct campaign *campaign, const struct ending *ending, struct lr_error *err)
{
    struct event_finished need = {0};
    if (campaign->plan.confirm.wanted && !campaign->confirmed) {
        int rc = campaign_confirm(campaign, &need, err);
        if (rc)
            return rc;
    } else if (waiting(campaign, PURPOSE_CONFIRM) > 0) {
        campaign_time_over(campaign, PURPOSE_CONFIRM, &need);
    }
    return finish(campaign, ending, &need, err);
}

static int check_failures(const struct campaign *campaign, struct lr_error *err)
{
    if (campaign->failures > campaign->plan.limits.max_failures)
        return lr_fail(err, LR_EFAILURES,
                       "%u attempts failed or were lost, limits.max_failures is %u; the last: %s. "
                       "Mend the cause, raise limits.max_failures and run the same command again "
                       "to go on",
                       campaign->failures, campaign->plan.limits.max_failures,
                       campaign->last_failure);
    if (campaign->stopped_by > 0)
        return lr_fail(
            err, LR_EFAILURES,
            "trial %u failed in %u attempt%s, and on_fail.then is stop: %s. Mend the cause "
            "and run the same command again: it is tried again",
            campaign->stopped_by, campaign->retries + 1, campaign->retries > 0 ? "s" : "",
            campaign->last_failure);
    return 0;
}

static int look_ahead(struct campaign *campaign, struct lr_error *err)
{
    struct ending ending;
    struct event_finished need;
    if (!campaign->opened)
        return lr_fail(err, LR_EINVAL, "a campaign begins with a campaign event");
    if (campaign->finished)
        return 0;
    int rc = check_failures(campaign, err);
    if (rc)
        return rc;
    if (!round_is_planned(campaign))
        return campaign->round_purpose == PURPOSE_CONFIRM ? campaign_confirm(campaign, &need, err)
                                                          : search_on(campaign, &ending, err);
    bool active = is_active(campaign);
    if (active && (!campaign_is_async(&campaign->plan) || campaign->nothing_wanted ||
                   campaign->round_purpose == PURPOSE_CONFIRM || idle_workers(campaign) == 0))
        return 0;
    rc = search_on(campaign, &ending, err);
    if (rc == 0 && active)
        campaign->nothing_wanted = true; /* what runs may still end */
    else if (rc == 0)
        rc = conclude(campaign, &ending, err);
    return rc;
}

int campaign_next(struct campaign *campaign, const struct event **events, size_t *count,
                  struct lr_error *err)
{
    int rc = look_ahead(campaign, err);
    *events = campaign->events;
    *count = rc > 0 ? (size_t)rc : 0;
    return rc < 0 ? rc : 0;
}
