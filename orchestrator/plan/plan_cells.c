/* The campaign's axes: a plan with lists describes one cell for each combination of their values.
 * Other keys, given for the first values, are adapted: heads and d_ff to the width, the warm-up in
 * steps and Adam's half-life in tokens to the batch, the Zipf exponent to the vocabulary. */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "plan/plan.h"
#include "search/laws/prior_beta.h"

static size_t values(const struct plan_axis *axis)
{
    return axis->count > 0 ? axis->count : 1; /* a plan that was not loaded, in a test */
}

/* The number of combinations, repeated ones too. */
static size_t product(const struct plan *plan)
{
    return values(&plan->axes.d_model) * values(&plan->axes.n_layers) * values(&plan->axes.vocab) *
           values(&plan->axes.parametrization) * values(&plan->axes.batch_tokens);
}

/* At base_width all parametrizations are identical (for mup's attention: where heads have
 * base_head_size channels), so only the first is trained there. */
static bool is_repeated(const struct plan *plan, size_t combination)
{
    const struct plan_axis *widths = &plan->axes.d_model, *kinds = &plan->axes.parametrization;
    size_t kind = combination / (product(plan) / values(kinds)),
           width = combination % values(widths);
    uint32_t d_model = widths->count > 1 ? widths->values[width] : plan->model.d_model;
    uint32_t head_size = plan->model.heads_grow    ? plan->model.head_size
                         : plan->model.n_heads > 0 ? d_model / plan->model.n_heads
                                                   : 0;
    return kind > 0 && plan->trainer.kind == TRAINER_TRANSFORMER && d_model > 0 &&
           d_model == plan->model.base_width && head_size == plan->model.base_head_size;
}

size_t plan_cell_count(const struct plan *plan)
{
    size_t count = 0, all = product(plan);
    for (size_t i = 0; i < all; i++)
        count += !is_repeated(plan, i);
    return count;
}

/* The combination of a cell, as an index that counts repeated ones too. */
static size_t combination_of(const struct plan *plan, size_t cell)
{
    size_t combination = 0, all = product(plan);
    while (combination < all && (is_repeated(plan, combination) || cell > 0)) {
        cell -= !is_repeated(plan, combination);
        combination++;
    }
    return combination;
}

uint32_t plan_largest_batch(const struct plan *plan)
{
    uint32_t most = plan->training.batch_tokens;
    for (size_t i = 1; i < plan->axes.batch_tokens.count; i++)
        if (plan->axes.batch_tokens.values[i] > most)
            most = plan->axes.batch_tokens.values[i];
    return most;
}

static uint32_t smallest_batch(const struct plan *plan)
{
    uint32_t least = plan->training.batch_tokens;
    for (size_t i = 1; i < plan->axes.batch_tokens.count; i++)
        if (plan->axes.batch_tokens.values[i] < least)
            least = plan->axes.batch_tokens.values[i];
    return least;
}

/* A table's rows are of one optimizer, which a condition names if there are others. */
static enum beta_optimizer table_optimizer(const struct plan *plan)
{
    const char *column = plan_column(plan, "optimizer");
    for (size_t i = 0; i < plan->trainer.where_count; i++)
        if (strcmp(plan->trainer.where[i].key, column ? column : "optimizer") == 0)
            return beta_optimizer_of(plan->trainer.where[i].value);
    return BETA_OTHER;
}

void plan_beta_prior(const struct plan *plan, struct beta_prior *prior)
{
    bool known = plan->trainer.kind == TRAINER_TRANSFORMER;
    const struct beta_setting setting = {
        .optimizer = known ? BETA_ADAMW : table_optimizer(plan),
        .batch_tokens = {smallest_batch(plan), plan_largest_batch(plan)},
        .shortest = plan->search.horizons[0],
        .target = plan->target.tokens,
    };
    *prior = beta_prior_of(&setting);
}

uint64_t plan_seed(const struct plan *plan, uint32_t replicate)
{
    return replicate < plan->search.seed_list.count ? plan->search.seed_list.values[replicate]
                                                    : plan->seed + replicate;
}

static void set_width(struct trial_spec *spec, const struct plan *plan, uint32_t d_model)
{
    if (!trial_set_width(spec, d_model, plan->model.heads_grow))
        spec->d_model = d_model; /* no heads: the trainer has no model */
}

static void set_vocab(struct trial_spec *spec, uint32_t vocab)
{
    double usual = trial_default_zipf(spec->vocab);
    if (!(spec->zipf_exponent < usual) && !(spec->zipf_exponent > usual))
        spec->zipf_exponent = trial_default_zipf(vocab);
    spec->vocab = vocab;
}

