/* The answer so far: the search's fit of the trials, their cost, and the transfer to the target
 * wherever it differs from the trials (search/laws/transfer.h). */
#include "campaign/campaign_answer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "campaign/campaign_confirm.h"
#include "campaign/campaign_state.h"
#include "campaign/campaign_warnings.h"
#include "lrsearch/memory.h"
#include "search/laws/transfer.h"

/* ---- cost ---- */

/* Tokens that the result itself needs (0 if the trial failed), whatever its attempts cost. */
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
    if (trial->spec.trainer == TRAINER_TRANSFORMER) /* FLOPs of other trainers are unknown */
        cost->flops += (double)tokens * trial_flops_per_token(&trial->spec);
    cost->lost_attempts += trial->spent.attempts - good;
    cost->lost_tokens += spent > tokens ? spent - tokens : 0;
    if (trial_is_taken_over(trial))
        cost->reused_tokens += tokens;
}

/* Summed in the order of ids, so that the last bits do not depend on the order in which trials
 * ended. */
static struct answer_cost cost_of(const struct campaign *campaign)
{
    struct answer_cost cost = {0};
    uint32_t threads = campaign->plan.trainer.threads_per_worker; /* cores of a worker */
    for (size_t i = 0; i < campaign->trial_count; i++) {
        add_trial(&cost, campaign->trials[i]);
        cost.core_seconds += campaign->trials[i]->spent.seconds * threads;
    }
    cost.target_run_fraction = plan_target_runs(&campaign->plan, (double)cost.tokens, cost.flops);
    return cost;
}

/* ---- the target and the cells ---- */

static double target_embedding_lr(const struct plan *plan, uint32_t parametrization,
                                  const struct answer *answer)
{
    if (plan->model.d_model == 0)
        return NAN;
    bool own = answer->cell_count > 0 && answer->target.ratio[RATIO_EMBEDDING] > 0;
    double at_base = answer->target.lr * (own ? answer->target.ratio[RATIO_EMBEDDING]
                                              : answer->ratios[RATIO_EMBEDDING].value);
    double wider = (double)plan->target.d_model / plan->model.base_width;
    at_base *= pow(wider, plan_target_with(plan, parametrization).embedding_lr_shift);
    if (parametrization != PARAM_LVP)
        return at_base;
    /* Hayou and Liu 2025: with a vocabulary far larger than the width, d^-1/2. */
    return at_base / sqrt(wider);
}

/* As in the plan. */
static double target_weight_decay(const struct plan *plan, const struct answer *answer)
{
    const struct ratio_answer *decay = &answer->ratios[RATIO_DECAY];
    bool known = decay->searched || plan->axes.weight_decay.count > 1 ||
                 plan->trainer.kind == TRAINER_TRANSFORMER;
    return known ? decay->value : NAN;
}

static void describe_target(struct target_answer *target, const struct plan *plan,
                            uint32_t parametrization)
{
    struct trial_spec spec = plan_target_with(plan, parametrization);
    target->width = spec.d_model;
    target->n_layers = spec.n_layers;
    target->vocab = spec.vocab;
    target->batch_tokens = spec.batch_tokens;
    target->schedule = spec.schedule;
    target->parametrization = spec.parametrization;
}

/* Adds the model of each cell, which the search knows by number only. */
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
        if (plan->axes.weight_decay.count > 1)
            cell->weight_decay = spec.weight_decay;
        cell->params = spec.d_model && spec.n_layers ? trial_params_hidden(&spec) : 0;
    }
}

/* ---- from the trials to the target ---- */

static struct transfer_end end_of(const struct trial_spec *spec)
{
    return (struct transfer_end){
        .d_model = spec->d_model,
        .n_layers = spec->n_layers,
        .vocab = spec->vocab,
        .batch_tokens = spec->batch_tokens,
    };
}

static struct anneal trials_anneal(const struct plan *plan, double lr)
{
    double final_lr = plan->training.final_lr;
    if (plan->training.min_lr > 0 && lr > 0)
        final_lr = plan->training.min_lr < lr ? plan->training.min_lr / lr : 1;
    return (struct anneal){plan->training.schedule, plan->training.cooldown_shape,
                           plan->training.cooldown, final_lr};
}

