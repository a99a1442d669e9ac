/* From the campaign's trainings to the target's: in what they differ, for the rules that carry the
 * answer over (search/transfer.h). */
#include "campaign/campaign_state.h"
#include "search/laws/transfer.h"

static struct transfer_end end_of(const struct trial_spec *spec)
{
    return (struct transfer_end){
        .d_model = spec->d_model,
        .n_layers = spec->n_layers,
        .vocab = spec->vocab,
        .batch_tokens = spec->batch_tokens,
    };
}

static struct anneal trained(const struct plan *plan, double lr)
{
    double final_lr = plan->training.final_lr;
    if (plan->training.min_lr > 0 && lr > 0)
        final_lr = plan->training.min_lr < lr ? plan->training.min_lr / lr : 1;
    return (struct anneal){plan->training.schedule, plan->training.cooldown_shape,
                           plan->training.cooldown, final_lr};
}

static struct anneal wanted(const struct plan *plan, const struct trial_spec *target,
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

void campaign_transfer(const struct plan *plan, struct answer *answer)
{
    struct trial_spec trials = plan_trial(plan), target = plan_target(plan);
    struct transfer transfer = {
        .from = end_of(&trials),
        .to = end_of(&target),
        .parametrization = plan->model.parametrization,
        .depth_rule = plan->model.depth_rule,
        .measured = {[AXIS_WIDTH] = plan->axes.d_model.count > 1,
                     [AXIS_DEPTH] = plan->axes.n_layers.count > 1,
                     [AXIS_VOCAB] = plan->axes.vocab.count > 1,
                     [AXIS_BATCH] = plan->axes.batch_tokens.count > 1},
    };
    transfer.from.anneal = trained(plan, answer->target.lr);
    transfer.to.anneal = wanted(plan, &target, &transfer.from.anneal);
    transfer_apply(answer, &transfer);
}

void campaign_transfer_size(const struct campaign *campaign, struct answer *answer, double params)
{
    struct trial_spec target = plan_target(&campaign->plan);
    transfer_size(answer, (double)trial_params_hidden(&target), params);
}