static void set_batch(struct trial_spec *spec, const struct plan *plan, uint32_t batch_tokens)
{
    uint64_t half_life = plan->training.beta2_half_life;
    spec->batch_tokens = batch_tokens;
    if (!plan->training.warmup_tokens)
        spec->warmup_tokens = plan->training.warmup_steps * batch_tokens;
    if (half_life > 0)
        spec->beta2 = plan_beta2(batch_tokens, half_life);
}

double plan_beta2(uint32_t batch_tokens, uint64_t half_life)
{
    return exp2(-(double)batch_tokens / (double)half_life);
}

static void set_schedule(struct trial_spec *spec, uint32_t schedule)
{
    double usual = trial_default_final_lr(spec->schedule);
    if (!(spec->final_lr < usual) && !(spec->final_lr > usual))
        spec->final_lr = trial_default_final_lr(schedule);
    spec->schedule = schedule;
}

/* Gives each cell of a simulated surface its own misfit and noise: FNV-1a of the cell's values. */
static void set_draws(struct trial_spec *spec, const struct plan *plan)
{
    const uint32_t parts[] = {spec->d_model, spec->n_layers, spec->vocab, spec->batch_tokens,
                              spec->parametrization};
    uint64_t hash = 0xcbf29ce484222325;
    if (spec->trainer != TRAINER_SIMULATE || plan_cell_count(plan) == 1)
        return;
    for (size_t i = 0; i < sizeof(parts); i++)
        hash = (hash ^ (parts[i / 4] >> 8 * (i % 4) & 0xff)) * 0x100000001b3;
    spec->simulate.cell = hash;
}

/* The axis's value in *cell, `otherwise` without a list; removes this axis from *cell. */
static uint32_t take_axis_value(const struct plan_axis *axis, size_t *cell, uint32_t otherwise)
{
    size_t count = values(axis), index = *cell % count;
    *cell /= count;
    return count > 1 ? axis->values[index] : otherwise;
}

struct trial_spec plan_cell(const struct plan *plan, size_t cell)
{
    struct trial_spec spec = plan_trial(plan);
    cell = combination_of(plan, cell);
    assert(cell < product(plan));
    uint32_t d_model = take_axis_value(&plan->axes.d_model, &cell, spec.d_model);
    if (d_model != spec.d_model)
        set_width(&spec, plan, d_model);
    spec.n_layers = take_axis_value(&plan->axes.n_layers, &cell, spec.n_layers);
    uint32_t vocab = take_axis_value(&plan->axes.vocab, &cell, spec.vocab);
    if (vocab != spec.vocab)
        set_vocab(&spec, vocab);
    uint32_t batch_tokens = take_axis_value(&plan->axes.batch_tokens, &cell, spec.batch_tokens);
    if (batch_tokens != spec.batch_tokens)
        set_batch(&spec, plan, batch_tokens);
    spec.parametrization =
        take_axis_value(&plan->axes.parametrization, &cell, spec.parametrization);
    set_draws(&spec, plan);
    return spec;
}

const char *plan_cell_text(const struct plan *plan, size_t cell, char *out, size_t capacity)
{
    struct trial_spec spec = plan_cell(plan, cell);
    const struct {
        const char *name;
        const struct plan_axis *axis;
        uint32_t value;
    } parts[] = {{"d_model", &plan->axes.d_model, spec.d_model},
                 {"n_layers", &plan->axes.n_layers, spec.n_layers},
                 {"vocab", &plan->axes.vocab, spec.vocab},
                 {"batch_tokens", &plan->axes.batch_tokens, spec.batch_tokens}};
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && used < capacity; i++)
        if (parts[i].axis->count > 1)
            used += (size_t)snprintf(out + used, capacity - used, "%s%s %" PRIu32, used ? ", " : "",
                                     parts[i].name, parts[i].value);
    if (plan->axes.parametrization.count > 1 && used < capacity)
        snprintf(out + used, capacity - used, "%s%s", used ? ", " : "",
                 parametrization_name(spec.parametrization));
    return out;
}

struct trial_spec plan_target(const struct plan *plan)
{
    return plan_target_with(plan, plan->model.parametrization);
}

struct trial_spec plan_target_with(const struct plan *plan, uint32_t parametrization)
{
    struct trial_spec spec = plan_trial(plan);
    if (plan->target.d_model && plan->target.d_model != spec.d_model)
        set_width(&spec, plan, plan->target.d_model);
    spec.n_layers = plan->target.n_layers ? plan->target.n_layers : spec.n_layers;
    if (plan->target.vocab && plan->target.vocab != spec.vocab)
        set_vocab(&spec, plan->target.vocab);
    if (plan->target.batch_tokens && plan->target.batch_tokens != spec.batch_tokens)
        set_batch(&spec, plan, plan->target.batch_tokens);
    if (plan->target.schedule != spec.schedule)
        set_schedule(&spec, plan->target.schedule);
    spec.horizon_tokens = plan->target.tokens;
    spec.parametrization = parametrization;
    set_draws(&spec, plan);
    return spec;
}