static struct anneal target_anneal(const struct plan *plan, const struct trial_spec *target,
                                   const struct anneal *trials)
{
    struct anneal anneal = *trials;
    if (target->schedule != trials->kind) {
        anneal.kind = target->schedule;
        anneal.final_lr = plan->training.min_lr > 0 ? trials->final_lr : target->final_lr;
    }
    if (plan->target.cooldown > 0)
        anneal.cooldown = plan->target.cooldown;
    return anneal;
}

/* Transfers the answer to the target along every axis that the trials did not vary, and lists the
 * steps. */
static void transfer_to_target(const struct plan *plan, uint32_t parametrization,
                               struct answer *answer)
{
    struct trial_spec trials = plan_trial(plan), target = plan_target(plan);
    struct transfer transfer = {
        .from = end_of(&trials),
        .to = end_of(&target),
        .parametrization = parametrization,
        .depth_rule = plan->model.depth_rule,
        .measured = {[AXIS_WIDTH] = plan->axes.d_model.count > 1,
                     [AXIS_DEPTH] = plan->axes.n_layers.count > 1,
                     [AXIS_VOCAB] = plan->axes.vocab.count > 1,
                     [AXIS_BATCH] = plan->axes.batch_tokens.count > 1,
                     [AXIS_DECAY] = plan->axes.weight_decay.count > 1},
    };
    transfer.from.anneal = trials_anneal(plan, answer->target.lr);
    transfer.to.anneal = target_anneal(plan, &target, &transfer.from.anneal);
    transfer_apply(answer, &transfer);
}

void campaign_transfer_size(const struct campaign *campaign, struct answer *answer, double params)
{
    struct trial_spec target = plan_target(&campaign->plan);
    transfer_size(answer, (double)trial_params_hidden(&target), params);
}

/* ---- the status ---- */

static bool ended_as(const struct campaign *campaign, enum answer_status status)
{
    return strcmp(campaign->end.status, answer_status_name(status)) == 0;
}

