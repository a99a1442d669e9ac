/* Whether trials fit into the budget. Tokens, FLOPs and trials are counted in full before a trial
 * starts. Time is estimated from below, by the fastest trial seen: an upper bound would end
 * campaigns that still have time. So time can run out during a round; then no waiting trial
 * starts. */
#include "campaign/campaign_budget.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "campaign/campaign_space.h"
#include "campaign/campaign_state.h"

/* The work of a trial: FLOPs, or tokens where FLOPs are not known. */
static double work_of(uint64_t tokens, double flops)
{
    return flops > 0 ? flops : (double)tokens;
}

void outlay_add(struct outlay *outlay, const struct trial_spec *spec, uint64_t wsd_prefix_tokens,
                uint64_t trials)
{
    uint64_t steps = trial_steps(spec); /* 0: the trainer has no steps */
    uint64_t end = steps ? steps * spec->batch_tokens : spec->horizon_tokens;
    uint64_t tokens = end - wsd_prefix_tokens;
    double flops = (double)tokens * trial_flops_per_token(spec), work = work_of(tokens, flops);
    outlay->trials += trials;
    outlay->tokens += trials * tokens;
    if (spec->trainer == TRAINER_TRANSFORMER) /* FLOPs of other trainers are unknown */
        outlay->flops += (double)trials * flops;
    outlay->work += (double)trials * work;
    outlay->longest = fmax(outlay->longest, work);
}

void campaign_note_pace(struct campaign *campaign, const struct trial_result *result)
{
    double work = work_of(result->tokens, result->flops), pace = result->seconds / work;
    if (result->seconds > 0 && work > 0 &&
        (campaign->least_pace == 0 || pace < campaign->least_pace))
        campaign->least_pace = pace;
}

static double core_hours(const struct campaign *campaign, double seconds)
{
    return seconds * campaign->plan.trainer.threads_per_worker / 3600;
}

void campaign_add_spent(struct spent *sum, const struct trial *trial)
{
    sum->tokens += trial->spent.tokens;
    sum->flops += trial->spent.flops;
    sum->seconds += trial->spent.seconds;
    sum->trials += !trial_is_taken_over(trial);
}

/* Over all attempts that ended, lost ones included. */
static struct event_finished spent(const struct campaign *campaign)
{
    struct spent sum = campaign->settled_spent;
    for (size_t i = campaign->settled; i < campaign->trial_count; i++)
        campaign_add_spent(&sum, campaign->trials[i]);
    return (struct event_finished){.need_tokens = sum.tokens,
                                   .need_flops = sum.flops,
                                   .need_trials = sum.trials,
                                   .need_core_hours = core_hours(campaign, sum.seconds),
                                   .need_wall_s = campaign->wall_s};
}

/* Trials that are planned and not over. A confirmation does not wait for search trials that were
 * left behind. */
static struct outlay planned(const struct campaign *campaign, uint32_t purpose)
{
    struct outlay sum = {0};
    for (size_t i = campaign->settled; i < campaign->trial_count; i++) {
        const struct trial *trial = campaign->trials[i];
        bool left = trial_state_is_waiting(trial->state) && trial->purpose != PURPOSE_CONFIRM &&
                    purpose == PURPOSE_CONFIRM;
        if (!trial_state_is_over(trial->state) && !left)
            outlay_add(&sum, &trial->spec, trial->wsd_prefix_tokens, 1);
    }
    return sum;
}

struct commitment campaign_committed(const struct campaign *campaign, uint32_t purpose)
{
    struct commitment committed = {.used = spent(campaign), .planned = planned(campaign, purpose)};
    committed.used.need_purpose = purpose;
    return committed;
}

struct event_finished campaign_budget_need(const struct campaign *campaign,
                                           const struct commitment *committed,
                                           const struct outlay *next)
{
    struct event_finished need = committed->used;
    const struct outlay *before = &committed->planned;
    double workers = campaign->ranks > 1 ? campaign->ranks - 1 : 1, pace = campaign->least_pace;
    need.need_trials += next->trials;
    need.need_tokens += before->tokens + next->tokens;
    need.need_flops += before->flops + next->flops;
    need.need_core_hours += core_hours(campaign, pace * (before->work + next->work));
    need.need_wall_s += pace * fmax(next->longest, next->work / workers);
    return need;
}

/* Usable share of each budget: the search leaves budget.reserve to a planned confirmation. */
static double budget_share(const struct plan *plan, uint32_t purpose)
{
    return plan->confirm.wanted && purpose == PURPOSE_SEARCH ? 1 - plan->budget.reserve : 1;
}

static double runs_of(const struct plan *plan, const struct event_finished *need)
{
    return plan_target_runs(plan, (double)need->need_tokens, need->need_flops);
}

