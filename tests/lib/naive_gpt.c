#include "naive_gpt.h"

#include "cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "kernels/ref/ref.h"

struct tensor {
    char name[64];
    size_t count;
    double *value, *grad, *m, *v;
    double decay; /* times weight_decay */
};

/* What the way back needs of a block; N = sequences * context rows. */
struct acts {
    double *in, *ln1, *qkv, *attn, *middle, *ln2, *fc, *act;
};

struct naive_gpt {
    struct trial_spec spec;
    size_t tensors, N;
    struct tensor *tensor;
    struct acts *acts;
};

static double *zeros(size_t count)
{
    double *values = calloc(count, sizeof(*values));
    assert_non_null(values);
    return values;
}

struct naive_gpt *naive_gpt_create(struct model *model, const struct trial_spec *spec)
{
    struct naive_gpt *naive = calloc(1, sizeof(*naive));
    assert_non_null(naive);
    naive->spec = *spec;
    naive->tensors = model_param_count(model);
    naive->tensor = calloc(naive->tensors, sizeof(*naive->tensor));
    naive->acts = calloc(spec->n_layers, sizeof(*naive->acts));
    assert_true(naive->tensor && naive->acts);
    for (size_t i = 0; i < naive->tensors; i++) {
        const struct param *from = model_param(model, i);
        struct tensor *t = &naive->tensor[i];
        snprintf(t->name, sizeof(t->name), "%s", from->name);
        t->count = from->count;
        t->decay = from->cols > 1 ? 1 : 0;
        double **all[] = {&t->value, &t->grad, &t->m, &t->v};
        for (size_t a = 0; a < 4; a++)
            *all[a] = zeros(t->count);
        for (size_t j = 0; j < t->count; j++)
            t->value[j] = (double)from->value[j];
    }
    size_t N = naive->N = spec->batch_tokens, C = spec->d_model, F = spec->d_ff;
    for (uint32_t l = 0; l < spec->n_layers; l++)
        naive->acts[l] = (struct acts){zeros(N * C), zeros(N * C), zeros(N * 3 * C), zeros(N * C),
                                       zeros(N * C), zeros(N * C), zeros(N * F),     zeros(N * F)};
    return naive;
}

void naive_gpt_destroy(struct naive_gpt *naive)
{
    for (size_t i = 0; i < naive->tensors; i++) {
        struct tensor *t = &naive->tensor[i];
        free(t->value), free(t->grad), free(t->m), free(t->v);
    }
    for (uint32_t l = 0; l < naive->spec.n_layers; l++) {
        struct acts *a = &naive->acts[l];
        free(a->in), free(a->ln1), free(a->qkv), free(a->attn);
        free(a->middle), free(a->ln2), free(a->fc), free(a->act);
    }
    free(naive->tensor);
    free(naive->acts);
    free(naive);
}

/* "blocks.1." "mlp.fc" ".weight"; block -1: no prefix. */
static struct tensor *find(struct naive_gpt *naive, int block, const char *name, const char *kind)
{
    char wanted[64], prefix[24] = "";
    if (block >= 0)
        snprintf(prefix, sizeof(prefix), "blocks.%d.", block);
    snprintf(wanted, sizeof(wanted), "%s%s.%s", prefix, name, kind);
    for (size_t i = 0; i < naive->tensors; i++)
        if (strcmp(naive->tensor[i].name, wanted) == 0)
            return &naive->tensor[i];
    fail_msg("%s is missing", wanted);
    return NULL;
}

/* ---- layers: forward by the twins of the kernels, backward here ---- */

static void linear(struct naive_gpt *naive, int block, const char *name, double *out,
                   const double *in, size_t K, size_t M)
{
    ref_linear_forward(out, in, find(naive, block, name, "weight")->value,
                       find(naive, block, name, "bias")->value, naive->N, K, M);
}

