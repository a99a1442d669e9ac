#ifndef LRSEARCH_PARAMETRIZATION_H
#define LRSEARCH_PARAMETRIZATION_H

#include "model/model.h"

/* Factors of the parametrization for each kind of tensor, to show to users; needs no model. */
struct factor_row {
    const char *kind;            /* "hidden" */
    const char *tensors;         /* "attn.qkv, mlp.fc" */
    double init_std, init_value; /* init_std 0: all start at init_value (biases at 0) */
    double lr, decay, eps; /* factors of the plan's LR, weight_decay, adam_eps; of matrices that
                                    Muon updates: lr beside muon_lr_scale, eps 0 */
};
struct forward_factors {
    double attention; /* factor of q.k */
    double branch;    /* factor of what attention and MLP add to the stream */
    double logits;    /* factor of the output matrix's product */
};
#define MODEL_FACTOR_ROWS 8
size_t model_factors(const struct trial_spec *spec, struct factor_row rows[MODEL_FACTOR_ROWS],
                     struct forward_factors *forward);

/* Exponents of m = d_model / base_width in halves: -2 is 1 / m. `attention`: of a head's channels,
 * relative to base_head_size; -1: as sp. */
struct width_rule {
    int embedding_lr, hidden_init, hidden_lr, output_lr, logits, attention;
};
const struct width_rule *width_rule_of(uint32_t parametrization);
/* Sets the parametrization's factors of one tensor, inside or outside a block. */
void parametrization_apply(struct param *param, const struct trial_spec *spec, bool in_block);
float parametrization_attention_scale(const struct trial_spec *spec);
float parametrization_logit_scale(const struct trial_spec *spec);
float parametrization_residual_scale(const struct trial_spec *spec);
/* Standard deviation of matrices at base_width, and of the projections into the stream. */
#define INIT_STD 0.02
double parametrization_into_stream(const struct trial_spec *spec);

#endif
