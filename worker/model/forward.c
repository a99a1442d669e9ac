/* From tokens to the normalised end of the residual stream, block by block, keeping what the way
 * back needs. */
#include "kernels/kernels.h"
#include "model/model_state.h"

static void norm(const struct affine *p, float *out, float *mean, float *rstd, const float *in,
                 size_t N, size_t C)
{
    if (p->bias)
        layernorm_forward(out, mean, rstd, in, p->weight->value, p->bias->value, N, C);
    else
        rmsnorm_forward(out, rstd, in, p->weight->value, N, C);
}

static void linear(struct model *model, enum trial_linear which, const struct affine *p, float *out,
                   const float *in, size_t N)
{
    lap(model, PART_ELEMENTWISE); /* what came before */
    linear_forward(product_by(model, which, PRODUCT_FORWARD), out, in, p->weight->value,
                   p->bias ? p->bias->value : NULL, N, p->weight->cols, p->weight->rows);
    lap(model, PART_LINEAR_FORWARD);
}

static void attention(struct model *model, const struct block_params *p, struct block_acts *a,
                      uint32_t sequences)
{
    size_t C = model->spec.d_model, T = model->spec.context, H = model->spec.n_heads;
    size_t N = sequences * T;
    linear(model, LINEAR_QKV, &p->qkv, a->qkv, a->ln1, N);
    if (model->spec.qk_norm)
        qk_norm_forward(a->qkv, a->qk_raw, a->qk_rstd, p->q_norm->value, p->k_norm->value, N, C, H);
    if (model->spec.arch == ARCH_LLAMA)
        rope_forward(a->qkv, model->cosines, model->sines, N, T, C, H);
    lap(model, PART_ELEMENTWISE);
    attention_forward(a->attn, a->lse, a->qkv, model->attention_scale, model->scratch, sequences, T,
                      C, H);
    lap(model, PART_ATTENTION);
}

static void forward_block(struct model *model, const struct block_params *p, struct block_acts *a,
                          const float *in, uint32_t sequences)
{
    size_t C = model->spec.d_model, F = model->spec.d_ff, N = sequences * model->spec.context;
    norm(&p->ln1, a->ln1, a->ln1_mean, a->ln1_rstd, in, N, C);
    attention(model, p, a, sequences);
    linear(model, LINEAR_ATTN_PROJ, &p->attn_proj, a->middle, a->attn, N);
    residual_forward(a->middle, a->middle, in, model->residual_scale, N * C);

    norm(&p->ln2, a->ln2, a->ln2_mean, a->ln2_rstd, a->middle, N, C);
    linear(model, LINEAR_FC, &p->fc, a->fc, a->ln2, N);
    if (model->spec.arch == ARCH_LLAMA)
        swiglu_forward(a->act, a->fc, N, F);
    else
        gelu_forward(a->act, a->fc, N * F);
    linear(model, LINEAR_MLP_PROJ, &p->mlp_proj, a->out, a->act, N);
    residual_forward(a->out, a->out, a->middle, model->residual_scale, N * C);
}

void forward_blocks(struct model *model, const uint32_t *tokens, uint32_t sequences)
{
    size_t C = model->spec.d_model, T = model->spec.context;
    const float *stream = model->stream;
    embedding_forward(model->stream, tokens, T + 1, model->wte->value,
                      model->wpe ? model->wpe->value : NULL, sequences, T, C);
    for (uint32_t i = 0; i < model->spec.n_layers; i++) {
        forward_block(model, &model->blocks[i], &model->acts[i], stream, sequences);
        stream = model->acts[i].out;
    }
    norm(&model->lnf, model->lnf_out, model->lnf_mean, model->lnf_rstd, stream, sequences * T, C);
    lap(model, PART_ELEMENTWISE);
}
