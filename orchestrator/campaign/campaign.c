/* Creates and destroys a campaign; read access to its state. */
#include "campaign/campaign.h"

#include <assert.h>
#include <math.h>
#include <string.h>
#include "campaign/campaign_space.h"
#include "campaign/campaign_state.h"
#include "lrsearch/memory.h"

int campaign_create(struct campaign **out, const struct plan *plan, struct lr_error *err)
{
    *out = NULL;
    if (!campaign_policy(plan))
        return lr_fail(err, LR_EINVAL, "search.policy: number %u is no policy",
                       plan->search.policy);
    struct campaign *campaign = lr_calloc(1, sizeof(*campaign));
    if (!campaign)
        return lr_nomem(err);
    campaign->plan = *plan;
    *out = campaign;
    return 0;
}

void campaign_destroy(struct campaign *campaign)
{
    if (!campaign)
        return;
    for (size_t i = 0; i < campaign->trial_count; i++)
        lr_free(campaign->trials[i]);
    lr_free(campaign->trials);
    lr_free(campaign->waiting);
    lr_free(campaign->data);
    lr_free(campaign->sessions);
    lr_free(campaign->cpus);
    lr_free(campaign);
}

const struct event_session *campaign_sessions(const struct campaign *campaign, size_t *count)
{
    *count = campaign->session_count;
    return campaign->sessions;
}

bool campaign_finished(const struct campaign *campaign)
{
    return campaign->finished;
}

bool campaign_is_complete(const struct campaign *campaign)
{
    return campaign->finished && campaign_open_trials(campaign) == 0;
}

size_t campaign_open_trials(const struct campaign *campaign)
{
    return count_waiting(campaign, PURPOSE_SEARCH) + count_waiting(campaign, PURPOSE_CONFIRM) +
           count_running(campaign);
}

uint32_t campaign_next_waiting(const struct campaign *campaign, uint32_t id)
{
    size_t bit = id > campaign->settled ? id : campaign->settled; /* of the trial after it */
    uint64_t mask = UINT64_MAX << bit % 64;
    for (size_t word = bit / 64; word * 64 < campaign->trial_count; word++, mask = UINT64_MAX)
        if (campaign->waiting[word] & mask)
            return (uint32_t)(word * 64) + 1 +
                   (uint32_t)__builtin_ctzll(campaign->waiting[word] & mask);
    return 0;
}

size_t campaign_trial_count(const struct campaign *campaign)
{
    return campaign->trial_count;
}

const struct trial *campaign_trial(const struct campaign *campaign, uint32_t id)
{
    return id >= 1 && id <= campaign->trial_count ? campaign->trials[id - 1] : NULL;
}

const struct trial *campaign_last_failed(const struct campaign *campaign, uint32_t *attempt)
{
    *attempt = campaign->failed_attempt;
    return campaign_trial(campaign, campaign->failed_trial);
}

static bool has_failed_on(const struct campaign *campaign, uint32_t rank)
{
    for (size_t i = 0; i < campaign->first.rank_count; i++)
        if (campaign->first.ranks[i] == rank)
            return true;
    return false;
}

bool campaign_failed_alike(const struct campaign *campaign)
{
    if (!first_attempts_failed(campaign))
        return false;
    for (size_t i = campaign->settled; i < campaign->trial_count; i++) {
        const struct trial *trial = campaign->trials[i];
        if (trial->state == TRIAL_RUNNING && !has_failed_on(campaign, trial->rank))
            return false; /* one worker with a fault ends no campaign of many */
    }
    return true;
}

uint32_t campaign_round(const struct campaign *campaign)
{
    return campaign->round;
}

double campaign_wall_s(const struct campaign *campaign)
{
    return campaign->wall_s;
}

uint64_t campaign_clock_ms(const struct campaign *campaign)
{
    return campaign->clock_ms;
}

uint32_t campaign_ranks(const struct campaign *campaign)
{
    return campaign->ranks;
}

size_t campaign_running(const struct campaign *campaign)
{
    return count_running(campaign);
}

uint32_t campaign_stopped_by(const struct campaign *campaign)
{
    return campaign->stopped_by;
}

const struct plan *campaign_plan(const struct campaign *campaign)
{
    return &campaign->plan;
}

const struct event_campaign *campaign_opening(const struct campaign *campaign)
{
    return &campaign->opening;
}

const struct event_data *campaign_data(const struct campaign *campaign, size_t cell)
{
    for (size_t i = 0; i < campaign->data_count; i++)
        if (campaign->data[i].cell == cell)
            return &campaign->data[i];
    return cell < plan_cell_count(&campaign->plan) ? &campaign->first_data : NULL;
}

void campaign_abandon(const struct campaign *campaign, uint32_t id, struct event *event)
{
    static const char why[] = "the coordinator stopped while it ran";
    const struct trial *trial = campaign_trial(campaign, id);
    assert(trial && trial->state == TRIAL_RUNNING);
    memset(event, 0, sizeof(*event));
    event->kind = EVENT_ENDED;
    event->as.ended.trial_id = id;
    event->as.ended.attempt = trial->attempt;
    event->as.ended.abandoned = 1;
    event->as.ended.at_s = campaign->wall_s;
    struct trial_result *result = &event->as.ended.result;
    result->outcome = OUTCOME_LOST;
    result->val_loss = result->val_loss_se = result->train_loss = NAN;
    result->tokens = trial->curve_tokens;
    result->begun_tokens = trial->curve_begun;
    result->flops =
        (double)(trial->curve_tokens - trial->curve_begun) * trial_flops_per_token(&trial->spec);
    memcpy(result->message, why, sizeof(why));
}
