#ifndef LRSEARCH_PREPARE_PRODUCTS_H
#define LRSEARCH_PREPARE_PRODUCTS_H

#include "lrsearch/error.h"
#include "plan/plan.h"

/* Chooses the libraries for matrix products in the trainings of `spec`: by trainer.matmul, or
 * measured once for this kind of machine and kept in cache_dir/products.json; with bf16 there is
 * nothing to measure. Keeps `products` if they are set and of the spec's precision. keep false: a
 * preview, which writes and logs nothing. */
int prepare_products(char products[TRIAL_PRODUCTS], const struct plan *plan,
                     const struct trial_spec *spec, const char *cache_dir, bool keep,
                     struct lr_error *err);

#endif
