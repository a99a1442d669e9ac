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

/* The next round into `round`, in the order of planning; returns its size or an error. */
static int ask_policy(const struct campaign *campaign, struct proposal *round, struct lr_error *err)
{
    struct campaign_space asked;
    campaign_space_fill(&asked, &campaign->plan);
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
        qsort(round, (size_t)count, sizeof(*round), by_length);
        rc = check_proposals(round, (size_t)count, seen, seen_count, policy->name, err);
    }
    lr_free(seen);
    return rc ? rc : count;
}

static struct event *event_at(struct campaign *campaign, size_t index, enum event_kind kind)
{
    struct event *event = &campaign->events[index];
    memset(event, 0, sizeof(*event));
    event->kind = kind;
    return event;
}

static int reserve_events(struct campaign *campaign, size_t count, struct lr_error *err)
{
    if (count <= campaign->event_capacity)
        return 0;
    struct event *larger = lr_realloc(campaign->events, count * sizeof(*larger));
    if (!larger)
        return lr_fail(err, LR_ENOMEM, "out of memory");
    campaign->events = larger;
    campaign->event_capacity = count;
    return 0;
}

static void fill_planned(struct event *event, const struct campaign *campaign, uint32_t round,
                         uint32_t id, const struct proposal *proposal)
{
    event->as.planned.trial_id = id;
    event->as.planned.round = round;
    event->as.planned.replicate = proposal->seed;
    event->as.planned.cell = proposal->cell;
    event->as.planned.spec = campaign_spec(campaign, proposal);
}

static int finish_by_budget(struct campaign *campaign, const char *key,
                            const struct event_finished *need, size_t round_trials,
                            struct lr_error *err)
{
    int rc = reserve_events(campaign, 1, err);
    if (rc)
        return rc;
    struct event_finished *end = &event_at(campaign, 0, EVENT_FINISHED)->as.finished;
    const struct plan *plan = &campaign->plan;
    char amounts[128];
    if (strcmp(key, "budget.tokens") == 0)
        snprintf(amounts, sizeof(amounts), "%" PRIu64 " of %" PRIu64 " tokens are used",
                 campaign_spent_tokens(campaign), plan->budget.tokens);
    else if (strcmp(key, "budget.trials") == 0)
        snprintf(amounts, sizeof(amounts), "%zu of %" PRIu64 " trials are used",
                 campaign->trial_count, plan->budget.trials);
    else
        snprintf(amounts, sizeof(amounts), "%.0f of %.0f s are used", campaign->wall_s,
                 plan->budget.wall_s);
    *end = *need;
    snprintf(end->status, sizeof(end->status), "%s", answer_status_name(ANSWER_BUDGET_EXHAUSTED));
    snprintf(end->reason, sizeof(end->reason),
             "%s is too small for round %u with its %zu trials: %s; raise it and run the same "
             "command again to go on",
             key, campaign->round + 1, round_trials, amounts);
    return 1;
}

static int finish(struct campaign *campaign, struct lr_error *err)
{
    struct campaign_space asked;
    campaign_space_fill(&asked, &campaign->plan);
    struct answer *answer = lr_calloc(1, sizeof(*answer));
    struct observation *seen = NULL;
    size_t count = 0;
    int rc = answer ? 0 : lr_fail(err, LR_ENOMEM, "out of memory");
    if (!rc)
        rc = campaign_observe(campaign, false, &seen, &count, err);
    if (!rc)
        rc = search_answer(answer, &asked.space, seen, count, err);
    if (!rc)
        rc = reserve_events(campaign, 1, err);
    if (!rc) {
        struct event_finished *end = &event_at(campaign, 0, EVENT_FINISHED)->as.finished;
        snprintf(end->status, sizeof(end->status), "%s", answer_status_name(answer->status));
        snprintf(end->reason, sizeof(end->reason), "%s", answer->reason);
    }
    lr_free(seen);
    lr_free(answer);
    return rc ? rc : 1;
}

static int begin_round(struct campaign *campaign, const struct proposal *round, size_t count,
                       struct lr_error *err)
{
    struct event_finished need = campaign_budget_need(campaign, round, count);
    const char *key = campaign_budget_short(&campaign->plan, &need);
    if (key && open_trials(campaign) > 0)
        return 0; /* what runs may still end */
    if (key)
        return finish_by_budget(campaign, key, &need, count, err);
    int rc = reserve_events(campaign, count + 1, err);
    if (rc)
        return rc;
    struct event_round *begin = &event_at(campaign, 0, EVENT_ROUND)->as.round;
    begin->round = campaign->round + 1;
    begin->trials = (uint32_t)count;
    for (size_t i = 0; i < count; i++)
        fill_planned(event_at(campaign, i + 1, EVENT_PLANNED), campaign, campaign->round + 1,
                     (uint32_t)(campaign->trial_count + i + 1), &round[i]);
    return (int)count + 1;
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
        return lr_fail(err, LR_EDAMAGED,
                       "round %u was written in part, and its other trials cannot be found again: "
                       "it was begun by lrsearch %s; go on with that version, or start a new "
                       "campaign",
                       campaign->round, campaign->opening.version);
    int rc = reserve_events(campaign, count - planned, err);
    if (rc)
        return rc;
    for (size_t i = planned; i < count; i++)
        fill_planned(event_at(campaign, i - planned, EVENT_PLANNED), campaign, campaign->round,
                     (uint32_t)(first + i + 1), &round[i]);
    return (int)(count - planned);
}

static int look_ahead(struct campaign *campaign, struct lr_error *err)
{
    if (!campaign->opened)
        return lr_fail(err, LR_EINVAL, "a campaign begins with a campaign event");
    if (campaign->finished)
        return 0;
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
    bool running = open_trials(campaign) > 0;
    bool asks = !running || (campaign_is_async(&campaign->plan) && !campaign->nothing_wanted &&
                             idle_workers(campaign) > 0);
    if (round_is_planned(campaign) && !asks)
        return 0;
    struct proposal *round = lr_calloc(POLICY_ROUND_MAX, sizeof(*round));
    if (!round)
        return lr_fail(err, LR_ENOMEM, "out of memory");
    int rc = ask_policy(campaign, round, err);
    if (rc >= 0 && !round_is_planned(campaign))
        rc = complete_round(campaign, round, (size_t)rc, err);
    else if (rc > 0)
        rc = begin_round(campaign, round, (size_t)rc, err);
    else if (rc == 0 && !running)
        rc = finish(campaign, err);
    if (rc == 0 && running)
        campaign->nothing_wanted = true;
    lr_free(round);
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