static void linear_back(double *d_in, double *d_weight, double *d_bias, const double *d_out,
                        const double *in, const double *weight, size_t N, size_t K, size_t M)
{
    memset(d_in, 0, N * K * sizeof(*d_in));
    for (size_t n = 0; n < N; n++)
        for (size_t m = 0; m < M; m++) {
            double d = d_out[n * M + m];
            if (d_bias)
                d_bias[m] += d;
            for (size_t k = 0; k < K; k++) {
                d_in[n * K + k] += d * weight[m * K + k];
                d_weight[m * K + k] += d * in[n * K + k];
            }
        }
}

static void named_linear_back(struct naive_gpt *naive, int block, const char *name, double *d_in,
                              const double *d_out, const double *in, size_t K, size_t M)
{
    struct tensor *weight = find(naive, block, name, "weight");
    linear_back(d_in, weight->grad, find(naive, block, name, "bias")->grad, d_out, in,
                weight->value, naive->N, K, M);
}

static void norm(struct naive_gpt *naive, int block, const char *name, double *out,
                 const double *in)
{
    ref_layernorm_forward(out, in, find(naive, block, name, "weight")->value,
                          find(naive, block, name, "bias")->value, naive->N, naive->spec.d_model);
}

/* Adds to d_in. */
static void norm_back(struct naive_gpt *naive, int block, const char *name, double *d_in,
                      const double *d_out, const double *in)
{
    size_t C = naive->spec.d_model;
    struct tensor *weight = find(naive, block, name, "weight");
    struct tensor *bias = find(naive, block, name, "bias");
    for (size_t n = 0; n < naive->N; n++, in += C, d_out += C, d_in += C) {
        double mean = 0, variance = 0, along = 0, across = 0;
        for (size_t c = 0; c < C; c++)
            mean += in[c] / (double)C;
        for (size_t c = 0; c < C; c++)
            variance += (in[c] - mean) * (in[c] - mean) / (double)C;
        double rstd = 1 / sqrt(variance + 1e-5);
        for (size_t c = 0; c < C; c++) {
            double hat = (in[c] - mean) * rstd, d_hat = d_out[c] * weight->value[c];
            weight->grad[c] += d_out[c] * hat;
            bias->grad[c] += d_out[c];
            along += d_hat / (double)C;
            across += d_hat * hat / (double)C;
        }
        for (size_t c = 0; c < C; c++)
            d_in[c] +=
                rstd * (d_out[c] * weight->value[c] - along - (in[c] - mean) * rstd * across);
    }
}

static void gelu_back(double *d_in, const double *d_out, const double *in, size_t count)
{
    const double root = sqrt(2 / 3.14159265358979323846);
    for (size_t i = 0; i < count; i++) {
        double x = in[i], t = tanh(root * (x + 0.044715 * x * x * x));
        d_in[i] =
            d_out[i] * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * root * (1 + 3 * 0.044715 * x * x));
    }
}

/* One query row: probabilities p of keys 0 .. i, then d_score = p (d_p - sum(p d_p)). */
static void attention_row_back(double *d_qkv, const double *d_out, const double *qkv, size_t i,
                               size_t C, size_t D, double *p, double *d_p)
{
    const double scale = 1 / sqrt((double)D), *q = qkv + i * 3 * C;
    double total = 0, mean = 0;
    for (size_t j = 0; j <= i; j++) {
        const double *k = qkv + j * 3 * C + C, *v = k + C;
        double score = d_p[j] = 0;
        for (size_t d = 0; d < D; d++) {
            score += q[d] * k[d];
            d_p[j] += d_out[d] * v[d];
        }
        total += p[j] = exp(scale * score);
    }
    for (size_t j = 0; j <= i; j++)
        mean += d_p[j] * (p[j] /= total);
    for (size_t j = 0; j <= i; j++) {
        const double *k = qkv + j * 3 * C + C;
        double *d_q = d_qkv + i * 3 * C, *d_k = d_qkv + j * 3 * C + C, *d_v = d_k + C;
        double d_score = p[j] * (d_p[j] - mean) * scale;
        for (size_t d = 0; d < D; d++) {
            d_q[d] += d_score * k[d];
            d_k[d] += d_score * q[d];
            d_v[d] += p[j] * d_out[d];
        }
    }
}

