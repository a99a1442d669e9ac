#ifndef LRSEARCH_MODEL_H
#define LRSEARCH_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lrsearch/error.h"
#include "lrsearch/trial.h"

/* The compact decoder-only transformer, pre-norm, fp32. Arch gpt (Radford et al. 2019): LayerNorm,
 * GELU, learned positions, biases. Arch llama (Touvron et al. 2023): RMSNorm, SwiGLU, RoPE, no
 * biases. All memory is one arena, sized by the spec and the number of threads. */

enum param_group {
    GROUP_EMBEDDING,
    GROUP_HIDDEN,
    GROUP_OUTPUT,
    GROUP_VECTOR, /* norms, biases */
    GROUP_COUNT
};

struct param {        /* one tensor; the model owns all pointers */
    const char *name; /* "blocks.0.attn.qkv.weight", ... */
    enum param_group group;
    uint32_t rows, cols; /* cols = 1 for a vector */
    size_t count;
    size_t offset;       /* of its floats in model_floats() */
    float *value, *grad; /* (rows, cols) */
    float *m, *v;        /* Adam's moments; of Muon the momentum and the last update's direction */
    uint32_t matrices;   /* Muon: how many lie in it, one below the other, each orthogonalized by
                            itself; 0: AdamW updates it */
    double init_std;     /* 0: constant init_value */
    double init_value;
    double lr_factor;    /* this tensor's LR / spec->lr, by the parametrization */
    double decay_factor; /* factor of spec->weight_decay; 0 for norms and biases */
    double eps_factor;   /* factor of spec->adam_eps; 1 unless completep, 0: Muon, which has none */
};

struct model;

/* In bf16 also makes the products of this process those that spec->products names: models with
 * others cannot run at the same time. */
int model_create(struct model **out, const struct trial_spec *spec, struct lr_error *err);
void model_destroy(struct model *model);
size_t model_bytes(const struct model *model);

size_t model_param_count(const struct model *model);
struct param *model_param(struct model *model, size_t index);

void model_init(struct model *model, uint64_t seed); /* weights by seed; moments and gradients
                                                        zero */

/* Values, gradients and moments of all tensors are one array each, in the order of the tensors.
 * Between two tensors may lie a few unused floats. */
struct model_floats {
    float *value, *grad, *m, *v;
    size_t count;
};
struct model_floats model_floats(const struct model *model);
/* newton_schulz_scratch() of the largest matrix; NULL: no Muon. */
float *model_muon_scratch(const struct model *model);

/* Tensors whose gradients are complete at the same time in the backward pass, which goes from the
 * last bucket to the first: first <= index < end. */
struct model_bucket {
    size_t first, end;
};
size_t model_bucket_count(const struct model *model);
struct model_bucket model_bucket(const struct model *model, size_t index);

/* Maximum sequences in a call of model_forward_backward(): trial_micro_batch(). */
uint32_t model_micro_batch(const struct model *model);

/* Adds d(sum of token losses and z-losses)/d(param) * scale to the gradients; returns the sum of
 * token losses, without z-losses. tokens: (sequences, context + 1). sequences <=
 * model_micro_batch(). */
double model_forward_backward(struct model *model, const uint32_t *tokens, uint32_t sequences,
                              float scale);

/* The same for a micro-batch of a slice (trial_slices()) in a sum over several: each slice is
 * summed from zero, whatever the gradients were, and the slices are added in a binary tree. */
struct slice_part {
    uint32_t slice;   /* 0, 1, 2, ... in this sum */
    bool first, last; /* micro-batch of its slice */
    bool final; /* of the last slice: the gradients are complete after it. The number of slices
                         is a power of two, at most trial_slices(). */
    /* Called in the last part of the final slice when the gradients of a bucket are complete; NULL:
     * not called. */
    void (*complete)(void *context, size_t bucket);
    void *context;
};
double model_slice_part(struct model *model, const uint32_t *tokens, uint32_t sequences,
                        float scale, const struct slice_part *part);
/* Losses only: losses[s] = mean over the context of sequence s, nats per token; for the last
 * sequence over its first `last` labels. Tokens after them do not change the loss. */
void model_losses(struct model *model, const uint32_t *tokens, uint32_t sequences, uint32_t last,
                  double *losses);

void model_zero_grad(struct model *model);

/* Profile of a step's time. A lap adds the time since the previous lap to its part. */
enum model_part {
    PART_LINEAR_FORWARD,
    PART_LINEAR_INPUT,  /* gradients of a linear layer's input */
    PART_LINEAR_WEIGHT, /* of its weights */
    PART_ATTENTION,
    PART_HEAD, /* output matrix and cross-entropy, forward and back */
    PART_ELEMENTWISE,
    PART_OPTIMIZER, /* added by the caller: clip and optimizer */
    PART_DATA,      /* added by the caller: reading of tokens */
    PART_COUNT
};
struct model_profile {
    double (*now)(void); /* seconds */
    double last, seconds[PART_COUNT];
};
/* Sends later laps to `profile`, which must outlive the model or the next call; NULL: none. */
void model_set_profile(struct model *model, struct model_profile *profile);
void model_profile_lap(struct model_profile *profile, enum model_part part);
void model_lap(struct model *model, enum model_part part); /* of its profile, if it has one */

#endif
