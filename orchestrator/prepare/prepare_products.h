#ifndef LRSEARCH_PREPARE_PRODUCTS_H
#define LRSEARCH_PREPARE_PRODUCTS_H

#include "lrsearch/error.h"
#include "plan/plan.h"

/* Who multiplies matrices in the trainings of `spec`: as trainer.matmul says, or measured once for
 * this kind of machine and kept in cache_dir/products.json. Leaves it when it stands already. keep
 * false: for a look; a measurement is not kept, so that nothing is written, and nothing is said. */
int prepare_products(char products[TRIAL_PRODUCTS], const struct plan *plan,
                     const struct trial_spec *spec, const char *cache_dir, bool keep,
                     struct lr_error *err);

#endif
