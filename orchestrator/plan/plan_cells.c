/* The campaign's axes: a plan with lists describes one cell for each combination of their values.
 * Other keys, given for the first values, are adapted: heads and d_ff to the width, the warm-up in
 * steps and Adam's half-life in tokens to the batch, the Zipf exponent to the vocabulary. */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "plan/plan.h"

static size_t at_least_one(size_t count)
{
    return count > 0 ? count : 1; /* a plan that was not loaded, in a test */
}

static size_t values(const struct plan_axis *axis)
{
    return at_least_one(axis->count);
}

static size_t numbers(const struct plan_number_axis *axis)
{
    return at_least_one(axis->count);
}

/* The number of combinations, repeated ones too. */
static size_t product(const struct plan *plan)
{
    return values(&plan->axes.d_model) * values(&plan->axes.n_layers) * values(&plan->axes.vocab) *
           values(&plan->axes.batch_tokens) * numbers(&plan->axes.weight_decay) *
           values(&plan->axes.parametrization) * numbers(&plan->axes.embedding_lr_exponent);
}

/* At base_width all exponents of the embedding's LR are identical, and so are all parametrizations
 * (for mup's attention: where heads have base_head_size channels), so only the first is trained
 * there. */
static bool is_repeated(const struct plan *plan, size_t combination)
{
    const struct plan_axis *widths = &plan->axes.d_model;
    size_t exponents = numbers(&plan->axes.embedding_lr_exponent),
           kinds = values(&plan->axes.parametrization),
           exponent = combination / (product(plan) / exponents),
           kind = combination / (product(plan) / exponents / kinds) % kinds,
           width = combination % values(widths);
    uint32_t d_model = widths->count > 1 ? widths->values[width] : plan->model.d_model;
    uint32_t head_size = plan->model.heads_grow    ? plan->model.head_size
                         : plan->model.n_heads > 0 ? d_model / plan->model.n_heads
                                                   : 0;
    bool at_base = plan->trainer.kind == TRAINER_TRANSFORMER && d_model > 0 &&
                   d_model == plan->model.base_width;
    return at_base && (exponent > 0 || (kind > 0 && head_size == plan->model.base_head_size));
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

double plan_embedding_shift(const struct trial_spec *spec, double exponent)
{
    return isnan(exponent) ? 0 : exponent - trial_embedding_exponent(spec);
}

double plan_weight_decay(const struct plan *plan, const struct trial_spec *spec,
                         double weight_decay)
{
    if (plan->training.decay_rule != DECAY_TIMESCALE || spec->horizon_tokens == 0)
        return weight_decay;
    double batches = plan->target.batch_tokens > 0 && spec->batch_tokens > 0
                         ? (double)spec->batch_tokens / plan->target.batch_tokens
                         : 1;
    return weight_decay * ((double)plan->target.tokens / (double)spec->horizon_tokens) * batches;
}

void plan_set_target(struct plan *plan, uint64_t tokens, uint32_t batch_tokens)
{
    const struct trial_spec target = {
        .horizon_tokens = tokens,
        .batch_tokens = batch_tokens ? batch_tokens : plan->target.batch_tokens,
    };
    double factor = plan_weight_decay(plan, &target, 1);
    plan->training.weight_decay *= factor;
    for (size_t i = 0; i < plan->axes.weight_decay.count; i++)
        plan->axes.weight_decay.values[i] *= factor;
    for (int i = 0; i < 2; i++)
        plan->search.weight_decay[i] *= factor;
    plan->target.weight_decay *= factor;
    plan->target.tokens = tokens;
    plan->target.batch_tokens = target.batch_tokens;
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

static uint64_t mix(uint64_t hash, uint64_t bits, int bytes)
{
    for (int i = 0; i < bytes; i++)
        hash = (hash ^ (bits >> 8 * i & 0xff)) * 0x100000001b3;
    return hash;
}

static uint64_t mix_number(uint64_t hash, double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof(bits));
    return mix(hash, bits, sizeof(bits));
}

/* Gives each cell of a simulated surface its own misfit and noise: FNV-1a of the cell's values. */
static void set_draws(struct trial_spec *spec, const struct plan *plan)
{
    const uint32_t parts[] = {spec->d_model, spec->n_layers, spec->vocab, spec->batch_tokens,
                              spec->parametrization};
    uint64_t hash = 0xcbf29ce484222325;
    if (spec->trainer != TRAINER_SIMULATE || plan_cell_count(plan) == 1)
        return;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        hash = mix(hash, parts[i], sizeof(parts[i]));
    if (plan->axes.weight_decay.count > 1) /* plans without these axes keep their draws */
        hash = mix_number(hash, spec->weight_decay);
    if (plan->axes.embedding_lr_exponent.count > 1)
        hash = mix_number(hash, spec->embedding_lr_shift);
    spec->simulate.cell = hash;
}

/* The index of *cell on an axis of so many values; removes this axis from *cell. */
static size_t take_axis(size_t count, size_t *cell)
{
    size_t index = *cell % count;
    *cell /= count;
    return index;
}

/* The axis's value in *cell, `otherwise` without a list; removes this axis from *cell. */
static uint32_t take_axis_value(const struct plan_axis *axis, size_t *cell, uint32_t otherwise)
{
    size_t index = take_axis(values(axis), cell);
    return axis->count > 1 ? axis->values[index] : otherwise;
}

static double take_axis_number(const struct plan_number_axis *axis, size_t *cell, double otherwise)
{
    size_t index = take_axis(numbers(axis), cell);
    return axis->count > 1 ? axis->values[index] : otherwise;
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
    spec.weight_decay = take_axis_number(&plan->axes.weight_decay, &cell, spec.weight_decay);
    spec.parametrization =
        take_axis_value(&plan->axes.parametrization, &cell, spec.parametrization);
    double exponent = take_axis_number(&plan->axes.embedding_lr_exponent, &cell,
                                       plan->model.embedding_lr_exponent);
    spec.embedding_lr_shift = plan_embedding_shift(&spec, exponent);
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
    if (plan->axes.weight_decay.count > 1 && used < capacity)
        used += (size_t)snprintf(out + used, capacity - used, "%sweight_decay %g", used ? ", " : "",
                                 spec.weight_decay);
    if (plan->axes.parametrization.count > 1 && used < capacity)
        used += (size_t)snprintf(out + used, capacity - used, "%s%s", used ? ", " : "",
                                 parametrization_name(spec.parametrization));
    if (plan->axes.embedding_lr_exponent.count > 1 && used < capacity)
        snprintf(out + used, capacity - used, "%sembedding_lr_exponent %g", used ? ", " : "",
                 spec.embedding_lr_shift + trial_embedding_exponent(&spec));
    return out;
}

struct trial_spec plan_target(const struct plan *plan)
{
    return plan_target_with(plan, plan->model.parametrization);
}

double plan_target_runs(const struct plan *plan, double tokens, double flops)
{
    struct trial_spec target = plan_target(plan);
    double target_flops = (double)plan->target.tokens * trial_flops_per_token(&target);
    bool known = plan->trainer.kind == TRAINER_TRANSFORMER && flops > 0 && target_flops > 0;
    return known ? flops / target_flops : tokens / (double)plan->target.tokens;
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
    spec.weight_decay = plan_weight_decay(plan, &spec, plan->target.weight_decay);
    spec.parametrization = parametrization;
    spec.embedding_lr_shift = plan_embedding_shift(&spec, plan->model.embedding_lr_exponent);
    set_draws(&spec, plan);
    return spec;
}
