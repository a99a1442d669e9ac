/* The answer so far: what the trials show (search/), and what they cost. */
#include "campaign/campaign_state.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "search/search_answer.h"

uint64_t campaign_trial_tokens(const struct trial_spec *spec)
{
    uint64_t steps = trial_steps(spec);
    return (steps ? steps * spec->batch_tokens : spec->horizon_tokens);
}

int campaign_observe(const struct campaign *campaign, bool running, struct observation **seen,
                     size_t *count, struct lr_error *err)
{
    *count = 0;
    *seen = lr_calloc(campaign->trial_count + 1, sizeof(**seen));
    if (!*seen)
        return lr_nomem(err);
    /* of a round that is planned in part nothing runs yet: it will be asked for again */
    size_t planned = round_is_planned(campaign) ? 0 : campaign->round_planned;
    for (size_t i = 0; i < campaign->trial_count - planned; i++) {
        const struct trial *trial = campaign->trials[i];
        if (trial->purpose != PURPOSE_SEARCH || (!running && !trial_state_is_over(trial->state)))
            continue;
        struct observation *o = &(*seen)[(*count)++];
        o->tokens = trial->spec.horizon_tokens;
        o->lr = trial->spec.lr;
        o->seed = trial->replicate;
        o->cell = trial->cell;
        o->ratios[RATIO_EMBEDDING] = trial->spec.embedding_lr_ratio;
        o->ratios[RATIO_OUTPUT] = trial->spec.output_lr_ratio;
        o->kind = trial->state == TRIAL_DONE          ? OBSERVED_LOSS
                  : trial->state == TRIAL_DIVERGED    ? OBSERVED_DIVERGED
                  : trial_state_is_over(trial->state) ? OBSERVED_NOTHING
                                                      : OBSERVED_RUNNING;
        o->loss = trial->state == TRIAL_DONE ? trial->result.val_loss : NAN;
    }
    return 0;
}

/* What the trial's result takes by itself, whatever its attempts took. */
static uint64_t result_tokens(const struct trial *trial)
{
    uint64_t begun = trial->wsd_prefix_tokens, end = trial->result.tokens;
    return trial->state != TRIAL_FAILED && end > begun ? end - begun : 0;
}

static void add_trial(struct answer_cost *cost, const struct trial *trial)
{
    bool over = trial_state_is_over(trial->state), good = over && trial->state != TRIAL_FAILED;
    uint64_t spent = trial->spent.tokens, tokens = over ? result_tokens(trial) : spent;
    cost->trials += over;
    cost->tokens += tokens;
    if (trial->spec.trainer == TRAINER_TRANSFORMER) /* the others do not multiply */
        cost->flops += (double)tokens * trial_flops_per_token(&trial->spec);
    cost->lost_attempts += trial->spent.attempts - good;
    cost->lost_tokens += spent > tokens ? spent - tokens : 0;
    if (good && trial->rank == 0) /* rank 0 trains nothing: it was taken over */
        cost->reused_tokens += tokens;
}

struct answer_cost campaign_cost(const struct campaign *campaign)
{
    struct answer_cost cost = {0};
    uint32_t threads = campaign->plan.trainer.threads_per_worker; /* cores of a worker */
    for (size_t i = 0; i < campaign->trial_count; i++) {
        add_trial(&cost, campaign->trials[i]);
        cost.core_seconds += campaign->trials[i]->spent.seconds * threads;
    }
    struct trial_spec target = plan_target(&campaign->plan);
    double target_flops = (double)campaign->plan.target.tokens * trial_flops_per_token(&target);
    if (cost.flops > 0 && target_flops > 0)
        cost.target_run_fraction = cost.flops / target_flops;
    else /* nothing was trained, or not by us: tokens are what is known */
        cost.target_run_fraction = (double)cost.tokens / (double)campaign->plan.target.tokens;
    return cost;
}

static double target_embedding_lr(const struct plan *plan, const struct answer *answer)
{
    if (plan->model.d_model == 0)
        return NAN;
    bool own = answer->cell_count > 0 && answer->target.ratio[RATIO_EMBEDDING] > 0;
    double at_base = answer->target.lr * (own ? answer->target.ratio[RATIO_EMBEDDING]
                                              : answer->ratios[RATIO_EMBEDDING].value);
    if (plan->model.parametrization != PARAM_LVP)
        return at_base;
    /* Hayou and Liu 2025: with a vocabulary far larger than the width, d^-1/2. */
    return at_base / sqrt((double)plan->target.d_model / plan->model.base_width);
}

static void describe_target(struct target_answer *target, const struct plan *plan)
{
    struct trial_spec spec = plan_target(plan);
    target->width = spec.d_model;
    target->n_layers = spec.n_layers;
    target->vocab = spec.vocab;
    target->batch_tokens = spec.batch_tokens;
    target->schedule = spec.schedule;
    target->parametrization = spec.parametrization;
}

/* What the search knows as numbers only. */
static void describe_cells(struct answer *answer, const struct plan *plan)
{
    for (size_t i = 0; i < answer->cell_count && i < ANSWER_CELLS; i++) {
        struct cell_answer *cell = &answer->cells[i];
        struct trial_spec spec = plan_cell(plan, i);
        cell->d_model = spec.d_model;
        cell->n_layers = spec.n_layers;
        cell->vocab = spec.vocab;
        cell->batch_tokens = spec.batch_tokens;
        cell->parametrization = spec.parametrization;
        cell->params = spec.d_model && spec.n_layers ? trial_params_hidden(&spec) : 0;
    }
}

