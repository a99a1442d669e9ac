/* The campaign's axes: the trainings that a plan with lists describes, one cell for each combination
 * of their values. */
#include "plan/plan.h"

static size_t values(const struct plan_axis *axis)
{
    return axis->count > 0 ? axis->count : 1; /* a plan that was not loaded, in a test */
}

size_t plan_cell_count(const struct plan *plan)
{
    return values(&plan->axes.d_model) * values(&plan->axes.n_layers) * values(&plan->axes.vocab) *
           values(&plan->axes.parametrization) * values(&plan->axes.batch_tokens);
}

/* The axis's value in this cell, `otherwise` without a list; *cell then counts the other axes. */
static uint32_t take(const struct plan_axis *axis, size_t *cell, uint32_t otherwise)
{
    size_t count = values(axis), index = *cell % count;
    *cell /= count;
    return axis->count > 1 ? axis->values[index] : otherwise;
}

static void set_batch(struct trial_spec *spec, const struct plan *plan, uint32_t batch_tokens)
{
    spec->batch_tokens = batch_tokens;
    if (!plan->training.warmup_tokens)
        spec->warmup_tokens = plan->training.warmup_steps * batch_tokens;
}

struct trial_spec plan_cell(const struct plan *plan, size_t cell)
{
    struct trial_spec spec = plan_trial(plan);
    uint32_t d_model = take(&plan->axes.d_model, &cell, spec.d_model);
    if (d_model != spec.d_model)
        trial_set_width(&spec, d_model, plan->model.heads_grow);
    spec.n_layers = take(&plan->axes.n_layers, &cell, spec.n_layers);
    spec.vocab = take(&plan->axes.vocab, &cell, spec.vocab);
    set_batch(&spec, plan, take(&plan->axes.batch_tokens, &cell, spec.batch_tokens));
    spec.parametrization = take(&plan->axes.parametrization, &cell, spec.parametrization);
    return spec;
}

struct trial_spec plan_target(const struct plan *plan)
{
    struct trial_spec spec = plan_trial(plan);
    if (plan->target.d_model && plan->target.d_model != spec.d_model)
        trial_set_width(&spec, plan->target.d_model, plan->model.heads_grow);
    spec.n_layers = plan->target.n_layers ? plan->target.n_layers : spec.n_layers;
    spec.vocab = plan->target.vocab ? plan->target.vocab : spec.vocab;
    if (plan->target.batch_tokens)
        set_batch(&spec, plan, plan->target.batch_tokens);
    spec.horizon_tokens = plan->target.tokens;
    return spec;
}
