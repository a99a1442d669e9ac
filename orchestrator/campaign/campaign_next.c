/* campaign_next(): the next round, or the end. The policy runs when all trials are over
 * (search.mode rounds), or earlier when a worker is idle (async). The plan of a round is a pure
 * function of the state: a campaign killed while it wrote a round computes the same round again and
 * writes the missing rest. */
#include "campaign/campaign_next.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "campaign/campaign_budget.h"
#include "campaign/campaign_confirm.h"
#include "campaign/campaign_state.h"
#include "lrsearch/memory.h"

/* ---- events ---- */

void next_events_release(struct next_events *next)
{
    lr_free(next->events);
    memset(next, 0, sizeof(*next));
}

/* Room for `count` zeroed events. */
static int reserve_events(struct next_events *next, size_t count, struct lr_error *err)
{
    next->count = 0;
    if (count > next->capacity) {
        struct event *larger = lr_realloc(next->events, count * sizeof(*larger));
        if (!larger)
            return lr_nomem(err);
        next->events = larger;
        next->capacity = count;
    }
    memset(next->events, 0, count * sizeof(*next->events));
    return 0;
}

int next_events_begin(struct next_events *next, const struct campaign *campaign,
                      enum trial_purpose purpose, size_t trials, struct lr_error *err)
{
    int rc = reserve_events(next, trials + 1, err);
    if (rc)
        return rc;
    struct event *event = &next->events[next->count++];
    event->kind = EVENT_ROUND;
    event->as.round.round = campaign->round + round_is_planned(campaign);
    event->as.round.trials = (uint32_t)trials;
    event->as.round.purpose = purpose;
    return 0;
}

struct event_planned *next_events_add(struct next_events *next, const struct campaign *campaign,
                                      uint32_t cell, uint32_t replicate)
{
    assert(next->count > 0 && next->count < next->capacity);
    const struct event_round *round = &next->events[0].as.round;
    struct event *event = &next->events[next->count];
    struct event_planned *planned = &event->as.planned;
    event->kind = EVENT_PLANNED;
    planned->trial_id = (uint32_t)(campaign->trial_count - torn_trials(campaign) + next->count);
    planned->round = round->round;
    planned->purpose = round->purpose;
    planned->cell = cell;
    planned->replicate = replicate;
    next->count++;
    return planned;
}

static bool same_trial(const struct trial *trial, const struct event_planned *planned)
{
    return trial->spec.lr == planned->spec.lr && trial->cell == planned->cell &&
           trial->replicate == planned->replicate &&
           trial->spec.embedding_lr_ratio == planned->spec.embedding_lr_ratio &&
           trial->spec.output_lr_ratio == planned->spec.output_lr_ratio &&
           trial->spec.vector_lr_ratio == planned->spec.vector_lr_ratio &&
           trial->spec.weight_decay == planned->spec.weight_decay &&
           trial->spec.horizon_tokens == planned->spec.horizon_tokens;
}

int next_events_end(struct next_events *next, const struct campaign *campaign, struct lr_error *err)
{
    size_t held = torn_trials(campaign), first = campaign->trial_count - held;
    if (round_is_planned(campaign))
        return 0;
    bool same = next->count == 1 + (size_t)campaign->round_trials;
    for (size_t i = 0; same && i < held; i++)
        same = same_trial(campaign->trials[first + i], &next->events[1 + i].as.planned);
    if (!same)
        return lr_fail(err, LR_EDAMAGED,
                       "round %u was written in part, and its other trials cannot be found again: "
                       "it was begun by lrsearch %s; go on with that version, or start a new "
                       "campaign",
                       campaign->round, campaign->opening.version);
    next->count -= 1 + held;
    memmove(next->events, next->events + 1 + held, next->count * sizeof(*next->events));
    return 0;
}

/* ---- the search's next round ---- */

/* Longest first: a round ends with its last trial, so long trials start early. */
static int compare_for_planning(const void *left, const void *right)
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

