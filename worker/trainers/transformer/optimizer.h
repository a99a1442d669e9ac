#ifndef LRSEARCH_OPTIMIZER_H
#define LRSEARCH_OPTIMIZER_H

#include "model/model.h"

/* One AdamW step with the gradients that the model holds: clips by the global norm (spec->clip),
 * then updates every tensor with its own factors of LR, decay and eps. The LR of this step is
 * spec->lr * schedule; step counts from 1. The decay of a tensor is its LR times
 * spec->weight_decay, or, when independent of the LR, schedule * spec->weight_decay (Loshchilov &
 * Hutter 2019, equation 12). Returns the norm before clipping; NaN or Inf when the gradient has any
 * (nothing is updated then). */
double optimizer_step(struct model *model, const struct trial_spec *spec, double schedule,
                      uint64_t step);

#endif
