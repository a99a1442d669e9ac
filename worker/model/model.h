#ifndef LRSEARCH_MODEL_H
#define LRSEARCH_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lrsearch/error.h"
#include "lrsearch/trial.h"

/* The compact decoder-only transformer, pre-norm, fp32. Arch gpt (Radford et al. 2019): LayerNorm,
 * GELU, learned positions, biases. Arch llama (Touvron et al. 2023): RMSNorm, SwiGLU, RoPE, no
 * biases. All memory is one arena, sized from the spec and the number of threads.
 */

enum param_group {
    GROUP_EMBEDDING,
    GROUP_HIDDEN,
    GROUP_OUTPUT,
    GROUP_VECTOR, /* norms, biases */
    GROUP_COUNT
};

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
    double eps_factor;   /* times spec->adam_eps; 1 unless completep */
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

/* Adds d(sum of token losses and z-losses)/d(param) * scale to the gradients; returns the sum of
 * token losses, z-losses left out. tokens: (sequences, context + 1). sequences <=
 * model_micro_batch(). */
double model_forward_backward(struct model *model, const uint32_t *tokens, uint32_t sequences,
                              float scale);
/* Losses only: losses[s] = mean over the context of sequence s, nats per token; of the last
 * sequence over its first `last` labels. What stands behind them changes no loss. */
void model_losses(struct model *model, const uint32_t *tokens, uint32_t sequences, uint32_t last,
                  double *losses);

void model_zero_grad(struct model *model);

/* Where the time of a step goes. Laps: what has passed since the last one belongs to the part. */
enum model_part {
    PART_LINEAR_FORWARD,
    PART_LINEAR_INPUT,  /* gradients of a linear layer's input */
    PART_LINEAR_WEIGHT, /* of its weights */
    PART_ATTENTION,
    PART_HEAD, /* output matrix and cross-entropy, forward and back */
    PART_ELEMENTWISE,
    PART_OPTIMIZER, /* by whoever steps: clip, AdamW, clearing of gradients */
    PART_DATA,      /* the same: reading of tokens */
    PART_COUNT
};
struct model_profile {
    double (*now)(void); /* seconds */
    double last, seconds[PART_COUNT];
};
/* Laps from now on go to `profile`, which must outlive the model or the next call; NULL: none. */
void model_set_profile(struct model *model, struct model_profile *profile);
void model_profile_lap(struct model_profile *profile, enum model_part part);

/* What the parametrization gives each kind of tensor, for people; needs no model. */
struct factor_row {
    const char *kind;            /* "hidden" */
    const char *tensors;         /* "attn.qkv, mlp.fc" */
    double init_std, init_value; /* init_std 0: all start at init_value (biases at 0) */
    double lr, decay, eps;       /* times the plan's LR, weight_decay, adam_eps */
};
struct forward_factors {
    double attention; /* times q.k */
    double branch;    /* times what attention and MLP add to the stream */
    double logits;    /* times the output matrix' product */
};
#define MODEL_FACTOR_ROWS 8
size_t model_factors(const struct trial_spec *spec, struct factor_row rows[MODEL_FACTOR_ROWS],
                     struct forward_factors *forward);

/* What a coordinate check looks at (Yang et al. 2022, appendix D): the mean absolute value over
 * tokens and channels of each layer, for one batch. Layers: the embedding; of each block the
 * attention logits, what attention and what the MLP add to the stream, and the stream after it; the
 * output logits. names: model_layer_count() texts of MODEL_LAYER_NAME bytes. */
#define MODEL_LAYER_NAME 32
size_t model_layer_count(const struct model *model);
void model_layer_names(const struct model *model, char (*names)[MODEL_LAYER_NAME]);
void model_layer_means(struct model *model, const uint32_t *tokens, uint32_t sequences,
                       double *means);

#endif