static int fail_proposal(const struct proposal *p, const char *policy, const char *how,
                         struct lr_error *err)
{
    return lr_fail(err, LR_EINTERNAL,
                   "search.policy %s asks %s for learning rate %.17g at %" PRIu64
                   " tokens, seed %u",
                   policy, how, p->lr, p->tokens, p->seed);
}

/* A policy that repeats a trial would never end: LR_EINTERNAL. `round` is sorted for planning. */
static int check_proposals(const struct proposal *round, size_t count,
                           const struct observation *seen, size_t seen_count, const char *policy,
                           struct lr_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!(round[i].lr > 0) || !isfinite(round[i].lr))
            return fail_proposal(&round[i], policy, "wrongly", err);
        if (i > 0 && compare_for_planning(&round[i - 1], &round[i]) == 0)
            return fail_proposal(&round[i], policy, "twice", err);
    }
    for (size_t i = 0; i < seen_count; i++) {
        struct proposal p = {.tokens = seen[i].tokens, .lr = seen[i].lr, .seed = seen[i].seed};
        p.cell = seen[i].cell;
        memcpy(p.ratios, seen[i].ratios, sizeof(p.ratios));
        if (bsearch(&p, round, count, sizeof(*round), compare_for_planning))
            return fail_proposal(&p, policy, "twice", err);
    }
    return 0;
}

/* ---- search.mode async: what may be planned while trials run ---- */

/* Work of trials that are planned while others run, as a share of the other trials' work: what the
 * results would have made needless costs no more than that. */
#define EARLY_WORK 0.3

/* All trials but those of the first round rest on its losses. */
static bool is_coarse_look(const struct campaign *campaign)
{
    return campaign->round == 1 && campaign_open_trials(campaign) > 0;
}

/* Trials that may be added: workers are idle, and fewer are open than a round has. */
static size_t early_trials(const struct campaign *campaign)
{
    size_t most = campaign->ranks > 1 ? campaign->ranks - 1 : 1,
           open = campaign_open_trials(campaign);
    if (campaign->plan.search.round_trials < most)
        most = campaign->plan.search.round_trials;
    return open < most && !is_coarse_look(campaign) ? most - open : 0;
}

/* How many of the trials, in the policy's order, are within EARLY_WORK. */
static size_t count_early(const struct campaign *campaign, const struct proposal *round,
                          size_t count)
{
    struct outlay early = {0}, others = {0};
    if (campaign_open_trials(campaign) == 0)
        return count;
    for (size_t i = 0; i < campaign->trial_count; i++) {
        const struct trial *trial = campaign->trials[i];
        outlay_add(trial->early ? &early : &others, &trial->spec, trial->wsd_prefix_tokens, 1);
    }
    for (size_t i = 0; i < count; i++) {
        struct trial_spec spec = campaign_spec(campaign, &round[i]);
        outlay_add(&early, &spec, campaign_wsd_prefix(campaign, &spec, round[i].cell), 1);
        if (early.work > EARLY_WORK * others.work)
            return i;
    }
    return count;
}

/* ---- the search's next round: its size ---- */

/* Trials to request from the policy; for a round in progress the number requested before. */
static uint32_t trials_wanted(const struct campaign *campaign)
{
    if (!campaign_is_async(&campaign->plan) ||
        (round_is_planned(campaign) && campaign_open_trials(campaign) == 0))
        return campaign->plan.search.round_trials;
    return round_is_planned(campaign) ? (uint32_t)early_trials(campaign) : campaign->round_trials;
}

/* How many of the trials fit into the budget, in the policy's order (most useful first). *need: the
 * budget for these and the first that does not fit. */
static size_t count_affordable(const struct campaign *campaign, const struct proposal *round,
                               size_t count, struct event_finished *need)
{
    const struct commitment committed = campaign_committed(campaign, PURPOSE_SEARCH);
    struct outlay outlay = {0};
    for (size_t i = 0; i < count; i++) {
        struct trial_spec spec = campaign_spec(campaign, &round[i]);
        outlay_add(&outlay, &spec, campaign_wsd_prefix(campaign, &spec, round[i].cell), 1);
        *need = campaign_budget_need(campaign, &committed, &outlay);
        if (campaign_budget_short(&campaign->plan, need))
            return i;
    }
    return count;
}

