/* Forward and backward pass, from tokens to losses and gradients. forward_blocks() keeps what the
 * backward pass needs; head_losses() is the output matrix with softmax and loss; backward_blocks()
 * runs in reverse order. There d_stream holds the gradient of the residual stream, and each branch
 * adds to it (a norm's backward adds); d_branch is a branch's share of it; d_narrow, d_act and
 * d_wide are scratch. */
#include <assert.h>
#include <string.h>
#include "kernels/kernels.h"
#include "model/model_state.h"

/* ---- forward ---- */

static void norm_forward(const struct affine *p, float *out, float *mean, float *rstd,
                         const float *in, size_t N, size_t C)
{
    if (p->bias)
        layernorm_forward(out, mean, rstd, in, p->weight->value, p->bias->value, N, C);
    else
        rmsnorm_forward(out, rstd, in, p->weight->value, N, C);
}

static void affine_forward(struct model *model, enum trial_linear which, const struct affine *p,
                           float *out, const float *in, size_t N)
{
    model_lap(model, PART_ELEMENTWISE); /* what came before */
    linear_forward(product_by(model, which, PRODUCT_FORWARD), out, in, p->weight->value,
                   p->bias ? p->bias->value : NULL, N, p->weight->cols, p->weight->rows);
    model_lap(model, PART_LINEAR_FORWARD);
}

static void attend_forward(struct model *model, const struct block_params *p, struct block_acts *a,
                           uint32_t sequences)
{
    size_t C = model->spec.d_model, T = model->spec.context, H = model->spec.n_heads;
    size_t N = sequences * T;
    affine_forward(model, LINEAR_QKV, &p->qkv, a->qkv, a->ln1, N);
    if (model->spec.qk_norm)
        qk_norm_forward(a->qkv, a->qk_raw, a->qk_rstd, p->q_norm->value, p->k_norm->value, N, C, H);
    if (model->spec.arch == ARCH_LLAMA)
        rope_forward(a->qkv, model->cosines, model->sines, N, T, C, H);
    model_lap(model, PART_ELEMENTWISE);
    attention_forward(own_by(&model->spec), a->attn, a->lse, a->qkv, model->attention_scale,
                      model->scratch, sequences, T, C, H);
    model_lap(model, PART_ATTENTION);
}

static void block_forward(struct model *model, const struct block_params *p, struct block_acts *a,
                          const float *in, uint32_t sequences)
{
    size_t C = model->spec.d_model, F = model->spec.d_ff, N = sequences * model->spec.context;
    norm_forward(&p->ln1, a->ln1, a->ln1_mean, a->ln1_rstd, in, N, C);
    attend_forward(model, p, a, sequences);
    affine_forward(model, LINEAR_ATTN_PROJ, &p->attn_proj, a->middle, a->attn, N);
    residual_forward(a->middle, a->middle, in, model->residual_scale, N * C);

    norm_forward(&p->ln2, a->ln2, a->ln2_mean, a->ln2_rstd, a->middle, N, C);
    affine_forward(model, LINEAR_FC, &p->fc, a->fc, a->ln2, N);
    if (model->spec.arch == ARCH_LLAMA)
        swiglu_forward(a->act, a->fc, N, F);
    else
        gelu_forward(a->act, a->fc, N * F);
    affine_forward(model, LINEAR_MLP_PROJ, &p->mlp_proj, a->out, a->act, N);
    residual_forward(a->out, a->out, a->middle, model->residual_scale, N * C);
}

void forward_blocks(struct model *model, const uint32_t *tokens, uint32_t sequences)
{
    size_t C = model->spec.d_model, T = model->spec.context;
    const float *stream = model->stream;
    assert(sequences >= 1 && sequences <= model->micro_batch);
    embedding_forward(model->stream, tokens, T + 1, model->wte->value,
                      model->wpe ? model->wpe->value : NULL, sequences, T, C);
    for (uint32_t i = 0; i < model->spec.n_layers; i++) {
        block_forward(model, &model->blocks[i], &model->acts[i], stream, sequences);
        stream = model->acts[i].out;
    }
    norm_forward(&model->lnf, model->lnf_out, model->lnf_mean, model->lnf_rstd, stream,
                 sequences * T, C);
    model_lap(model, PART_ELEMENTWISE);
}

/* ---- the head ---- */

