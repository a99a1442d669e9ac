/* The way back, in the reverse order of forward.c. d_stream holds the gradient of the residual
 * stream and is added to by each branch (LayerNorm's backward adds); d_narrow and d_wide are
 * scratch. */
#include <string.h>
#include "kernels/kernels.h"
#include "model/model_state.h"

static void backward_linear(struct param *weight, struct param *bias, float *d_in,
                            const float *d_out, const float *in, size_t N)
{
    linear_backward_weight(weight->grad, bias->grad, d_out, in, N, weight->cols, weight->rows);
    linear_backward_input(d_in, d_out, weight->value, N, weight->cols, weight->rows);
}

static void backward_block(struct model *model, const struct block_params *p,
                           const struct block_acts *a, const float *in, uint32_t sequences)
{
    size_t C = model->spec.d_model, T = model->spec.context, H = model->spec.n_heads;
    size_t N = sequences * T;
    float *d_stream = model->d_stream, *d_narrow = model->d_narrow, *d_wide = model->d_wide;

    backward_linear(p->mlp_proj_weight, p->mlp_proj_bias, d_wide, d_stream, a->gelu, N);
    gelu_backward(d_wide, d_wide, a->fc, N * 4 * C);
    backward_linear(p->fc_weight, p->fc_bias, d_narrow, d_wide, a->ln2, N);
    layernorm_backward(d_stream, p->ln2_weight->grad, p->ln2_bias->grad, d_narrow, a->middle,
                       a->ln2_mean, a->ln2_rstd, p->ln2_weight->value, N, C);

    backward_linear(p->attn_proj_weight, p->attn_proj_bias, d_narrow, d_stream, a->attn, N);
    attention_backward(d_wide, d_narrow, a->qkv, a->attn, a->lse, model->attention_scale,
                       model->scratch, sequences, T, C, H);
    backward_linear(p->qkv_weight, p->qkv_bias, d_narrow, d_wide, a->ln1, N);
    layernorm_backward(d_stream, p->ln1_weight->grad, p->ln1_bias->grad, d_narrow, in, a->ln1_mean,
                       a->ln1_rstd, p->ln1_weight->value, N, C);
}

void backward_blocks(struct model *model, const uint32_t *tokens, uint32_t sequences)
{
    size_t C = model->spec.d_model, T = model->spec.context, N = sequences * T;
    uint32_t layers = model->spec.n_layers;
    memset(model->d_stream, 0, N * C * sizeof(float));
    layernorm_backward(model->d_stream, model->lnf_weight->grad, model->lnf_bias->grad,
                       model->d_narrow, model->acts[layers - 1].out, model->lnf_mean,
                       model->lnf_rstd, model->lnf_weight->value, N, C);
    for (uint32_t i = layers; i-- > 0;)
        backward_block(model, &model->blocks[i], &model->acts[i],
                       i ? model->acts[i - 1].out : model->stream, sequences);
    embedding_backward(model->wte->grad, model->wpe->grad, model->d_stream, tokens, T + 1,
                       sequences, T, C);
}
