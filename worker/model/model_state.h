#ifndef LRSEARCH_MODEL_STATE_H
#define LRSEARCH_MODEL_STATE_H

#include "kernels/matmul.h"
#include "lrsearch/memory.h"
#include "model/model.h"

/* The internals of a model, for the files of this folder only. Shapes: N = micro-batch * context
 * rows, C = d_model, F = d_ff, W = F (gpt) or 2 F (llama: gates and ups). */

enum {
    MAX_SIZE = 1 << 20, /* of each dimension: products of two, times 16, stay far from overflow */
    SLICE_LEVELS = 4,   /* log2 TRIAL_SLICES_MOST */
};

/* NULL: the architecture has no such tensor. */
struct affine {
    struct param *weight, *bias;
};

struct block_params {
    struct affine ln1, qkv, attn_proj, ln2, fc, mlp_proj;
    struct param *q_norm, *k_norm; /* qk_norm */
};

/* Activations that a block keeps for the backward pass. */
struct block_acts {
    float *ln1, *ln1_mean, *ln1_rstd; /* (N, C), (N), (N) */
    float *qkv;                       /* (N, 3, H, C/H), as attention takes it */
    float *qk_raw, *qk_rstd;          /* (N, 2, H, C/H), (N, 2, H): before qk_norm */
    float *attn, *lse;                /* (N, C), (B, H, T) */
    float *middle;                    /* (N, C): the stream after attention */
    float *ln2, *ln2_mean, *ln2_rstd;
    float *fc, *act; /* (N, W), (N, F) */
    float *out;      /* (N, C): the stream after the MLP */
};

/* Partial sums of the slices' gradients (gradients.c). */
struct slice_sum {
    float *levels[SLICE_LEVELS]; /* (floats.count); the first is floats.grad */
    float **leaves;              /* of each tensor: a slice's gradient until it is added */
    size_t depth;                /* partial sums before this slice */
    size_t adds;                 /* of them, those that this slice is added to */
};

struct model {
    struct trial_spec spec;
    uint32_t micro_batch;
    size_t head_rows; /* rows of logits held at once, whatever the batch */
    float attention_scale, logit_scale, residual_scale; /* by the parametrization */
    struct arena arena;
    struct model_profile *profile;

    struct param *params;
    size_t param_count;
    struct model_floats floats;
    struct model_bucket *buckets;
    size_t bucket_count;
    struct slice_sum sum;
    struct slice_part part; /* that runs now */
    char (*names)[48];
    struct param *wte, *wpe, *head; /* wpe: gpt only; head is wte when tied */
    struct affine lnf;
    struct block_params *blocks;

    struct block_acts *acts;
    float *cosines, *sines;               /* (T, C/H/2): llama */
    float *stream;                        /* (N, C): after the embedding */
    float *lnf_out, *lnf_mean, *lnf_rstd; /* (N, C), (N), (N) */
    float *logits;                        /* (head_rows, V) */
    float *losses;                        /* (N) */
    uint32_t *labels;                     /* (N) */
    float *d_stream, *d_narrow;           /* (N, C) */
    float *d_branch;                      /* (N, C); d_stream when branches are not scaled */
    float *d_wide;                        /* (N, max(3 C, W)) */
    float *d_act;                         /* (N, F); d_wide for gpt */
    float *scratch;                       /* attention */
    float *muon;                          /* model_muon_scratch() */
};

/* Lays out a model's memory in one walk: counts bytes while arena.block is NULL, hands them out
 * otherwise. `failed`: the sum does not fit a size_t. model->spec, micro_batch and head_rows must
 * be set before. */
struct layout {
    struct arena arena;
    size_t bytes;
    bool failed;
    size_t floats;                          /* of the parameters so far */
    size_t of_embedding, of_block, of_head; /* floats of these, of one block */
};
void shapes_lay(struct model *model, struct layout *layout);

/* Our own products of the spec's precision; of bf16 those that model_create() chose. */
static inline enum matmul own_by(const struct trial_spec *spec)
{
    return spec->precision == PRECISION_BF16 ? MATMUL_BF16 : MATMUL_OWN;
}

/* The library of a matrix product, as the trial says. */
static inline enum matmul product_by(const struct model *model, enum trial_linear linear,
                                     enum trial_product product)
{
    char letter = model->spec.products[linear * PRODUCT_COUNT + product];
    bool own = !letter || model->spec.precision == PRECISION_BF16;
    return own ? own_by(&model->spec) : (enum matmul)letter;
}

/* Columns of the MLP's first matrix: W. */
static inline size_t model_fc_width(const struct trial_spec *spec)
{
    return (size_t)spec->d_ff * (spec->arch == ARCH_LLAMA ? 2 : 1);
}

/* Where the gradients of model->part go. */
void gradients_begin(struct model *model, const struct slice_part *part);
bool gradients_add(const struct model *model); /* to what is there; or write */
float *gradient_of(struct model *model, const struct param *param);
float *gradient_cleared(struct model *model, const struct param *param); /* unless it adds */
/* The gradient of the part is complete: adds it to the partial sums that wait for it. */
void gradient_done(struct model *model, const struct param *param);
void gradients_complete(struct model *model, size_t bucket);

/* Runs tokens (sequences, context + 1) through the blocks to model->lnf_out. */
void forward_blocks(struct model *model, const uint32_t *tokens, uint32_t sequences);

#endif