static void set_status(const struct campaign *campaign, struct answer *answer)
{
    if (campaign->finished) {
        if (answer->status == ANSWER_NOT_IDENTIFIED && ended_as(campaign, ANSWER_IDENTIFIED))
            return; /* the target is too far from the trials */
        const enum answer_status ends[] = {ANSWER_IDENTIFIED, ANSWER_NOT_IDENTIFIED,
                                           ANSWER_BUDGET_EXHAUSTED};
        for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
            if (ended_as(campaign, ends[i]))
                answer->status = ends[i];
        snprintf(answer->reason, sizeof(answer->reason), "%s", campaign->end.reason);
        if (answer->status == ANSWER_BUDGET_EXHAUSTED) /* the reason says what to do */
            answer->advice.kind = ADVICE_NONE;
        return;
    }
    answer->status = ANSWER_INTERRUPTED;
    if (campaign_failed_alike(campaign)) {
        snprintf(answer->reason, sizeof(answer->reason),
                 "the first attempts failed in the same way; the last: %.250s",
                 campaign->last_failure);
        return;
    }
    if (campaign->failures > campaign->plan.limits.max_failures) {
        snprintf(answer->reason, sizeof(answer->reason), "too many failed trials; the last: %.280s",
                 campaign->last_failure);
        return;
    }
    if (campaign->stopped_by > 0) {
        snprintf(answer->reason, sizeof(answer->reason), "a trial failed after all retries: %.280s",
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
        campaign->round, campaign_open_trials(campaign));
}

/* Why no more trials are asked for: the policy says it, or the search knows. */
static void describe_end(const struct campaign *campaign, struct answer *answer)
{
    const char *ended = campaign_policy(&campaign->plan)->ended;
    if (!campaign_finished(campaign) || ended_as(campaign, ANSWER_BUDGET_EXHAUSTED))
        memset(answer->stopped, 0, sizeof(answer->stopped));
    else if (ended)
        snprintf(answer->stopped, sizeof(answer->stopped), "%s", ended);
}

/* ---- the whole ---- */

/* Transfers the target's curve as the answer's target was: `from` is the target before. */
static void transfer_curve(struct loss_curves *curves, const struct target_answer *from,
                           const struct target_answer *to)
{
    double half[2];
    for (int i = 0; i < 2; i++) { /* errors add in squares */
        double before = log2(from->ci90[i] / from->lr), after = log2(to->ci90[i] / to->lr);
        half[i] = sqrt(fmax(after * after - before * before, 0));
    }
    double octaves = log2(to->lr / from->lr), reach = (half[0] + half[1]) / 2;
    if (fabs(octaves) > 0 || reach > 0)
        loss_curves_transfer(curves, octaves, reach);
}

/* curves: NULL: not asked for; *curves is NULL after an error. */
static int fit_target(const struct campaign *campaign, const struct interrupt *interrupt,
                      uint64_t tokens, uint32_t parametrization, struct answer *answer,
                      struct loss_curves **curves, struct lr_error *err)
{
    const struct plan *plan = &campaign->plan;
    int rc =
        campaign_search_answer(campaign, interrupt, tokens, parametrization, answer, curves, err);
    if (rc)
        return rc;
    struct target_answer searched = answer->target;
    describe_end(campaign, answer);
    describe_target(&answer->target, plan, parametrization);
    describe_cells(answer, plan);
    answer->target.embedding_lr = target_embedding_lr(plan, parametrization, answer);
    answer->target.weight_decay = target_weight_decay(plan, answer);
    transfer_to_target(plan, parametrization, answer);
    if (curves && *curves)
        transfer_curve(*curves, &searched, &answer->target);
    return 0;
}

int campaign_fit_for(const struct campaign *campaign, const struct interrupt *interrupt,
                     uint64_t tokens, uint32_t parametrization, struct answer *answer,
                     struct lr_error *err)
{
    return fit_target(campaign, interrupt, tokens, parametrization, answer, NULL, err);
}

static int fit(const struct campaign *campaign, const struct interrupt *interrupt,
               struct answer *answer, struct loss_curves **curves, struct lr_error *err)
{
    const struct plan *plan = &campaign->plan;
    int rc = fit_target(campaign, interrupt, plan->target.tokens, plan->model.parametrization,
                        answer, curves, err);
    if (rc)
        return rc;
    answer->cost = cost_of(campaign);
    campaign_warn(campaign, answer);
    return campaign_confirm_answer(campaign, interrupt, answer, err);
}

int campaign_fit(const struct campaign *campaign, struct answer *answer, struct lr_error *err)
{
    return fit(campaign, NULL, answer, NULL, err);
}

int campaign_answer(const struct campaign *campaign, struct answer *answer, struct lr_error *err)
{
    return campaign_answer_until(campaign, NULL, answer, err);
}

/* curves: NULL: not asked for. */
static int answer_until(const struct campaign *campaign, const struct interrupt *interrupt,
                        struct answer *answer, struct loss_curves **curves, struct lr_error *err)
{
    int rc = fit(campaign, interrupt, answer, curves, err);
    if (rc && curves) {
        loss_curves_destroy(*curves);
        *curves = NULL;
    }
    if (rc == LR_ECANCELED && !campaign->finished) { /* the cost is known without a fit */
        describe_target(&answer->target, &campaign->plan, campaign->plan.model.parametrization);
        answer->cost = cost_of(campaign);
        if (err)
            memset(err, 0, sizeof(*err));
        set_status(campaign, answer);
        size_t used = strlen(answer->reason);
        snprintf(answer->reason + used, sizeof(answer->reason) - used,
                 "; the losses are not fitted yet, lrsearch fit RUN_DIR does it");
        return 0;
    }
    if (rc)
        return rc;
    set_status(campaign, answer);
    return 0;
}

int campaign_answer_until(const struct campaign *campaign, const struct interrupt *interrupt,
                          struct answer *answer, struct lr_error *err)
{
    return answer_until(campaign, interrupt, answer, NULL, err);
}

int campaign_answer_curves(const struct campaign *campaign, const struct interrupt *interrupt,
                           struct answer *answer, struct loss_curves **curves, struct lr_error *err)
{
    *curves = NULL;
    return answer_until(campaign, interrupt, answer, curves, err);
}
