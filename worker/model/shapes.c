/* A model's memory: one arena, laid out by one walk over its tensors. The walk runs twice, first
 * with an empty arena to count the bytes, then to hand them out, so that each size is written
 * once. */
#include <stdio.h>
#include "kernels/kernels.h"
#include "model/model_state.h"
#include "model/parametrization.h"

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
    uint32_t matrices; /* one below the other */
};

static struct param *lay_param(struct model *model, struct layout *layout, const char *prefix,
                               const struct tensor *tensor)
{
    size_t index = model->param_count++;
    struct param laid = {.group = tensor->group,
                         .rows = (uint32_t)tensor->rows,
                         .cols = (uint32_t)tensor->cols,
                         .count = tensor->rows * tensor->cols,
                         .init_std = tensor->std,
                         .init_value = tensor->value};
    if (model->spec.optimizer == OPTIMIZER_MUON)
        laid.matrices = tensor->matrices;
    laid.offset = layout->floats;
    layout->floats += arena_padded(laid.count * sizeof(float)) / sizeof(float);
    layout->failed |= layout->floats > SIZE_MAX / 64;
    if (!layout->arena.block)
        return NULL;
    snprintf(model->names[index], sizeof(model->names[index]), "%s%s", prefix, tensor->name);
    laid.name = model->names[index];
    parametrization_apply(&laid, &model->spec, *prefix != '\0');
    model->params[index] = laid;
    return &model->params[index];
}

/* Lays out a weight, and its bias if the arch has biases. */
static struct affine lay_affine(struct model *model, struct layout *layout, const char *prefix,
                                const char *name, const struct tensor *weight)
{
    char text[32];
    struct affine affine = {0};
    struct tensor tensor = *weight;
    tensor.name = text;
    snprintf(text, sizeof(text), "%s.weight", name);
    affine.weight = lay_param(model, layout, prefix, &tensor);
    if (model->spec.arch != ARCH_GPT)
        return affine;
    snprintf(text, sizeof(text), "%s.bias", name);
    tensor = (struct tensor){text, GROUP_VECTOR, weight->rows, 1, 0, 0, 0};
    affine.bias = lay_param(model, layout, prefix, &tensor);
    return affine;
}

static void lay_block(struct model *model, struct layout *layout, uint32_t index)
{
    const struct trial_spec *spec = &model->spec;
    size_t C = spec->d_model, F = spec->d_ff, W = model_fc_width(spec), D = C / spec->n_heads;
    double into_stream = parametrization_into_stream(spec);
    const struct tensor gain = {NULL, GROUP_VECTOR, C, 1, 0, 1, 0};
    const struct tensor qkv = {NULL, GROUP_HIDDEN, 3 * C, C, INIT_STD, 0, 3};
    const struct tensor attn_proj = {NULL, GROUP_HIDDEN, C, C, into_stream, 0, 1};
    const struct tensor fc = {NULL, GROUP_HIDDEN, W, C, INIT_STD, 0, (uint32_t)(W / F)};
    const struct tensor mlp_proj = {NULL, GROUP_HIDDEN, C, F, into_stream, 0, 1};
    const struct tensor q_norm = {"attn.q_norm.weight", GROUP_VECTOR, D, 1, 0, 1, 0};
    const struct tensor k_norm = {"attn.k_norm.weight", GROUP_VECTOR, D, 1, 0, 1, 0};
    char prefix[24];
    struct block_params p = {0};
    snprintf(prefix, sizeof(prefix), "blocks.%u.", index);
    p.ln1 = lay_affine(model, layout, prefix, "ln1", &gain);
    p.qkv = lay_affine(model, layout, prefix, "attn.qkv", &qkv);
    if (spec->qk_norm) {
        p.q_norm = lay_param(model, layout, prefix, &q_norm);
        p.k_norm = lay_param(model, layout, prefix, &k_norm);
    }
    p.attn_proj = lay_affine(model, layout, prefix, "attn.proj", &attn_proj);
    p.ln2 = lay_affine(model, layout, prefix, "ln2", &gain);
    p.fc = lay_affine(model, layout, prefix, "mlp.fc", &fc);
    p.mlp_proj = lay_affine(model, layout, prefix, "mlp.proj", &mlp_proj);
    if (layout->arena.block)
        model->blocks[index] = p;
}

