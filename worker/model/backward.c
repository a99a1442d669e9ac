/* The way back, in the reverse order of forward.c. d_stream holds the gradient of the residual
 * stream and is added to by each branch (a norm's backward adds); d_branch is what a branch gets of
 * it; d_narrow, d_act and d_wide are scratch. */
#include <string.h>
#include "kernels/kernels.h"
#include "model/model_state.h"

static void norm(const struct affine *p, float *d_in, const float *d_out, const float *in,
                 const float *mean, const float *rstd, size_t N, size_t C)
{
    if (p->bias)
        layernorm_backward(d_in, p->weight->grad, p->bias->grad, d_out, in, mean, rstd,
                           p->weight->value, N, C);
    else
        rmsnorm_backward(d_in, p->weight->grad, d_out, in, rstd, p->weight->value, N, C);
}

static void linear(struct model *model, enum trial_linear which, const struct affine *p,
                   float *d_in, const float *d_out, const float *in, size_t N)
{
    const struct param *weight = p->weight;
    lap(model, PART_ELEMENTWISE); /* what came before */
    linear_backward_weight(product_by(model, which, PRODUCT_WEIGHT), weight->grad,
                           p->bias ? p->bias->grad : NULL, d_out, in, N, weight->cols,
                           weight->rows);
    lap(model, PART_LINEAR_WEIGHT);
    linear_backward_input(product_by(model, which, PRODUCT_INPUT), d_in, d_out, weight->value, N,
                          weight->cols, weight->rows);
    lap(model, PART_LINEAR_INPUT);
}

static void attention(struct model *model, const struct block_params *p, const struct block_acts *a,
                      uint32_t sequences)
{
    size_t C = model->spec.d_model, T = model->spec.context, H = model->spec.n_heads;
    size_t N = sequences * T;
    float *d_qkv = model->d_wide;
    attention_backward(d_qkv, model->d_narrow, a->qkv, a->attn, a->lse, model->attention_scale,
                       model->scratch, sequences, T, C, H);
    lap(model, PART_ATTENTION);
    if (model->spec.arch == ARCH_LLAMA)
        rope_backward(d_qkv, model->cosines, model->sines, N, T, C, H);
    if (model->spec.qk_norm)
        qk_norm_backward(d_qkv, p->q_norm->grad, p->k_norm->grad, a->qk_raw, a->qk_rstd,
                         p->q_norm->value, p->k_norm->value, N, C, H);
    linear(model, LINEAR_QKV, &p->qkv, model->d_narrow, d_qkv, a->ln1, N);
}

/* Branches that are not scaled take the stream's gradient itself: d_branch is d_stream then. */
static void enter_branch(struct model *model, size_t count)
{
    if (model->d_branch != model->d_stream)
        residual_backward(model->d_branch, model->d_stream, model->residual_scale, count);
}

static void backward_block(struct model *model, const struct block_params *p,
                           const struct block_acts *a, const float *in, uint32_t sequences)
{
    size_t C = model->spec.d_model, F = model->spec.d_ff, N = sequences * model->spec.context;
    enter_branch(model, N * C);
    linear(model, LINEAR_MLP_PROJ, &p->mlp_proj, model->d_act, model->d_branch, a->act, N);
    if (model->spec.arch == ARCH_LLAMA)
        swiglu_backward(model->d_wide, model->d_act, a->fc, N, F);
    else
        gelu_backward(model->d_wide, model->d_act, a->fc, N * F);
    linear(model, LINEAR_FC, &p->fc, model->d_narrow, model->d_wide, a->ln2, N);
    norm(&p->ln2, model->d_stream, model->d_narrow, a->middle, a->ln2_mean, a->ln2_rstd, N, C);

    enter_branch(model, N * C);
    linear(model, LINEAR_ATTN_PROJ, &p->attn_proj, model->d_narrow, model->d_branch, a->attn, N);
    attention(model, p, a, sequences);
    norm(&p->ln1, model->d_stream, model->d_narrow, in, a->ln1_mean, a->ln1_rstd, N, C);
}

void backward_blocks(struct model *model, const uint32_t *tokens, uint32_t sequences)
{
    size_t C = model->spec.d_model, T = model->spec.context, N = sequences * T;
    uint32_t layers = model->spec.n_layers;
    memset(model->d_stream, 0, N * C * sizeof(float));
    norm(&model->lnf, model->d_stream, model->d_narrow, model->acts[layers - 1].out,
         model->lnf_mean, model->lnf_rstd, N, C);
    for (uint32_t i = layers; i-- > 0;)
        backward_block(model, &model->blocks[i], &model->acts[i],
                       i ? model->acts[i - 1].out : model->stream, sequences);
    embedding_backward(model->wte->grad, model->wpe ? model->wpe->grad : NULL, model->d_stream,
                       tokens, T + 1, sequences, T, C);
    lap(model, PART_ELEMENTWISE);
}