/* Fills `round` with the next round in planning order, cut to what the budget allows. A round that
 * the journal holds in part keeps its recorded size. *need: if cut, the budget that one more trial
 * needs. */
static int ask_policy(const struct campaign *campaign, const struct interrupt *interrupt,
                      struct proposal *round, size_t *count, struct event_finished *need,
                      struct lr_error *err)
{
    struct campaign_space asked;
    const struct policy *policy = campaign_policy(&campaign->plan);
    struct observation *seen = NULL;
    size_t seen_count = 0;
    *count = 0;
    campaign_space_fill(&asked, &campaign->plan);
    campaign_space_interrupt(&asked, interrupt);
    asked.space.round_trials = trials_wanted(campaign);
    int rc = campaign_observe(campaign, true, &seen, &seen_count, err);
    if (rc)
        goto out;
    size_t found = 0;
    if ((rc = search_next(policy, &asked.space, seen, seen_count, round, &found))) {
        rc = lr_fail(err, rc, "search.policy %s: cannot plan round %u: %s", policy->name,
                     campaign->round + 1, lr_error_text(rc));
        goto out;
    }
    assert(found <= POLICY_ROUND_MAX);
    for (size_t i = 0; i < found; i++) { /* as it will be observed */
        struct trial_spec spec = campaign_spec(campaign, &round[i]);
        round[i].ratios[RATIO_DECAY] = campaign_ratio(&campaign->plan, &spec, RATIO_DECAY);
    }
    if (round_is_planned(campaign))
        found = count_early(campaign, round, found);
    size_t fit = round_is_planned(campaign) ? count_affordable(campaign, round, found, need)
                                            : campaign->round_trials;
    *count = fit < found ? fit : found;
    qsort(round, *count, sizeof(*round), compare_for_planning);
    rc = check_proposals(round, *count, seen, seen_count, policy->name, err);
out:
    lr_free(seen);
    return rc;
}

static int plan_round(const struct campaign *campaign, const struct proposal *round, size_t count,
                      struct next_events *next, struct lr_error *err)
{
    int rc = next_events_begin(next, campaign, PURPOSE_SEARCH, count, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < count; i++) {
        struct event_planned *planned =
            next_events_add(next, campaign, round[i].cell, round[i].seed);
        planned->spec = campaign_spec(campaign, &round[i]);
        planned->wsd_prefix_tokens = campaign_wsd_prefix(campaign, &planned->spec, round[i].cell);
    }
    return next_events_end(next, campaign, err);
}

/* ---- trials of another campaign ---- */

/* The weight decay of a trial, by which its rule multiplies, is known to some rounding. */
#define ROUNDED 1e-12

static bool lies_in_range(const struct plan *plan, const struct trial_spec *spec)
{
    bool inside = spec->lr >= plan->search.lr[0] && spec->lr <= plan->search.lr[1];
    for (int r = 0; r < RATIO_COUNT; r++) {
        struct ratio_range range = campaign_ratio_range(plan, (enum answer_ratio)r);
        double ratio = campaign_ratio(plan, spec, (enum answer_ratio)r);
        inside =
            inside && ratio >= range.low * (1 - ROUNDED) && ratio <= range.high * (1 + ROUNDED);
    }
    return inside;
}

/* Finds the proposal that this trial would be; false: the plan would not ask for it. */
static bool find_proposal(const struct campaign *campaign, const struct trial_spec *spec,
                          struct proposal *out)
{
    const struct plan *plan = &campaign->plan;
    bool known = false;
    for (size_t h = 0; h < plan->search.horizon_count; h++)
        known = known || plan->search.horizons[h] == spec->horizon_tokens;
    if (!known || !lies_in_range(plan, spec))
        return false;
    *out = (struct proposal){.tokens = spec->horizon_tokens, .lr = spec->lr};
    for (int r = 0; r < RATIO_COUNT; r++)
        out->ratios[r] = campaign_ratio(plan, spec, (enum answer_ratio)r);
    for (out->seed = 0; out->seed < plan->search.seeds; out->seed++)
        for (out->cell = 0; out->cell < plan_cell_count(plan); out->cell++) {
            struct trial_spec own;
            if (plan_seed(plan, out->seed) != spec->seed)
                break;
            own = campaign_spec(campaign, out);
            if (trial_same(&own, spec))
                return true;
        }
    return false;
}

