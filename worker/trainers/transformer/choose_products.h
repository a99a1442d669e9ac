#ifndef LRSEARCH_CHOOSE_PRODUCTS_H
#define LRSEARCH_CHOOSE_PRODUCTS_H

#include "lrsearch/error.h"
#include "lrsearch/trial.h"

/* Times each matrix product of the spec's model in each available library and fills `products`: our
 * own kernels, unless another library is clearly faster. Takes a second or two for most models; in
 * bf16 no time, since only our own kernels multiply in it. 0 or LR_ENOMEM. */
int choose_products(char products[TRIAL_PRODUCTS], const struct trial_spec *spec,
                    struct lr_error *err);

#endif
