#ifndef LRSEARCH_OPTIMIZER_H
#define LRSEARCH_OPTIMIZER_H

#include "model/model.h"

/* The learning rate of step 1, 2, ..., trial_steps(spec), as a factor of the peak. A linear warm-up
 * over the first warmup * steps (or warmup_tokens), then
 *   cosine    half a cosine down to the end (Loshchilov & Hutter 2017)
 *   linear    a line down to it
 *   wsd       the peak, and in the last cooldown * steps down to the end by a line, or by
 *             1 - sqrt(share) (Haegele et al. 2024)
 *   constant  the peak
 * The end, reached at the last step, is final_lr, or min_lr / lr where that is given. A pure
 * function: a resumed training needs no state. */
double schedule_factor(const struct trial_spec *spec, uint64_t step);

/* One step with the gradients in the model: clips by the global norm (spec->clip), then updates
 * every tensor with its own factors of LR, decay and eps, by AdamW or, under optimizer muon, hidden
 * matrices by Muon (kernels.h): weight = (1 - decay) weight - LR scale X, the scale by
 * spec->muon_lr_scale. The LR of this step is spec->lr * schedule; step counts from 1. The decay of
 * a tensor is its LR, without that scale, times spec->weight_decay, or, when independent of the LR,
 * schedule * spec->weight_decay (Loshchilov & Hutter 2019, equation 12).
 * Returns the norm before clipping; if it is NaN or Inf, nothing is updated. */
double optimizer_step(struct model *model, const struct trial_spec *spec, double schedule,
                      uint64_t step);

/* Floats of a tensor that are summed and updated together, from its begin on; the norm is a sum
 * over them in order. A matrix that Muon updates is one of them. */
size_t param_block(const struct param *param);

/* The update alone, of the floats begin <= i < end of model_floats() in one bucket: whole blocks of
 * param_block(). */
struct update {
    double schedule, norm;
    uint64_t step;
};
void optimizer_update(struct model *model, const struct trial_spec *spec,
                      const struct update *update, size_t bucket, size_t begin, size_t end);

#endif