static bool answer_is(const struct campaign *campaign, enum answer_status status)
{
    return strcmp(campaign->end.status, answer_status_name(status)) == 0;
}

static void set_status(const struct campaign *campaign, struct answer *answer)
{
    if (campaign->finished) {
        if (answer->status == ANSWER_NOT_IDENTIFIED && answer_is(campaign, ANSWER_IDENTIFIED))
            return; /* the losses do, but the target lies too far from them (search/transfer.h) */
        const enum answer_status ends[] = {ANSWER_IDENTIFIED, ANSWER_NOT_IDENTIFIED,
                                           ANSWER_BUDGET_EXHAUSTED};
        for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
            if (answer_is(campaign, ends[i]))
                answer->status = ends[i];
        snprintf(answer->reason, sizeof(answer->reason), "%s", campaign->end.reason);
        return;
    }
    size_t open = 0;
    for (size_t i = 0; i < campaign->trial_count; i++)
        open += !trial_state_is_over(campaign->trials[i]->state);
    answer->status = ANSWER_INTERRUPTED;
    if (campaign->failures > campaign->plan.limits.max_failures) {
        snprintf(answer->reason, sizeof(answer->reason), "too many failed trials; the last: %.280s",
                 campaign->last_failure);
        return;
    }
    if (campaign->stopped_by > 0) {
        snprintf(answer->reason, sizeof(answer->reason), "a trial failed for good: %.280s",
                 campaign->last_failure);
        return;
    }
    if (campaign->round == 0) {
        snprintf(answer->reason, sizeof(answer->reason), "stopped before the first round");
        return;
    }
    snprintf(
        answer->reason, sizeof(answer->reason),
        "stopped in round %u with %zu of its trials to go; run the same command again to go on",
        campaign->round, open);
}

int campaign_fit_for(const struct campaign *campaign, uint64_t tokens, uint32_t parametrization,
                     struct answer *answer, struct lr_error *err)
{
    struct campaign_space asked;
    struct observation *seen = NULL;
    size_t count = 0;
    struct plan *plan = lr_malloc(sizeof(*plan));
    int rc = plan ? campaign_observe(campaign, false, &seen, &count, err) : lr_nomem(err);
    if (!rc) {
        *plan = campaign->plan;
        plan->target.tokens = tokens;
        plan->model.parametrization = parametrization;
        campaign_ask(&asked, campaign, plan);
        rc = search_answer(answer, &asked.space, seen, count, err);
    }
    if (!rc) {
        describe_target(&answer->target, plan);
        describe_cells(answer, plan);
        answer->target.embedding_lr = target_embedding_lr(plan, answer);
        campaign_transfer(plan, answer);
    }
    lr_free(plan);
    lr_free(seen);
    return rc;
}

int campaign_fit(const struct campaign *campaign, struct answer *answer, struct lr_error *err)
{
    const struct plan *plan = &campaign->plan;
    int rc =
        campaign_fit_for(campaign, plan->target.tokens, plan->model.parametrization, answer, err);
    if (rc)
        return rc;
    answer->cost = campaign_cost(campaign);
    campaign_doubts(campaign, answer);
    return campaign_confirm_answer(campaign, answer, err);
}

int campaign_answer(const struct campaign *campaign, struct answer *answer, struct lr_error *err)
{
    int rc = campaign_fit(campaign, answer, err);
    bool fitted = rc != LR_ECANCELED;
    if (!fitted && !campaign->finished) { /* what was spent is known all the same */
        describe_target(&answer->target, &campaign->plan);
        answer->cost = campaign_cost(campaign);
        if (err)
            memset(err, 0, sizeof(*err));
        rc = 0;
    }
    if (!rc)
        set_status(campaign, answer);
    if (!rc && !fitted) {
        size_t used = strlen(answer->reason);
        snprintf(answer->reason + used, sizeof(answer->reason) - used,
                 "; the losses are not fitted yet, lrsearch fit RUN_DIR does it");
    }
    return rc;
}

void campaign_remaining(const struct campaign *campaign, uint64_t *trials, uint64_t *tokens)
{
    struct campaign_space asked;
    campaign_space_fill(&asked, &campaign->plan);
    struct forecast_stage stages[64];
    *trials = *tokens = 0;
    if (campaign->finished)
        return;
    int count = search_forecast(campaign_policy(&campaign->plan), &asked.space, stages,
                                sizeof(stages) / sizeof(stages[0]));
    for (size_t h = 0; h < asked.space.horizon_count; h++) {
        uint64_t horizon = asked.space.horizons[h], expected = 0, planned = 0, over = 0;
        for (int i = 0; i < count; i++)
            expected += stages[i].tokens == horizon ? stages[i].trials : 0;
        for (size_t i = 0; i < campaign->trial_count; i++) {
            const struct trial *trial = campaign->trials[i];
            if (trial->purpose != PURPOSE_SEARCH)
                continue;
            planned += trial->spec.horizon_tokens == horizon;
            over += trial->spec.horizon_tokens == horizon && trial_state_is_over(trial->state);
        }
        uint64_t left = (expected > planned ? expected : planned) - over;
        *trials += left;
        *tokens += left * horizon;
    }
    for (size_t i = 0; i < campaign->trial_count; i++) {
        const struct trial *trial = campaign->trials[i];
        bool left = trial->purpose == PURPOSE_CONFIRM && !trial_state_is_over(trial->state);
        *trials += left;
        *tokens += left ? trial->spec.horizon_tokens : 0;
    }
}
