/* Whether the next round fits into the budget. Tokens and trials are counted in full. Wall time is
 * only bounded from below, by the fastest trial seen: a guess from above would end campaigns that
 * had time enough. */
#include "campaign/campaign_state.h"

#include <math.h>

/* Seconds that a round takes at the very least, by the fastest trial seen so far. 0 when none was.
 */
static double least_seconds(const struct campaign *campaign, double round_flops,
                            double longest_flops)
{
    double pace = INFINITY; /* seconds per FLOP */
    for (size_t i = 0; i < campaign->trial_count; i++) {
        const struct trial *trial = campaign->trials[i];
        const struct trial_result *result = &trial->result;
        if (trial->state == TRIAL_DONE && result->seconds > 0 && result->flops > 0)
            pace = fmin(pace, result->seconds / result->flops);
    }
    if (!isfinite(pace))
        return 0;
    double workers = campaign->ranks > 1 ? campaign->ranks - 1 : 1;
    return pace * fmax(longest_flops, round_flops / workers);
}

static uint64_t tokens_running(const struct campaign *campaign)
{
    uint64_t tokens = 0;
    for (size_t i = 0; i < campaign->trial_count; i++)
        if (!trial_state_is_over(campaign->trials[i]->state))
            tokens += campaign_trial_tokens(&campaign->trials[i]->spec);
    return tokens;
}

/* The budget with which this round would fit. */
struct event_finished campaign_budget_need(const struct campaign *campaign,
                                           const struct proposal *round, size_t count)
{
    struct event_finished need = {0};
    double flops = 0, longest = 0;
    need.need_tokens = campaign_spent_tokens(campaign) + tokens_running(campaign);
    need.need_trials = campaign->trial_count + count;
    for (size_t i = 0; i < count; i++) {
        struct trial_spec spec = campaign_spec(campaign, &round[i]);
        uint64_t tokens = campaign_trial_tokens(&spec);
        double each = (double)tokens * trial_flops_per_token(&spec);
        need.need_tokens += tokens;
        flops += each;
        longest = fmax(longest, each);
    }
    need.need_wall_s = campaign->wall_s + least_seconds(campaign, flops, longest);
    return need;
}

const char *campaign_budget_short(const struct plan *plan, const struct event_finished *need)
{
    if (plan->budget.tokens && need->need_tokens > plan->budget.tokens)
        return "budget.tokens";
    if (plan->budget.trials && need->need_trials > plan->budget.trials)
        return "budget.trials";
    /* >= : used up is used up, also when nothing is known about the pace */
    if (plan->budget.wall_s > 0 && need->need_wall_s >= plan->budget.wall_s)
        return "budget.wall";
    return NULL;
}
