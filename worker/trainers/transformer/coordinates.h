#ifndef LRSEARCH_COORDINATES_H
#define LRSEARCH_COORDINATES_H

#include "lrsearch/error.h"
#include "model/layer_means.h"

/* Measurements of a coordinate check. First, the mean absolute activation of each layer before and
 * after each of a few steps, on the first batch (Yang et al. 2022, arXiv 2203.03466, appendix D).
 * Second, by how much the first step of each kind of tensor lowers the loss, to first order: the
 * sum of gradient times change of the weights. In theory ("maximal update") this is of order 1 at
 * every width where the LR is right. Unlike the change of an activation it has no random part: an
 * update and the vector that it multiplies are only partly aligned, and in narrow layers chance
 * adds to it, so that the slope of an activation's change lies anywhere between theory and theory -
 * 1/2. */

struct coordinates {
    size_t layers;
    uint32_t steps;
    char (*names)[MODEL_LAYER_NAME]; /* (layers) */
    double *means;                   /* (steps + 1, layers); not finite where it diverged */
    double gains[GROUP_COUNT];       /* nats; not finite where it diverged */
};

/* Trains spec for `steps` steps of spec->batch_tokens at its full LR, without schedule; data_path
 * as in trial_place. A pure function of its arguments. `keep_going` (may be NULL) is called after
 * each step; nonzero gives LR_ECANCELED. Release *out with coordinates_release(), also after a
 * failure. LR_EDATA, LR_EINVAL, LR_ENOMEM. */
int coordinates_measure(struct coordinates *out, const struct trial_spec *spec,
                        const char *data_path, uint32_t steps, int (*keep_going)(void *context),
                        void *context, struct lr_error *err);
void coordinates_release(struct coordinates *coordinates);

#endif