int campaign_adopt(const struct campaign *campaign, const struct foreign_trial *trials,
                   size_t count, struct next_events *next, struct lr_error *err)
{
    struct proposal proposal;
    size_t wanted = 0;
    int rc;
    next->count = 0;
    if (campaign->round > 1 || (campaign->round == 1 && round_is_planned(campaign)))
        return 0;
    for (size_t i = 0; i < count && wanted < POLICY_ROUND_MAX; i++)
        wanted += find_proposal(campaign, &trials[i].spec, &proposal);
    if (wanted == 0)
        return 0;
    if ((rc = next_events_begin(next, campaign, PURPOSE_SEARCH, wanted, err)))
        return rc;
    for (size_t i = 0; next->count <= wanted; i++) {
        if (!find_proposal(campaign, &trials[i].spec, &proposal))
            continue;
        struct event_planned *planned =
            next_events_add(next, campaign, proposal.cell, proposal.seed);
        planned->spec = trials[i].spec;
        planned->wsd_prefix_tokens = trials[i].wsd_prefix_tokens;
    }
    if ((rc = next_events_end(next, campaign, err)))
        next->count = 0;
    return rc;
}

/* ---- the end ---- */

/* Why the search plans no more trials. */
struct ending {
    const char *key; /* budget that is too small; NULL: the policy is finished */
    struct event_finished need;
    size_t left; /* planned trials that will not start */
};