static void attention_back(struct naive_gpt *naive, double *d_qkv, const double *d_out,
                           const double *qkv)
{
    size_t C = naive->spec.d_model, T = naive->spec.context, H = naive->spec.n_heads, D = C / H;
    double *p = zeros(T), *d_p = zeros(T);
    memset(d_qkv, 0, naive->N * 3 * C * sizeof(*d_qkv));
    for (size_t b = 0; b < naive->N / T; b++)
        for (size_t h = 0; h < H; h++)
            for (size_t i = 0; i < T; i++)
                attention_row_back(d_qkv + b * T * 3 * C + h * D, d_out + (b * T + i) * C + h * D,
                                   qkv + b * T * 3 * C + h * D, i, C, D, p, d_p);
    free(p);
    free(d_p);
}

static void add(double *sum, const double *with, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sum[i] += with[i];
}

/* ---- the model ---- */

static void block_forward(struct naive_gpt *naive, int block, double *stream)
{
    const struct trial_spec *spec = &naive->spec;
    size_t C = spec->d_model, F = spec->d_ff, T = spec->context, NC = naive->N * C;
    struct acts *a = &naive->acts[block];
    double *branch = zeros(NC);
    memcpy(a->in, stream, NC * sizeof(*stream));
    norm(naive, block, "ln1", a->ln1, a->in);
    linear(naive, block, "attn.qkv", a->qkv, a->ln1, C, 3 * C);
    ref_attention_forward(a->attn, a->qkv, 1 / sqrt((double)(C / spec->n_heads)), naive->N / T, T,
                          C, spec->n_heads);
    linear(naive, block, "attn.proj", branch, a->attn, C, C);
    add(stream, branch, NC);
    memcpy(a->middle, stream, NC * sizeof(*stream));
    norm(naive, block, "ln2", a->ln2, a->middle);
    linear(naive, block, "mlp.fc", a->fc, a->ln2, C, F);
    ref_gelu_forward(a->act, a->fc, naive->N * F);
    linear(naive, block, "mlp.proj", branch, a->act, F, C);
    add(stream, branch, NC);
    free(branch);
}

static void block_back(struct naive_gpt *naive, int block, double *d_stream)
{
    size_t N = naive->N, C = naive->spec.d_model, F = naive->spec.d_ff;
    struct acts *a = &naive->acts[block];
    double *d_act = zeros(N * F), *d_wide = zeros(N * (F > 3 * C ? F : 3 * C));
    double *d_narrow = zeros(N * C);
    named_linear_back(naive, block, "mlp.proj", d_act, d_stream, a->act, F, C);
    gelu_back(d_wide, d_act, a->fc, N * F);
    named_linear_back(naive, block, "mlp.fc", d_narrow, d_wide, a->ln2, C, F);
    norm_back(naive, block, "ln2", d_stream, d_narrow, a->middle);
    named_linear_back(naive, block, "attn.proj", d_narrow, d_stream, a->attn, C, C);
    attention_back(naive, d_wide, d_narrow, a->qkv);
    named_linear_back(naive, block, "attn.qkv", d_narrow, d_wide, a->ln1, C, 3 * C);
    norm_back(naive, block, "ln1", d_stream, d_narrow, a->in);
    free(d_act);
    free(d_wide);
    free(d_narrow);
}

static uint32_t token_of(const struct naive_gpt *naive, const uint32_t *tokens, size_t n, size_t on)
{
    size_t T = naive->spec.context;
    return tokens[n / T * (T + 1) + n % T + on];
}

