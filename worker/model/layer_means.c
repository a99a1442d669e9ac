/* Mean absolute activations of each layer, for the coordinate check. Plain loops: it runs on a few
 * small batches only. */
#include "model/layer_means.h"

#include <math.h>
#include <stdio.h>
#include "kernels/kernels.h"
#include "model/model_state.h"

enum { BLOCK_LAYERS = 4 };

size_t model_layer_count(const struct model *model)
{
    return 2 + BLOCK_LAYERS * (size_t)model->spec.n_layers;
}

void model_layer_names(const struct model *model, char (*names)[MODEL_LAYER_NAME])
{
    static const char *const parts[BLOCK_LAYERS] = {"attention logits", "attention", "mlp",
                                                    "stream"};
    size_t next = 0;
    snprintf(names[next++], MODEL_LAYER_NAME, "embedding");
    for (uint32_t i = 0; i < model->spec.n_layers; i++)
        for (size_t j = 0; j < BLOCK_LAYERS; j++)
            snprintf(names[next++], MODEL_LAYER_NAME, "block %u %s", i, parts[j]);
    snprintf(names[next], MODEL_LAYER_NAME, "output logits");
}

static double mean_of(const float *values, size_t count, double scale)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += fabs((double)values[i]);
    return scale * sum / (double)count;
}

static double mean_difference(const float *a, const float *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += fabs((double)a[i] - (double)b[i]);
    return sum / (double)count;
}

/* Over the causal pairs: diagonal and below. */
static double mean_attention_logit(const struct model *model, const float *qkv, uint32_t sequences)
{
    size_t C = model->spec.d_model, T = model->spec.context, H = model->spec.n_heads, D = C / H;
    double sum = 0, count = 0;
    for (size_t row = 0; row < sequences * T * H; row++) {
        size_t h = row % H, t = row / H % T, first = row / H - t;
        const float *q = qkv + (first + t) * 3 * C + h * D;
        for (size_t j = 0; j <= t; j++, count++) {
            const float *k = qkv + (first + j) * 3 * C + C + h * D;
            double dot = 0;
            for (size_t d = 0; d < D; d++)
                dot += (double)q[d] * (double)k[d];
            sum += fabs(dot);
        }
    }
    return (double)model->attention_scale * sum / count;
}

static double mean_output_logit(struct model *model, size_t rows)
{
    size_t C = model->spec.d_model, V = model->spec.vocab;
    double sum = 0;
    for (size_t first = 0; first < rows; first += model->head_rows) {
        size_t count = rows - first < model->head_rows ? rows - first : model->head_rows;
        linear_forward(product_by(model, LINEAR_OUTPUT, PRODUCT_FORWARD), model->logits,
                       model->lnf_out + first * C, model->head->value, NULL, count, C, V);
        sum += mean_of(model->logits, count * V, (double)model->logit_scale) * (double)count;
    }
    return sum / (double)rows;
}

void model_layer_means(struct model *model, const uint32_t *tokens, uint32_t sequences,
                       double *means)
{
    size_t C = model->spec.d_model, N = (size_t)sequences * model->spec.context;
    const float *in = model->stream;
    forward_blocks(model, tokens, sequences);
    *means++ = mean_of(in, N * C, 1);
    for (uint32_t i = 0; i < model->spec.n_layers; i++) {
        const struct block_acts *a = &model->acts[i];
        *means++ = mean_attention_logit(model, a->qkv, sequences);
        *means++ = mean_difference(a->middle, in, N * C);
        *means++ = mean_difference(a->out, a->middle, N * C);
        *means++ = mean_of(a->out, N * C, 1);
        in = a->out;
    }
    *means = mean_output_logit(model, N);
}