/* Tensors of less than BUCKET_LEAST floats together share a bucket: each costs a message. */
enum { BUCKET_LEAST = 1 << 16 };

/* Ends a bucket after the tensors so far. */
static void end_bucket(struct model *model)
{
    size_t next = model->bucket_count++;
    size_t first = next > 0 ? model->buckets[next - 1].end : 0;
    model->buckets[next] = (struct model_bucket){first, model->param_count};
}

/* Buckets: the embedding; blocks, one or several; the head. */
static void lay_tensors(struct model *model, struct layout *layout)
{
    const struct trial_spec *spec = &model->spec;
    bool laid = layout->arena.block != NULL;
    size_t C = spec->d_model, begun;
    const struct tensor wte = {"wte.weight", GROUP_EMBEDDING, spec->vocab, C, INIT_STD, 0, 0};
    const struct tensor wpe = {"wpe.weight", GROUP_EMBEDDING, spec->context, C, INIT_STD, 0, 0};
    const struct tensor gain = {NULL, GROUP_VECTOR, C, 1, 0, 1, 0};
    const struct tensor head = {"head.weight", GROUP_OUTPUT, spec->vocab, C, INIT_STD, 0, 0};

    model->param_count = model->bucket_count = layout->floats = 0;
    model->wte = lay_param(model, layout, "", &wte);
    if (spec->arch == ARCH_GPT)
        model->wpe = lay_param(model, layout, "", &wpe);
    if (laid)
        end_bucket(model);
    layout->of_embedding = begun = layout->floats;
    for (uint32_t i = 0; i < spec->n_layers; i++) {
        lay_block(model, layout, i);
        if (!laid || (layout->floats - begun < BUCKET_LEAST && i + 1 < spec->n_layers))
            continue;
        end_bucket(model);
        begun = layout->floats;
    }
    layout->of_block = (layout->floats - layout->of_embedding) / spec->n_layers;
    model->lnf = lay_affine(model, layout, "", "lnf", &gain);
    layout->of_head = layout->floats;
    model->head = spec->tied_output ? model->wte : lay_param(model, layout, "", &head);
    layout->of_head = layout->floats - layout->of_head;
    if (laid)
        end_bucket(model);
}

/* A slice of several micro-batches keeps all its gradients between them. Otherwise the blocks share
 * the memory of one, and the embedding that of the head. */
static void lay_leaves(struct model *model, struct layout *layout)
{
    const struct trial_spec *spec = &model->spec;
    uint32_t slices = trial_slices(spec), sequences = trial_slice_begin(spec, slices);
    bool whole = sequences > slices * model->micro_batch;
    size_t embedding = layout->of_embedding, block = layout->of_block, head = layout->of_head;
    float *of_block = whole ? lay_floats(layout, layout->floats) : lay_floats(layout, block);
    float *outer = whole ? of_block : lay_floats(layout, embedding > head ? embedding : head);
    for (size_t i = 0; layout->arena.block && i < model->param_count; i++) {
        const struct param *p = &model->params[i];
        float **leaf = &model->sum.leaves[i];
        if (whole || p->offset < embedding)
            *leaf = outer + p->offset;
        else if (p == model->head)
            *leaf = outer;
        else
            *leaf = of_block + (p->offset - embedding) % block;
    }
}

static void lay_params(struct model *model, struct layout *layout)
{
    lay_tensors(model, layout);
    struct model_floats *floats = &model->floats;
    *floats = (struct model_floats){.value = lay_floats(layout, layout->floats),
                                    .grad = lay_floats(layout, layout->floats),
                                    .m = lay_floats(layout, layout->floats),
                                    .v = lay_floats(layout, layout->floats),
                                    .count = layout->floats};
    uint32_t slices = trial_slices(&model->spec);
    model->sum.levels[0] = floats->grad;
    for (size_t i = 1; i < SLICE_LEVELS && (2u << i) <= slices; i++)
        model->sum.levels[i] = lay_floats(layout, layout->floats);
    if (slices > 1)
        lay_leaves(model, layout);
    for (size_t i = 0; layout->arena.block && i < model->param_count; i++) {
        struct param *p = &model->params[i];
        p->value = floats->value + p->offset;
        p->grad = floats->grad + p->offset;
        p->m = floats->m + p->offset;
        p->v = floats->v + p->offset;
    }
}