/* Status and reason by the search's fit of the trials. */
static int judge_trials(const struct campaign *campaign, const struct interrupt *interrupt,
                        struct event_finished *end, struct lr_error *err)
{
    const struct plan *plan = &campaign->plan;
    struct answer *answer = lr_malloc(sizeof(*answer));
    if (!answer)
        return lr_nomem(err);
    int rc = campaign_search_answer(campaign, interrupt, plan->target.tokens,
                                    plan->model.parametrization, answer, NULL, err);
    if (rc)
        goto out;
    snprintf(end->status, sizeof(end->status), "%s", answer_status_name(answer->status));
    snprintf(end->reason, sizeof(end->reason), "%s", answer->reason);
out:
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

/* `confirmation`: the budget that the confirmation needs; all zero if it lacks none. */
static int fill_finished(const struct campaign *campaign, const struct interrupt *interrupt,
                         const struct ending *ending, const struct event_finished *confirmation,
                         struct next_events *next, struct lr_error *err)
{
    int rc = reserve_events(next, 1, err);
    if (rc)
        return rc;
    struct event_finished *end = &next->events[0].as.finished;
    next->events[0].kind = EVENT_FINISHED;
    *end = ending->key ? ending->need : *confirmation;
    if (ending->key)
        blame_budget(campaign, end, ending);
    else if ((rc = judge_trials(campaign, interrupt, end, err)))
        return rc;
    next->count = 1;
    return 0;
}

/* ---- the next round, or the end ---- */

/* A trial runs, or may start. */
static bool is_active(const struct campaign *campaign)
{
    for (uint32_t purpose = 0; purpose < TRIAL_PURPOSES; purpose++)
        if (count_waiting(campaign, purpose) > 0 && !campaign->time_over[purpose])
            return true;
    return count_running(campaign) > 0;
}

/* Plans the next round of the search, or the missing rest of one. No events: *ending has the
 * reason. */
static int plan_search(const struct campaign *campaign, const struct interrupt *interrupt,
                       struct next_events *next, struct ending *ending, struct lr_error *err)
{
    *ending = (struct ending){.left = count_waiting(campaign, PURPOSE_SEARCH)};
    if (round_is_planned(campaign) && ending->left > 0) { /* the time may be used up */
        ending->key = campaign_time_over(campaign, PURPOSE_SEARCH, &ending->need);
        if (ending->key)
            return 0;
    }
    size_t count;
    struct proposal *round = lr_calloc(POLICY_ROUND_MAX, sizeof(*round));
    if (!round)
        return lr_nomem(err);
    int rc = ask_policy(campaign, interrupt, round, &count, &ending->need, err);
    if (rc)
        goto out;
    if (count > 0 || !round_is_planned(campaign))
        rc = plan_round(campaign, round, count, next, err);
    else
        ending->key = campaign_budget_short(&campaign->plan, &ending->need);
out:
    lr_free(round);
    return rc;
}

static int conclude(const struct campaign *campaign, const struct interrupt *interrupt,
                    const struct ending *ending, struct next_events *next, struct lr_error *err)
{
    int rc;
    struct event_finished need = {0};
    if (campaign->plan.confirm.wanted && !campaign->confirmed) {
        rc = campaign_confirm(campaign, interrupt, next, &need, err);
        if (rc || next->count > 0)
            return rc;
    } else if (count_waiting(campaign, PURPOSE_CONFIRM) > 0) {
        campaign_time_over(campaign, PURPOSE_CONFIRM, &need);
    }
    return fill_finished(campaign, interrupt, ending, &need, next, err);
}

static int check_failures(const struct campaign *campaign, struct lr_error *err)
{
    if (campaign_failed_alike(campaign))
        return lr_fail(err, LR_EFAILURES,
                       "the first %u attempts failed in the same way; the last: %s. Fix the cause "
                       "and run the same command again to go on; if that changes the plan, with "
                       "--fork NAME",
                       campaign->first.count, campaign->last_failure);
    if (campaign->failures > campaign->plan.limits.max_failures)
        return lr_fail(err, LR_EFAILURES,
                       "%u attempts failed or were lost, limits.max_failures is %u; the last: %s. "
                       "Fix the cause, raise limits.max_failures and run the same command again "
                       "to go on",
                       campaign->failures, campaign->plan.limits.max_failures,
                       campaign->last_failure);
    if (campaign->stopped_by > 0)
        return lr_fail(
            err, LR_EFAILURES,
            "trial %u failed in %u attempt%s, and on_fail.then is stop: %s. Fix the cause "
            "and run the same command again: it is tried again",
            campaign->stopped_by, campaign->retries + 1, campaign->retries > 0 ? "s" : "",
            campaign->last_failure);
    return 0;
}

bool campaign_next_is_long(const struct campaign *campaign, const struct next_events *next)
{
    if (!campaign->opened || campaign->finished)
        return false;
    if (!round_is_planned(campaign) || !is_active(campaign))
        return true;
    return campaign_is_async(&campaign->plan) && next->unwanted_at != campaign->changes + 1 &&
           campaign->round_purpose != PURPOSE_CONFIRM && early_trials(campaign) > 0;
}

static int find_next(const struct campaign *campaign, const struct interrupt *interrupt,
                     struct next_events *next, struct lr_error *err)
{
    int rc;
    struct ending ending;
    struct event_finished need;
    if (!campaign->opened)
        return lr_fail(err, LR_EINVAL, "a campaign begins with a campaign event");
    if (campaign->finished)
        return 0;
    if ((rc = check_failures(campaign, err)))
        return rc;
    if (!campaign_next_is_long(campaign, next))
        return 0;
    if (!round_is_planned(campaign))
        return campaign->round_purpose == PURPOSE_CONFIRM
                   ? campaign_confirm(campaign, interrupt, next, &need, err)
                   : plan_search(campaign, interrupt, next, &ending, err);
    rc = plan_search(campaign, interrupt, next, &ending, err);
    if (rc || next->count > 0)
        return rc;
    if (!is_active(campaign))
        return conclude(campaign, interrupt, &ending, next, err);
    next->unwanted_at = campaign->changes + 1; /* the result of a running trial may change this */
    return 0;
}

int campaign_next(const struct campaign *campaign, const struct interrupt *interrupt,
                  struct next_events *next, struct lr_error *err)
{
    next->count = 0;
    int rc = find_next(campaign, interrupt, next, err);
    if (rc)
        next->count = 0;
    return rc;
}
