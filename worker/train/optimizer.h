#ifndef LRSEARCH_OPTIMIZER_H
#define LRSEARCH_OPTIMIZER_H

#include "model/model.h"

/* One AdamW step with the gradients that the model holds: clips by the global norm (spec->clip),
 * then updates every tensor with its own LR and decay factor. `lr` is the LR of this step; step
 * counts from
 * 1. Returns the norm before clipping; NaN or Inf when the gradient has any (nothing is updated
 * then). */
double optimizer_step(struct model *model, const struct trial_spec *spec, double lr, uint64_t step);

#endif