/* ---- activations ---- */

static void lay_block_acts(struct model *model, struct layout *layout, uint32_t index)
{
    const struct trial_spec *spec = &model->spec;
    size_t C = spec->d_model, N = (size_t)model->micro_batch * spec->context;
    size_t raw = spec->qk_norm ? N * 2 : 0;
    struct block_acts acts = {
        .ln1 = lay_floats(layout, N * C),
        .ln1_mean = lay_floats(layout, N),
        .ln1_rstd = lay_floats(layout, N),
        .qkv = lay_floats(layout, N * 3 * C),
        .qk_raw = lay_floats(layout, raw * C),
        .qk_rstd = lay_floats(layout, raw * spec->n_heads),
        .attn = lay_floats(layout, N * C),
        .lse = lay_floats(layout, N * spec->n_heads),
        .middle = lay_floats(layout, N * C),
        .ln2 = lay_floats(layout, N * C),
        .ln2_mean = lay_floats(layout, N),
        .ln2_rstd = lay_floats(layout, N),
        .fc = lay_floats(layout, N * model_fc_width(spec)),
        .act = lay_floats(layout, N * spec->d_ff),
        .out = lay_floats(layout, N * C),
    };
    if (layout->arena.block)
        model->acts[index] = acts;
}

static void lay_acts(struct model *model, struct layout *layout)
{
    const struct trial_spec *spec = &model->spec;
    size_t C = spec->d_model, T = spec->context, N = (size_t)model->micro_batch * T;
    size_t W = model_fc_width(spec), table = 0;
    bool llama = spec->arch == ARCH_LLAMA;
    for (uint32_t i = 0; i < spec->n_layers; i++)
        lay_block_acts(model, layout, i);
    if (llama)
        table = T * (C / spec->n_heads / 2);
    model->cosines = lay_floats(layout, table);
    model->sines = lay_floats(layout, table);
    model->stream = lay_floats(layout, N * C);
    model->lnf_out = lay_floats(layout, N * C);
    model->lnf_mean = lay_floats(layout, N);
    model->lnf_rstd = lay_floats(layout, N);
    model->logits = lay_floats(layout, model->head_rows * spec->vocab);
    model->losses = lay_floats(layout, N);
    model->labels = lay(layout, N, sizeof(uint32_t));
    model->d_stream = lay_floats(layout, N * C);
    model->d_narrow = lay_floats(layout, N * C);
    bool plain = spec->depth_rule == DEPTH_NONE;
    model->d_branch = plain ? model->d_stream : lay_floats(layout, N * C);
    model->d_wide = lay_floats(layout, N * (W > 3 * C ? W : 3 * C));
    model->d_act = llama ? lay_floats(layout, N * spec->d_ff) : model->d_wide;
    model->scratch = lay_floats(layout, attention_scratch(own_by(spec), T, C / spec->n_heads));
}

/* All matrices of a block are d_model by d_model or by d_ff. */
static void lay_muon(struct model *model, struct layout *layout)
{
    const struct trial_spec *spec = &model->spec;
    size_t C = spec->d_model, most = C > spec->d_ff ? C : spec->d_ff;
    if (spec->optimizer == OPTIMIZER_MUON)
        model->muon = lay_floats(layout, newton_schulz_scratch(own_by(spec), C, most));
}

/* Maximum tensors of a block and of the rest. */
enum { BLOCK_TENSORS = 14, OTHER_TENSORS = 5 };

void shapes_lay(struct model *model, struct layout *layout)
{
    size_t layers = model->spec.n_layers, most = layers * BLOCK_TENSORS + OTHER_TENSORS;
    model->params = lay(layout, most, sizeof(*model->params));
    model->names = lay(layout, most, sizeof(*model->names));
    model->blocks = lay(layout, layers, sizeof(*model->blocks));
    model->acts = lay(layout, layers, sizeof(*model->acts));
    model->buckets = lay(layout, layers + 2, sizeof(*model->buckets));
    model->sum.leaves = lay(layout, most, sizeof(*model->sum.leaves));
    lay_params(model, layout);
    lay_acts(model, layout);
    lay_muon(model, layout);
}