/* Writes the loss of each row to model->losses; with scale != 0 also adds the head's gradient and
 * sets model->d_narrow to d(lnf_out). Works in blocks of rows, forward and back for each: the
 * logits of a whole batch would be the largest array of all. */
static void head_losses(struct model *model, const uint32_t *tokens, uint32_t sequences,
                        float scale)
{
    size_t C = model->spec.d_model, T = model->spec.context, V = model->spec.vocab;
    size_t N = sequences * T;
    for (size_t n = 0; n < N; n++) /* the label is the next token */
        model->labels[n] = tokens[n / T * (T + 1) + n % T + 1];
    for (size_t first = 0; first < N; first += model->head_rows) {
        size_t rows = N - first < model->head_rows ? N - first : model->head_rows;
        const float *in = model->lnf_out + first * C;
        linear_forward(product_by(model, LINEAR_OUTPUT, PRODUCT_FORWARD), model->logits, in,
                       model->head->value, NULL, rows, C, V);
        cross_entropy(model->losses + first, model->logits, model->labels + first,
                      model->logit_scale, (float)model->spec.z_loss, scale, rows, V);
        if (scale == 0.0f)
            continue;
        linear_backward_weight(product_by(model, LINEAR_OUTPUT, PRODUCT_WEIGHT),
                               gradient_of(model, model->head), NULL, model->logits, in,
                               first > 0 || gradients_add(model), rows, C, V);
        linear_backward_input(product_by(model, LINEAR_OUTPUT, PRODUCT_INPUT),
                              model->d_narrow + first * C, model->logits, model->head->value, rows,
                              C, V);
    }
    if (scale != 0.0f && model->head != model->wte)
        gradient_done(model, model->head);
    model_lap(model, PART_HEAD);
}

/* ---- backward ---- */

static void norm_backward(struct model *model, const struct affine *p, float *d_in,
                          const float *d_out, const float *in, const float *mean, const float *rstd,
                          size_t N, size_t C)
{
    float *d_weight = gradient_cleared(model, p->weight);
    if (p->bias)
        layernorm_backward(d_in, d_weight, gradient_cleared(model, p->bias), d_out, in, mean, rstd,
                           p->weight->value, N, C);
    else
        rmsnorm_backward(d_in, d_weight, d_out, in, rstd, p->weight->value, N, C);
    gradient_done(model, p->weight);
    gradient_done(model, p->bias);
}

static void affine_backward(struct model *model, enum trial_linear which, const struct affine *p,
                            float *d_in, const float *d_out, const float *in, size_t N)
{
    const struct param *weight = p->weight;
    model_lap(model, PART_ELEMENTWISE); /* what came before */
    linear_backward_weight(product_by(model, which, PRODUCT_WEIGHT), gradient_of(model, weight),
                           p->bias ? gradient_cleared(model, p->bias) : NULL, d_out, in,
                           gradients_add(model), N, weight->cols, weight->rows);
    gradient_done(model, weight);
    gradient_done(model, p->bias);
    model_lap(model, PART_LINEAR_WEIGHT);
    linear_backward_input(product_by(model, which, PRODUCT_INPUT), d_in, d_out, weight->value, N,
                          weight->cols, weight->rows);
    model_lap(model, PART_LINEAR_INPUT);
}

static void attend_backward(struct model *model, const struct block_params *p,
                            const struct block_acts *a, uint32_t sequences)
{
    size_t C = model->spec.d_model, T = model->spec.context, H = model->spec.n_heads;
    size_t N = sequences * T;
    float *d_qkv = model->d_wide;
    attention_backward(own_by(&model->spec), d_qkv, model->d_narrow, a->qkv, a->attn, a->lse,
                       model->attention_scale, model->scratch, sequences, T, C, H);
    model_lap(model, PART_ATTENTION);
    if (model->spec.arch == ARCH_LLAMA)
        rope_backward(d_qkv, model->cosines, model->sines, N, T, C, H);
    if (model->spec.qk_norm)
        qk_norm_backward(d_qkv, gradient_cleared(model, p->q_norm),
                         gradient_cleared(model, p->k_norm), a->qk_raw, a->qk_rstd,
                         p->q_norm->value, p->k_norm->value, N, C, H);
    gradient_done(model, p->q_norm);
    gradient_done(model, p->k_norm);
    affine_backward(model, LINEAR_QKV, &p->qkv, model->d_narrow, d_qkv, a->ln1, N);
}

