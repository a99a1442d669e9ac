/* A model's memory: one arena, laid out by one walk over its tensors. The walk is made twice, first
 * with an empty arena to count the bytes, then to hand them out, so that sizes are written once.
 *
 * What gpt-2's users expect: weights start normal with deviation .02, the two projections into the
 * residual stream with .02 / sqrt(2 layers), norms at 1, biases at 0; the embedding and the output
 * matrix are not shared. */
#include <math.h>
#include <stdio.h>
#include "kernels/kernels.h"
#include "model/model_state.h"

#define INIT_STD 0.02

static void *lay(struct layout *layout, size_t count, size_t size)
{
    if (count > 0 && size > (SIZE_MAX / 2 - layout->bytes) / count) {
        layout->failed = true;
        return NULL;
    }
    layout->bytes += arena_padded(count * size);
    return layout->arena.block ? arena_alloc(&layout->arena, count * size) : NULL;
}

static float *lay_floats(struct layout *layout, size_t count)
{
    return lay(layout, count, sizeof(float));
}

/* ---- parameters ---- */

struct tensor {
    const char *name; /* within its block */
    enum param_group group;
    size_t rows, cols;
    double std, value;
};

static void lay_param(struct model *model, struct layout *layout, size_t *next, const char *prefix,
                      const struct tensor *tensor)
{
    size_t index = (*next)++;
    struct param counting = {0};
    struct param *param = layout->arena.block ? &model->params[index] : &counting;
    param->group = tensor->group;
    param->rows = (uint32_t)tensor->rows;
    param->cols = (uint32_t)tensor->cols;
    param->count = tensor->rows * tensor->cols;
    param->init_std = tensor->std;
    param->init_value = tensor->value;
    param->value = lay_floats(layout, param->count);
    param->grad = lay_floats(layout, param->count);
    param->m = lay_floats(layout, param->count);
    param->v = lay_floats(layout, param->count);
    if (!layout->arena.block)
        return;
    snprintf(model->names[index], sizeof(model->names[index]), "%s%s", prefix, tensor->name);
    param->name = model->names[index];
    parametrization_apply(param, &model->spec);
}

enum { BLOCK_TENSORS = 12, OTHER_TENSORS = 5 };

static void lay_params(struct model *model, struct layout *layout)
{
    const struct trial_spec *spec = &model->spec;
    size_t C = spec->d_model, next = 0;
    /* The two projections into the residual stream start smaller, so that the stream's variance
     * does not grow with depth (GPT-2). */
    double into_stream = INIT_STD / sqrt(2.0 * spec->n_layers);
    const struct tensor wte = {"wte.weight", GROUP_EMBEDDING, spec->vocab, C, INIT_STD, 0};
    const struct tensor wpe = {"wpe.weight", GROUP_EMBEDDING, spec->context, C, INIT_STD, 0};
    const struct tensor block[BLOCK_TENSORS] = {
        {"ln1.weight", GROUP_VECTOR, C, 1, 0, 1},
        {"ln1.bias", GROUP_VECTOR, C, 1, 0, 0},
        {"attn.qkv.weight", GROUP_HIDDEN, 3 * C, C, INIT_STD, 0},
        {"attn.qkv.bias", GROUP_VECTOR, 3 * C, 1, 0, 0},
        {"attn.proj.weight", GROUP_HIDDEN, C, C, into_stream, 0},
        {"attn.proj.bias", GROUP_VECTOR, C, 1, 0, 0},
        {"ln2.weight", GROUP_VECTOR, C, 1, 0, 1},
        {"ln2.bias", GROUP_VECTOR, C, 1, 0, 0},
        {"mlp.fc.weight", GROUP_HIDDEN, 4 * C, C, INIT_STD, 0},
        {"mlp.fc.bias", GROUP_VECTOR, 4 * C, 1, 0, 0},
        {"mlp.proj.weight", GROUP_HIDDEN, C, 4 * C, into_stream, 0},
        {"mlp.proj.bias", GROUP_VECTOR, C, 1, 0, 0},
    };
    const struct tensor lnf_weight = {"lnf.weight", GROUP_VECTOR, C, 1, 0, 1};
    const struct tensor lnf_bias = {"lnf.bias", GROUP_VECTOR, C, 1, 0, 0};
    const struct tensor head = {"head.weight", GROUP_OUTPUT, spec->vocab, C, INIT_STD, 0};

    lay_param(model, layout, &next, "", &wte);
    lay_param(model, layout, &next, "", &wpe);
    for (uint32_t i = 0; i < spec->n_layers; i++) {
        size_t at = next;
        char prefix[24];
        snprintf(prefix, sizeof(prefix), "blocks.%u.", i);
        for (size_t j = 0; j < BLOCK_TENSORS; j++)
            lay_param(model, layout, &next, prefix, &block[j]);
        if (!layout->arena.block)
            continue;
        struct param *laid = model->params + at;
        model->blocks[i] =
            (struct block_params){laid,     laid + 1, laid + 2, laid + 3, laid + 4,  laid + 5,
                                  laid + 6, laid + 7, laid + 8, laid + 9, laid + 10, laid + 11};
    }
    lay_param(model, layout, &next, "", &lnf_weight);
    lay_param(model, layout, &next, "", &lnf_bias);
    lay_param(model, layout, &next, "", &head);
    if (!layout->arena.block)
        return;
    model->wte = model->params;
    model->wpe = model->params + 1;
    model->lnf_weight = model->params + (next - 3);
    model->lnf_bias = model->params + (next - 2);
    model->head = model->params + (next - 1);
}

