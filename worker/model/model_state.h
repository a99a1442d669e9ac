#ifndef LRSEARCH_MODEL_STATE_H
#define LRSEARCH_MODEL_STATE_H

#include "lrsearch/memory.h"
#include "model/model.h"

/* The inside of a model, for the files of this folder only. Shapes: N = micro-batch * context rows,
 * C = d_model. */

enum {
    HEAD_ROWS = 128,    /* rows of logits held at once, whatever batch and vocabulary */
    MAX_SIZE = 1 << 20, /* of each dimension: products of two, times 16, stay far from overflow */
};

/* A block's tensors. */
struct block_params {
    struct param *ln1_weight, *ln1_bias, *qkv_weight, *qkv_bias, *attn_proj_weight, *attn_proj_bias;
    struct param *ln2_weight, *ln2_bias, *fc_weight, *fc_bias, *mlp_proj_weight, *mlp_proj_bias;
};

/* What a block keeps for the way back. */
struct block_acts {
    float *ln1, *ln1_mean, *ln1_rstd; /* (N, C), (N), (N) */
    float *qkv;                       /* (N, 3, H, C/H) */
    float *attn, *lse;                /* (N, C), (B, H, T) */
    float *middle;                    /* (N, C): the stream after attention */
    float *ln2, *ln2_mean, *ln2_rstd;
    float *fc, *gelu; /* (N, 4 C) */
    float *out;       /* (N, C): the stream after the MLP */
};

struct model {
    struct trial_spec spec;
    uint32_t micro_batch;
    float attention_scale, logit_scale; /* by the parametrization */
    struct arena arena;

    struct param *params;
    size_t param_count;
    char (*names)[48];
    struct param *wte, *wpe, *lnf_weight, *lnf_bias, *head;
    struct block_params *blocks;

    struct block_acts *acts;
    float *stream;                    /* (N, C): after the embedding */
    float *lnf, *lnf_mean, *lnf_rstd; /* (N, C), (N), (N) */
    float *logits;                    /* (HEAD_ROWS, V) */
    float *losses;                    /* (N) */
    uint32_t *labels;                 /* (N) */
    float *d_stream, *d_narrow;       /* (N, C) */
    float *d_wide;                    /* (N, 4 C) */
    float *scratch;                   /* attention */
};

/* One walk over a model's memory: counts bytes while arena.block is NULL, hands them out after.
 * `failed`: the sum does not fit a size_t. model->spec and micro_batch must stand (shapes.c). */
struct layout {
    struct arena arena;
    size_t bytes;
    bool failed;
};
void shapes_lay(struct model *model, struct layout *layout);

/* Factors of the parametrization for one tensor (parametrization.c). */
void parametrization_apply(struct param *param, const struct trial_spec *spec);
float parametrization_attention_scale(const struct trial_spec *spec);
float parametrization_logit_scale(const struct trial_spec *spec);

/* tokens (sequences, context + 1) through the blocks to model->lnf (forward.c). */
void forward_blocks(struct model *model, const uint32_t *tokens, uint32_t sequences);
/* d(lnf) comes in d_narrow; goes back to the embedding (backward.c). */
void backward_blocks(struct model *model, const uint32_t *tokens, uint32_t sequences);
/* Loss of each row into model->losses; with scale != 0 also the head's gradient, and d(lnf) into
 * model->d_narrow (head.c). */
void head_losses(struct model *model, const uint32_t *tokens, uint32_t sequences, float scale);

#endif
