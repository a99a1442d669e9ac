#ifndef LRSEARCH_MODEL_H
#define LRSEARCH_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lrsearch/error.h"
#include "lrsearch/trial.h"

/* The compact decoder-only transformer, pre-norm, fp32. Arch gpt (Radford et al. 2019): LayerNorm,
 * GELU, learned positions, biases, untied embedding. All memory is one arena, sized from the spec.
 */

enum param_group { GROUP_EMBEDDING, GROUP_HIDDEN, GROUP_OUTPUT, GROUP_VECTOR /* norms, biases */ };

struct param {        /* one tensor; all pointers are the model's */
    const char *name; /* "blocks.0.attn.qkv.weight", ... */
    enum param_group group;
    uint32_t rows, cols; /* cols = 1 for a vector */
    size_t count;
    float *value, *grad; /* (rows, cols) */
    float *m, *v;        /* Adam's moments */
    double init_std;     /* 0: constant init_value */
    double init_value;
    double lr_factor;    /* this tensor's LR / spec->lr, by the parametrization */
    double decay_factor; /* times spec->weight_decay; 0 for norms and biases */
};

struct model;

int model_create(struct model **out, const struct trial_spec *spec, struct lr_error *err);
void model_destroy(struct model *model);
size_t model_bytes(const struct model *model);

size_t model_param_count(const struct model *model);
struct param *model_param(struct model *model, size_t index);

void model_init(struct model *model, uint64_t seed); /* weights by seed, moments and grads zero */

/* Sequences that one call of model_forward_backward() takes at most: micro-batch, a function of the
 * spec alone, so that sums come in the same order everywhere. */
uint32_t model_micro_batch(const struct model *model);

/* Adds d(sum of token losses)/d(param) * scale to the gradients; returns the sum of token losses.
 * tokens: (sequences, context + 1). sequences <= model_micro_batch(). */
double model_forward_backward(struct model *model, const uint32_t *tokens, uint32_t sequences,
                              float scale);
/* Losses only: losses[s] = mean over the context of sequence s, nats per token. */
void model_losses(struct model *model, const uint32_t *tokens, uint32_t sequences, double *losses);

void model_zero_grad(struct model *model);

#endif
