#ifndef LRSEARCH_COORDINATES_H
#define LRSEARCH_COORDINATES_H

#include "lrsearch/error.h"
#include "model/model.h"

/* What a coordinate check measures (Yang et al. 2022, arXiv 2203.03466, appendix D): the mean
 * absolute activation of each layer before and after each of a few steps, on the first batch. */

struct coordinates {
    size_t layers;
    uint32_t steps;
    char (*names)[MODEL_LAYER_NAME]; /* (layers) */
    double *means;                   /* (steps + 1, layers); not finite where it diverged */
};

/* Trains spec for `steps` steps of spec->batch_tokens at its full LR, without schedule. A pure
 * function of its arguments. `keep_going` is called after each step (NULL is allowed); nonzero
 * gives LR_ECANCELED. *out: coordinates_release() it, also after a failure. LR_EDATA, LR_EINVAL,
 * LR_ENOMEM. */
int coordinates_measure(struct coordinates *out, const struct trial_spec *spec, uint32_t steps,
                        int (*keep_going)(void *context), void *context, struct lr_error *err);
void coordinates_release(struct coordinates *coordinates);

#endif
