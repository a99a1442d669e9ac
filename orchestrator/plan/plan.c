/* plan_trial(): the trial that a plan describes. plan_beta_prior(): what is assumed of its law. */
#include "plan/plan.h"

#include <math.h>
#include <string.h>
#include "search/laws/prior_beta.h"

static double middle(const double range[2])
{
    return range[0] < range[1] ? sqrt(range[0] * range[1]) : range[0];
}

static void fill_model(struct trial_spec *spec, const struct plan *plan)
{
    spec->arch = plan->model.arch;
    spec->d_model = plan->model.d_model;
    spec->n_layers = plan->model.n_layers;
    spec->n_heads = plan->model.n_heads;
    spec->context = plan->model.context;
    spec->vocab = plan->model.vocab;
    spec->d_ff = plan->model.d_ff;
    spec->tied_output = plan->model.tied_output;
    spec->qk_norm = plan->model.qk_norm;
    spec->z_loss = plan->model.z_loss;
    spec->parametrization = plan->model.parametrization;
    spec->base_width = plan->model.base_width;
    spec->base_head_size = plan->model.base_head_size;
    spec->depth_rule = plan->model.depth_rule;
    spec->base_layers = plan->model.base_layers;
    spec->embedding_lr_ratio = middle(plan->model.embedding_lr_ratio);
    spec->output_lr_ratio = middle(plan->model.output_lr_ratio);
    spec->vector_lr_ratio = middle(plan->model.vector_lr_ratio);
}

static void fill_training(struct trial_spec *spec, const struct plan *plan)
{
    spec->batch_tokens = plan->training.batch_tokens;
    spec->schedule = plan->training.schedule;
    spec->warmup = plan->training.warmup;
    spec->warmup_tokens = plan->training.warmup_tokens
                              ? plan->training.warmup_tokens
                              : plan->training.warmup_steps * plan->training.batch_tokens;
    spec->final_lr = plan->training.final_lr;
    spec->min_lr = plan->training.min_lr;
    spec->cooldown = plan->training.cooldown;
    spec->cooldown_shape = plan->training.cooldown_shape;
    spec->optimizer = plan->training.optimizer;
    if (spec->optimizer == OPTIMIZER_MUON) {
        spec->muon_lr_scale = plan->training.muon_lr_scale;
        spec->muon_momentum = plan->training.muon_momentum;
    }
    spec->weight_decay = plan->training.weight_decay;
    spec->independent_decay = plan->training.independent_decay;
    spec->beta1 = plan->training.beta1;
    spec->beta2 = plan->training.beta2;
    spec->adam_eps = plan->training.adam_eps;
    spec->clip = plan->training.clip;
    spec->precision = plan->training.precision;
}

bool plan_by_srun(const struct plan *plan)
{
    return plan->trainer.launcher_count > 0 && strcmp(plan->trainer.launcher[0], "srun") == 0;
}

uint32_t plan_cpus_per_trial(const struct plan *plan)
{
    uint32_t cpus = plan->trainer.cpus_per_trial;
    return cpus > 0 ? cpus : plan->trainer.threads_per_worker * plan->trainer.nodes_per_trial;
}

const char *plan_column(const struct plan *plan, const char *column)
{
    for (size_t i = 0; i < plan->trainer.column_count; i++)
        if (strcmp(plan->trainer.columns[i].key, column) == 0)
            return plan->trainer.columns[i].value;
    return NULL;
}

const char *plan_report(const struct plan *plan, const char *key)
{
    for (size_t i = 0; i < plan->trainer.report_count; i++)
        if (strcmp(plan->trainer.report[i].key, key) == 0)
            return plan->trainer.report[i].value;
    return NULL;
}

struct trial_spec plan_trial(const struct plan *plan)
{
    struct trial_spec spec;
    memset(&spec, 0, sizeof(spec)); /* padding too: specs are hashed and compared */
    spec.trainer = plan->trainer.kind;
    if (spec.trainer == TRAINER_SIMULATE)
        spec.simulate = plan->surface;
    fill_model(&spec, plan);
    fill_training(&spec, plan);
    spec.embedding_lr_shift = plan_embedding_shift(&spec, plan->model.embedding_lr_exponent);
    spec.source = plan->data.source;
    /* upper bound until the text is tokenized: a token has at least one byte */
    spec.val_tokens = plan->data.val_bytes ? plan->data.val_bytes : plan->data.val_tokens;
    spec.repeat = plan->data.repeat ? 1 : 0;
    spec.zipf_exponent = plan->data.zipf_exponent;
    spec.markov_weight = plan->data.markov_weight;
    spec.markov_order = plan->data.markov_order;
    return spec;
}

static uint32_t smallest_batch(const struct plan *plan)
{
    uint32_t least = plan->training.batch_tokens;
    for (size_t i = 1; i < plan->axes.batch_tokens.count; i++)
        if (plan->axes.batch_tokens.values[i] < least)
            least = plan->axes.batch_tokens.values[i];
    return least;
}

/* BETA_OTHER: not known. The rows of a table are of one optimizer, which a condition names where
 * there are others. */
static enum beta_optimizer beta_optimizer(const struct plan *plan)
{
    const char *column = plan_column(plan, "optimizer");
    if (plan->training.optimizer_known)
        return beta_optimizer_of(optimizer_name(plan->training.optimizer));
    for (size_t i = 0; i < plan->trainer.where_count; i++)
        if (strcmp(plan->trainer.where[i].key, column ? column : "optimizer") == 0)
            return beta_optimizer_of(plan->trainer.where[i].value);
    return BETA_OTHER;
}

void plan_beta_prior(const struct plan *plan, struct beta_prior *prior)
{
    const struct beta_setting setting = {
        .optimizer = beta_optimizer(plan),
        .batch_tokens = {smallest_batch(plan), plan_largest_batch(plan)},
        .shortest = plan->search.horizons[0],
        .target = plan->target.tokens,
    };
    *prior = beta_prior_of(&setting);
}