/* Unscaled branches use the stream's gradient itself: d_branch is then d_stream. */
static void enter_branch(struct model *model, size_t count)
{
    if (model->d_branch != model->d_stream)
        residual_backward(model->d_branch, model->d_stream, model->residual_scale, count);
}

static void block_backward(struct model *model, const struct block_params *p,
                           const struct block_acts *a, const float *in, uint32_t sequences)
{
    size_t C = model->spec.d_model, F = model->spec.d_ff, N = sequences * model->spec.context;
    enter_branch(model, N * C);
    affine_backward(model, LINEAR_MLP_PROJ, &p->mlp_proj, model->d_act, model->d_branch, a->act, N);
    if (model->spec.arch == ARCH_LLAMA)
        swiglu_backward(model->d_wide, model->d_act, a->fc, N, F);
    else
        gelu_backward(model->d_wide, model->d_act, a->fc, N * F);
    affine_backward(model, LINEAR_FC, &p->fc, model->d_narrow, model->d_wide, a->ln2, N);
    norm_backward(model, &p->ln2, model->d_stream, model->d_narrow, a->middle, a->ln2_mean,
                  a->ln2_rstd, N, C);

    enter_branch(model, N * C);
    affine_backward(model, LINEAR_ATTN_PROJ, &p->attn_proj, model->d_narrow, model->d_branch,
                    a->attn, N);
    attend_backward(model, p, a, sequences);
    norm_backward(model, &p->ln1, model->d_stream, model->d_narrow, in, a->ln1_mean, a->ln1_rstd, N,
                  C);
}

/* Runs from d(lnf_out) in d_narrow back to the embedding. */
static void backward_blocks(struct model *model, const uint32_t *tokens, uint32_t sequences)
{
    size_t C = model->spec.d_model, T = model->spec.context, N = sequences * T;
    uint32_t layers = model->spec.n_layers;
    memset(model->d_stream, 0, N * C * sizeof(float));
    norm_backward(model, &model->lnf, model->d_stream, model->d_narrow, model->acts[layers - 1].out,
                  model->lnf_mean, model->lnf_rstd, N, C);
    size_t bucket = model->bucket_count - 1; /* the head's */
    gradients_complete(model, bucket);
    for (uint32_t i = layers; i-- > 0;) {
        const struct param *first = model->blocks[i].ln1.weight;
        block_backward(model, &model->blocks[i], &model->acts[i],
                       i ? model->acts[i - 1].out : model->stream, sequences);
        if (first == model->params + model->buckets[bucket - 1].first)
            gradients_complete(model, --bucket);
    }
    bool tied = model->head == model->wte; /* then the head's share is there */
    embedding_backward(tied ? gradient_of(model, model->wte) : gradient_cleared(model, model->wte),
                       model->wpe ? gradient_cleared(model, model->wpe) : NULL, model->d_stream,
                       tokens, T + 1, sequences, T, C);
    gradient_done(model, model->wte);
    gradient_done(model, model->wpe);
    gradients_complete(model, 0);
    model_lap(model, PART_ELEMENTWISE);
}

/* ---- both ---- */

double model_forward_backward(struct model *model, const uint32_t *tokens, uint32_t sequences,
                              float scale)
{
    return model_slice_part(model, tokens, sequences, scale, &(struct slice_part){.slice = 0});
}

double model_slice_part(struct model *model, const uint32_t *tokens, uint32_t sequences,
                        float scale, const struct slice_part *part)
{
    double sum = 0;
    gradients_begin(model, part);
    forward_blocks(model, tokens, sequences);
    head_losses(model, tokens, sequences, scale);
    if (scale != 0.0f) /* with 0 head_losses() computes no gradient */
        backward_blocks(model, tokens, sequences);
    for (size_t n = 0; n < (size_t)sequences * model->spec.context; n++)
        sum += (double)model->losses[n];
    return sum;
}

void model_losses(struct model *model, const uint32_t *tokens, uint32_t sequences, uint32_t last,
                  double *losses)
{
    size_t T = model->spec.context;
    forward_blocks(model, tokens, sequences);
    head_losses(model, tokens, sequences, 0.0f);
    for (uint32_t s = 0; s < sequences; s++) {
        size_t labels = s + 1 == sequences ? last : T;
        losses[s] = 0;
        for (size_t t = 0; t < labels; t++)
            losses[s] += (double)model->losses[s * T + t];
        losses[s] /= (double)labels;
    }
}
