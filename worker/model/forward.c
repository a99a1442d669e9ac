/* From tokens to the normalised end of the residual stream, block by block, keeping what the way
 * back needs. */
#include "kernels/kernels.h"
#include "model/model_state.h"

static void forward_block(struct model *model, const struct block_params *p, struct block_acts *a,
                          const float *in, uint32_t sequences)
{
    size_t C = model->spec.d_model, T = model->spec.context, H = model->spec.n_heads;
    size_t N = sequences * T;
    layernorm_forward(a->ln1, a->ln1_mean, a->ln1_rstd, in, p->ln1_weight->value,
                      p->ln1_bias->value, N, C);
    linear_forward(a->qkv, a->ln1, p->qkv_weight->value, p->qkv_bias->value, N, C, 3 * C);
    attention_forward(a->attn, a->lse, a->qkv, model->attention_scale, model->scratch, sequences, T,
                      C, H);
    linear_forward(a->middle, a->attn, p->attn_proj_weight->value, p->attn_proj_bias->value, N, C,
                   C);
    residual_forward(a->middle, a->middle, in, N * C);

    layernorm_forward(a->ln2, a->ln2_mean, a->ln2_rstd, a->middle, p->ln2_weight->value,
                      p->ln2_bias->value, N, C);
    linear_forward(a->fc, a->ln2, p->fc_weight->value, p->fc_bias->value, N, C, 4 * C);
    gelu_forward(a->gelu, a->fc, N * 4 * C);
    linear_forward(a->out, a->gelu, p->mlp_proj_weight->value, p->mlp_proj_bias->value, N, 4 * C,
                   C);
    residual_forward(a->out, a->out, a->middle, N * C);
}

void forward_blocks(struct model *model, const uint32_t *tokens, uint32_t sequences)
{
    size_t C = model->spec.d_model, T = model->spec.context;
    const float *stream = model->stream;
    embedding_forward(model->stream, tokens, T + 1, model->wte->value, model->wpe->value, sequences,
                      T, C);
    for (uint32_t i = 0; i < model->spec.n_layers; i++) {
        forward_block(model, &model->blocks[i], &model->acts[i], stream, sequences);
        stream = model->acts[i].out;
    }
    layernorm_forward(model->lnf, model->lnf_mean, model->lnf_rstd, stream,
                      model->lnf_weight->value, model->lnf_bias->value, sequences * T, C);
}
