/* Creates, initialises and destroys a model: checks its spec, sizes and lays out its memory. */
#include "model/model.h"

#include <assert.h>
#include <string.h>
#include "kernels/kernels.h"
#include "lrsearch/rng.h"
#include "model/model_state.h"
#include "model/parametrization.h"

/* Rows of logits at once: many, since each block packs the output matrix again, but at most 128 MiB
 * of logits (64 rows at least). */
static size_t choose_head_rows(const struct trial_spec *spec)
{
    enum { MOST_ROWS = 1024, LEAST_ROWS = 64, MOST_LOGITS = 1 << 25 };
    size_t rows = MOST_LOGITS / spec->vocab;
    return rows > MOST_ROWS ? MOST_ROWS : rows < LEAST_ROWS ? LEAST_ROWS : rows;
}

static int check_sizes(const struct trial_spec *spec, struct lr_error *err)
{
    const struct {
        const char *name;
        uint32_t size;
    } sizes[] = {{"d_model", spec->d_model},
                 {"n_layers", spec->n_layers},
                 {"n_heads", spec->n_heads},
                 {"context", spec->context},
                 {"vocab", spec->vocab},
                 {"d_ff", spec->d_ff},
                 {"base_width", spec->base_width},
                 {"base_head_size", spec->base_head_size},
                 {"base_layers", spec->base_layers}};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        if (sizes[i].size < 1 || sizes[i].size > MAX_SIZE)
            return lr_fail(err, LR_EINVAL, "model: %s is %u: it must be 1 to %d", sizes[i].name,
                           sizes[i].size, MAX_SIZE);
    return 0;
}

static int check_products(const struct trial_spec *spec, struct lr_error *err)
{
    for (size_t i = 0; i + 1 < TRIAL_PRODUCTS && spec->products[i]; i++)
        if (!matmul_present((enum matmul)spec->products[i]))
            return lr_fail(err, LR_EINVAL, "trainer.matmul: '%c' of %s: %s", spec->products[i],
                           spec->products, matmul_missing((enum matmul)spec->products[i]));
    if (!trial_products_suit(spec->products, spec->precision))
        return lr_fail(err, LR_EINVAL, "trainer.matmul: %s does not multiply in %s", spec->products,
                       precision_name(spec->precision));
    return 0;
}

static int check_spec(const struct trial_spec *spec, struct lr_error *err)
{
    const struct {
        const char *what, *name;
        uint32_t value;
    } numbers[] = {
        {"architecture", arch_name(spec->arch), spec->arch},
        {"parametrization", parametrization_name(spec->parametrization), spec->parametrization},
        {"optimizer", optimizer_name(spec->optimizer), spec->optimizer},
        {"muon_lr_scale", muon_scale_name(spec->muon_lr_scale), spec->muon_lr_scale},
        {"precision", precision_name(spec->precision), spec->precision},
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (strcmp(numbers[i].name, "?") == 0)
            return lr_fail(err, LR_EINVAL, "%s %u is not known", numbers[i].what, numbers[i].value);
    int rc = check_sizes(spec, err);
    if (rc)
        return rc;
    if (spec->d_model % spec->n_heads != 0)
        return lr_fail(err, LR_EINVAL, "model: %u heads do not divide d_model %u", spec->n_heads,
                       spec->d_model);
    if (spec->arch == ARCH_LLAMA && spec->d_model / spec->n_heads % 2 != 0)
        return lr_fail(err, LR_EINVAL, "model: heads of %u channels cannot be rotated by llama",
                       spec->d_model / spec->n_heads);
    if (spec->batch_tokens == 0 || spec->batch_tokens % spec->context != 0)
        return lr_fail(err, LR_EINVAL, "training: batch_tokens %u is no multiple of context %u",
                       spec->batch_tokens, spec->context);
    return check_products(spec, err);
}

int model_create(struct model **out, const struct trial_spec *spec, struct lr_error *err)
{
    struct layout counting = {0}, layout = {0};
    *out = NULL;
    int rc = check_spec(spec, err);
    if (rc)
        return rc;
    struct model *model = lr_calloc(1, sizeof(*model));
    if (!model)
        return lr_nomem(err);
    model->spec = *spec;
    if (spec->precision == PRECISION_BF16)
        matmul_use_bf16(spec->products[0] ? (enum matmul)spec->products[0] : MATMUL_BF16);
    model->micro_batch = trial_micro_batch(spec);
    model->head_rows = choose_head_rows(spec);
    model->attention_scale = parametrization_attention_scale(spec);
    model->logit_scale = parametrization_logit_scale(spec);
    model->residual_scale = parametrization_residual_scale(spec);
    shapes_lay(model, &counting);
    if (counting.failed || arena_init(&layout.arena, counting.bytes)) {
        lr_free(model);
        return lr_fail(err, LR_ENOMEM, "the model needs %zu MB of memory, which are not available",
                       counting.bytes >> 20);
    }
    shapes_lay(model, &layout);
    model->arena = layout.arena;
    if (spec->arch == ARCH_LLAMA)
        rope_table(model->cosines, model->sines, spec->context, spec->d_model / spec->n_heads);
    *out = model;
    return 0;
}

void model_destroy(struct model *model)
{
    if (!model)
        return;
    arena_release(&model->arena);
    lr_free(model);
}

void model_set_profile(struct model *model, struct model_profile *profile)
{
    model->profile = profile;
}

void model_profile_lap(struct model_profile *profile, enum model_part part)
{
    double now = profile->now();
    profile->seconds[part] += now - profile->last;
    profile->last = now;
}

void model_lap(struct model *model, enum model_part part)
{
    if (model->profile)
        model_profile_lap(model->profile, part);
}

size_t model_bytes(const struct model *model)
{
    return model->arena.size;
}

size_t model_param_count(const struct model *model)
{
    return model->param_count;
}

struct param *model_param(struct model *model, size_t index)
{
    assert(index < model->param_count);
    return &model->params[index];
}

struct model_floats model_floats(const struct model *model)
{
    return model->floats;
}

size_t model_bucket_count(const struct model *model)
{
    return model->bucket_count;
}

struct model_bucket model_bucket(const struct model *model, size_t index)
{
    assert(index < model->bucket_count);
    return model->buckets[index];
}

float *model_muon_scratch(const struct model *model)
{
    return model->muon;
}

uint32_t model_micro_batch(const struct model *model)
{
    return model->micro_batch;
}

void model_zero_grad(struct model *model)
{
    memset(model->floats.grad, 0, model->floats.count * sizeof(float));
}

/* Each tensor draws from a separate stream, so its numbers do not depend on the sizes of earlier
 * tensors. */
void model_init(struct model *model, uint64_t seed)
{
    model_zero_grad(model);
    for (size_t i = 0; i < model->param_count; i++) {
        struct param *param = &model->params[i];
        memset(param->m, 0, param->count * sizeof(float));
        memset(param->v, 0, param->count * sizeof(float));
        if (param->init_std > 0)
            rng_fill_normal(param->value, param->count, param->init_std, seed,
                            RNG_INIT + ((uint64_t)i << 8));
        else
            for (size_t j = 0; j < param->count; j++)
                param->value[j] = (float)param->init_value;
    }
}