/* d_logits = (softmax - one at the label) / N; returns the mean loss. */
static double head(struct naive_gpt *naive, double *d_stream, const double *in,
                   const uint32_t *tokens)
{
    size_t N = naive->N, C = naive->spec.d_model, V = naive->spec.vocab;
    struct tensor *weight = find(naive, -1, "head", "weight");
    double *logits = zeros(N * V), mean = 0;
    ref_linear_forward(logits, in, weight->value, NULL, N, C, V);
    for (size_t n = 0; n < N; n++) {
        double *row = logits + n * V, total = 0;
        uint32_t label = token_of(naive, tokens, n, 1);
        mean -= row[label] / (double)N;
        for (size_t v = 0; v < V; v++)
            total += row[v] = exp(row[v]);
        mean += log(total) / (double)N;
        for (size_t v = 0; v < V; v++)
            row[v] = (row[v] / total - (v == label)) / (double)N;
    }
    linear_back(d_stream, weight->grad, NULL, logits, in, weight->value, N, C, V);
    free(logits);
    return mean;
}

static double forward_and_back(struct naive_gpt *naive, const uint32_t *tokens)
{
    size_t N = naive->N, C = naive->spec.d_model, T = naive->spec.context;
    struct tensor *wte = find(naive, -1, "wte", "weight"), *wpe = find(naive, -1, "wpe", "weight");
    int layers = (int)naive->spec.n_layers;
    double *stream = zeros(N * C), *last = zeros(N * C), *d_last = zeros(N * C);
    double *d_stream = zeros(N * C);
    for (size_t n = 0; n < N; n++)
        for (size_t c = 0; c < C; c++)
            stream[n * C + c] =
                wte->value[token_of(naive, tokens, n, 0) * C + c] + wpe->value[n % T * C + c];
    for (int block = 0; block < layers; block++)
        block_forward(naive, block, stream);
    norm(naive, -1, "lnf", last, stream);
    double loss = head(naive, d_last, last, tokens);
    norm_back(naive, -1, "lnf", d_stream, d_last, stream);
    for (int block = layers; block-- > 0;)
        block_back(naive, block, d_stream);
    for (size_t n = 0; n < N; n++)
        for (size_t c = 0; c < C; c++) {
            wte->grad[token_of(naive, tokens, n, 0) * C + c] += d_stream[n * C + c];
            wpe->grad[n % T * C + c] += d_stream[n * C + c];
        }
    free(stream);
    free(last);
    free(d_last);
    free(d_stream);
    return loss;
}

static void adamw(struct tensor *t, const struct trial_spec *spec, double lr, double shrink,
                  uint64_t step)
{
    for (size_t i = 0; i < t->count; i++) {
        double g = t->grad[i] * shrink;
        t->m[i] = spec->beta1 * t->m[i] + (1 - spec->beta1) * g;
        t->v[i] = spec->beta2 * t->v[i] + (1 - spec->beta2) * g * g;
        double m_hat = t->m[i] / (1 - pow(spec->beta1, (double)step));
        double v_hat = t->v[i] / (1 - pow(spec->beta2, (double)step));
        t->value[i] -= lr * (m_hat / (sqrt(v_hat) + spec->adam_eps) +
                             t->decay * spec->weight_decay * t->value[i]);
        t->grad[i] = 0;
    }
}

double naive_gpt_step(struct naive_gpt *naive, const uint32_t *tokens, double schedule,
                      uint64_t step)
{
    const struct trial_spec *spec = &naive->spec;
    double loss = forward_and_back(naive, tokens), squares = 0;
    for (size_t i = 0; i < naive->tensors; i++)
        for (size_t j = 0; j < naive->tensor[i].count; j++)
            squares += naive->tensor[i].grad[j] * naive->tensor[i].grad[j];
    double norm_of_all = sqrt(squares);
    double shrink = norm_of_all > spec->clip ? spec->clip / norm_of_all : 1;
    for (size_t i = 0; i < naive->tensors; i++)
        adamw(&naive->tensor[i], spec, spec->lr * schedule, shrink, step);
    return loss;
}