/* ---- activations ---- */

static void lay_acts(struct model *model, struct layout *layout)
{
    const struct trial_spec *spec = &model->spec;
    size_t C = spec->d_model, T = spec->context, N = (size_t)model->micro_batch * T;
    for (uint32_t i = 0; i < spec->n_layers; i++) {
        struct block_acts acts = {
            .ln1 = lay_floats(layout, N * C),
            .ln1_mean = lay_floats(layout, N),
            .ln1_rstd = lay_floats(layout, N),
            .qkv = lay_floats(layout, N * 3 * C),
            .attn = lay_floats(layout, N * C),
            .lse = lay_floats(layout, N * spec->n_heads),
            .middle = lay_floats(layout, N * C),
            .ln2 = lay_floats(layout, N * C),
            .ln2_mean = lay_floats(layout, N),
            .ln2_rstd = lay_floats(layout, N),
            .fc = lay_floats(layout, N * 4 * C),
            .gelu = lay_floats(layout, N * 4 * C),
            .out = lay_floats(layout, N * C),
        };
        if (layout->arena.block)
            model->acts[i] = acts;
    }
    model->stream = lay_floats(layout, N * C);
    model->lnf = lay_floats(layout, N * C);
    model->lnf_mean = lay_floats(layout, N);
    model->lnf_rstd = lay_floats(layout, N);
    model->logits = lay_floats(layout, (size_t)HEAD_ROWS * spec->vocab);
    model->losses = lay_floats(layout, N);
    model->labels = lay(layout, N, sizeof(uint32_t));
    model->d_stream = lay_floats(layout, N * C);
    model->d_narrow = lay_floats(layout, N * C);
    model->d_wide = lay_floats(layout, N * 4 * C);
    model->scratch = lay_floats(layout, attention_scratch(T, C, spec->n_heads));
}

void shapes_lay(struct model *model, struct layout *layout)
{
    size_t layers = model->spec.n_layers;
    model->param_count = layers * BLOCK_TENSORS + OTHER_TENSORS;
    model->params = lay(layout, model->param_count, sizeof(*model->params));
    model->names = lay(layout, model->param_count, sizeof(*model->names));
    model->blocks = lay(layout, layers, sizeof(*model->blocks));
    model->acts = lay(layout, layers, sizeof(*model->acts));
    lay_params(model, layout);
    lay_acts(model, layout);
}