/* `>=`: a time that is used up is too short even if the pace is unknown. */
static const char *time_short(const struct plan *plan, const struct event_finished *need)
{
    double share = budget_share(plan, need->need_purpose);
    if (plan->budget.core_hours > 0 && need->need_core_hours >= share * plan->budget.core_hours)
        return "budget.core_hours";
    if (plan->budget.wall_s > 0 && need->need_wall_s >= share * plan->budget.wall_s)
        return "budget.wall";
    return NULL;
}

const char *campaign_budget_short(const struct plan *plan, const struct event_finished *need)
{
    double share = budget_share(plan, need->need_purpose);
    if (plan->budget.tokens && (double)need->need_tokens > share * (double)plan->budget.tokens)
        return "budget.tokens";
    if (plan->budget.flops > 0 && need->need_flops > share * plan->budget.flops)
        return "budget.flops";
    if (plan->budget.trials && (double)need->need_trials > share * (double)plan->budget.trials)
        return "budget.trials";
    if (plan->budget.share_of_target > 0 &&
        runs_of(plan, need) > share * plan->budget.share_of_target)
        return "budget.share_of_target";
    return time_short(plan, need);
}

const char *campaign_time_over(const struct campaign *campaign, uint32_t purpose,
                               struct event_finished *need)
{
    struct event_finished used = {.need_purpose = purpose};
    const struct plan *plan = &campaign->plan;
    if (plan->budget.core_hours > 0 || plan->budget.wall_s > 0) {
        used = spent(campaign);
        used.need_purpose = purpose;
    }
    const char *key = time_short(plan, &used);
    if (key && need)
        *need = used;
    return key;
}

bool campaign_may_start(const struct campaign *campaign, uint32_t id)
{
    const struct trial *trial = campaign_trial(campaign, id);
    return trial && round_is_planned(campaign) && trial_state_is_waiting(trial->state) &&
           !campaign->time_over[trial->purpose];
}

void campaign_budget_text(const struct campaign *campaign, const char *key, uint32_t purpose,
                          char *out, size_t capacity)
{
    const struct plan *plan = &campaign->plan;
    struct event_finished used = spent(campaign);
    double kept = 1 - budget_share(plan, purpose);
    char reserve[64] = "";
    if (kept > 0)
        snprintf(reserve, sizeof(reserve), ", and %.0f %% are kept back for confirm", 100 * kept);
    if (strcmp(key, "budget.tokens") == 0)
        snprintf(out, capacity, "%" PRIu64 " of %" PRIu64 " tokens are used%s", used.need_tokens,
                 plan->budget.tokens, reserve);
    else if (strcmp(key, "budget.flops") == 0)
        snprintf(out, capacity, "%.3g of %.3g FLOPs are used%s", used.need_flops,
                 plan->budget.flops, reserve);
    else if (strcmp(key, "budget.trials") == 0)
        snprintf(out, capacity, "%" PRIu64 " of %" PRIu64 " trials are used%s", used.need_trials,
                 plan->budget.trials, reserve);
    else if (strcmp(key, "budget.share_of_target") == 0)
        snprintf(out, capacity, "%.3g of %.3g target runs are used%s", runs_of(plan, &used),
                 plan->budget.share_of_target, reserve);
    else if (strcmp(key, "budget.core_hours") == 0)
        snprintf(out, capacity, "%.3g of %.3g core-hours are used%s", used.need_core_hours,
                 plan->budget.core_hours, reserve);
    else
        snprintf(out, capacity, "%.0f of %.0f s are used%s", used.need_wall_s, plan->budget.wall_s,
                 reserve);
}

struct campaign_spent campaign_spent(const struct campaign *campaign)
{
    struct event_finished used = spent(campaign);
    return (struct campaign_spent){used.need_tokens, used.need_trials, used.need_flops,
                                   used.need_core_hours, used.need_wall_s};
}

void campaign_remaining(const struct campaign *campaign, uint64_t *trials, uint64_t *tokens)
{
    struct campaign_space asked;
    campaign_space_fill(&asked, &campaign->plan);
    struct forecast_stage stages[64];
    *trials = *tokens = 0;
    if (campaign->finished)
        return;
    size_t count = search_forecast(campaign_policy(&campaign->plan), &asked.space, stages,
                                   sizeof(stages) / sizeof(stages[0]));
    for (size_t h = 0; h < campaign->plan.search.horizon_count; h++) {
        uint64_t horizon = campaign->plan.search.horizons[h], expected = 0;
        for (size_t i = 0; i < count; i++)
            expected += stages[i].tokens == horizon ? stages[i].trials : 0;
        uint64_t more = expected > campaign->planned[h] ? expected - campaign->planned[h] : 0;
        *trials += more;
        *tokens += more * horizon;
    }
    for (size_t i = campaign->settled; i < campaign->trial_count; i++) {
        const struct trial *trial = campaign->trials[i];
        bool open = !trial_state_is_over(trial->state);
        *trials += open;
        *tokens += open ? trial->spec.horizon_tokens : 0;
    }
}
