/* A campaign's life and what may be read of it. It owns copies of the plan and of every trial; only
 * campaign_apply() changes it. */
#include "campaign/campaign_state.h"

#include <math.h>
#include <string.h>
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
    lr_free(campaign->data);
    lr_free(campaign->sessions);
    lr_free(campaign->cpus);
    lr_free(campaign->events);
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

size_t campaign_trial_count(const struct campaign *campaign)
{
    return campaign->trial_count;
}

const struct trial *campaign_trial(const struct campaign *campaign, uint32_t id)
{
    return id >= 1 && id <= campaign->trial_count ? campaign->trials[id - 1] : NULL;
}

uint32_t campaign_round(const struct campaign *campaign)
{
    return campaign->round;
}

double campaign_wall_s(const struct campaign *campaign)
{
    return campaign->wall_s;
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

int campaign_abandon(const struct campaign *campaign, uint32_t id, struct event *event,
                     struct lr_error *err)
{
    const struct trial *trial = campaign_trial(campaign, id);
    if (!trial || trial->state != TRIAL_RUNNING)
        return lr_fail(err, LR_EINVAL, "trial %u: cannot be abandoned, it is not running", id);
    static const char why[] = "the coordinator stopped while it ran";
    memset(event, 0, sizeof(*event));
    event->kind = EVENT_ENDED;
    event->as.ended.trial_id = id;
    event->as.ended.attempt = trial->attempt;
    event->as.ended.abandoned = 1;
    struct trial_result *result = &event->as.ended.result;
    result->outcome = OUTCOME_LOST;
    result->val_loss = result->val_loss_se = result->train_loss = NAN;
    result->tokens = trial->curve_tokens;
    result->begun_tokens = trial->curve_begun;
    result->flops =
        (double)(trial->curve_tokens - trial->curve_begun) * trial_flops_per_token(&trial->spec);
    memcpy(result->message, why, sizeof(why));
    return 0;
}

uint64_t campaign_wsd_prefix(const struct campaign *campaign, const struct trial_spec *spec,
                             uint32_t cell)
{
    uint64_t most = 0,
             own = campaign->opening.shares_wsd_prefix ? trial_wsd_prefix_tokens(spec) : 0;
    for (size_t i = 0; i < campaign->trial_count && own > 0; i++) {
        const struct trial *trial = campaign->trials[i];
        uint64_t tokens = trial_wsd_prefix_tokens(&trial->spec);
        if (trial->state == TRIAL_DONE && trial->purpose == PURPOSE_SEARCH && trial->cell == cell &&
            trial->spec.lr == spec->lr && trial->spec.seed == spec->seed &&
            trial->spec.embedding_lr_ratio == spec->embedding_lr_ratio &&
            trial->spec.output_lr_ratio == spec->output_lr_ratio && tokens <= own && tokens > most)
            most = tokens;
    }
    return most;
}

void campaign_furnish(const struct campaign *campaign, struct trial_spec *spec,
                      const struct event_data *data)
{
    spec->data_hash = data->data_hash;
    if (data->val_tokens > 0)
        spec->val_tokens = data->val_tokens;
    spec->val_bytes = data->val_bytes;
    /* chosen for the shapes of cell 0: for others they are right all the same, if not the fastest
     */
    memcpy(spec->products, campaign->opening.products, sizeof(spec->products));
}

struct trial_spec campaign_spec(const struct campaign *campaign, const struct proposal *proposal)
{
    struct trial_spec spec = plan_cell(&campaign->plan, proposal->cell);
    spec.lr = proposal->lr;
    spec.embedding_lr_ratio = proposal->ratios[RATIO_EMBEDDING];
    spec.output_lr_ratio = proposal->ratios[RATIO_OUTPUT];
    spec.horizon_tokens = proposal->tokens;
    /* Replicate r has the same seed at every LR and horizon: the noise that trials share cancels
     * when they are compared. */
    spec.seed = plan_seed(&campaign->plan, proposal->seed);
    campaign_furnish(campaign, &spec, campaign_data(campaign, proposal->cell));
    return spec;
}

/* One cell has its ratios searched one after the other, each when the last is known; several have
 * them found together with the LR. */
bool campaign_is_async(const struct plan *plan)
{
    const double *embedding = plan->model.embedding_lr_ratio, *output = plan->model.output_lr_ratio;
    bool ratios = embedding[0] < embedding[1] || output[0] < output[1];
    bool in_turn = ratios && plan_cell_count(plan) == 1;
    return plan->search.mode == MODE_ASYNC && campaign_policy(plan)->while_running && !in_turn;
}

const struct policy *campaign_policy(const struct plan *plan)
{
    switch (plan->search.policy) {
    case POLICY_NARROW:
        return policy_find("narrow");
    case POLICY_GRID:
        return policy_find("grid");
    case POLICY_DESIGN:
        return policy_find("design");
    default:
        return NULL;
    }
}
