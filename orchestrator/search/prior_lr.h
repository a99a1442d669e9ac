#ifndef LRSEARCH_PRIOR_LR_H
#define LRSEARCH_PRIOR_LR_H

#include "search/lr_grid.h"

/* Where the optimum is expected before any loss is seen: search.prior_lr, carried along the
 * expected law. In octaves: places are log2 lr. For spaces with a prior_lr only. */

struct expected_place {
    double center, deviation;
};
struct expected_place prior_lr_at(const struct search_space *space, double tokens);

/* Density at a place of the law at prior_tokens, but for a factor: Student with 3 degrees of
 * freedom, so that losses that disagree prevail. */
double prior_lr_density(const struct search_space *space, double place);

/* The part of the grid where the first trials go: *first..*last. */
void prior_lr_reach(const struct lr_grid *grid, const struct expected_place *place, int *first,
                    int *last);

/* A doubt when the law, with log2 LR* = `found` at prior_tokens, is not where it was expected. */
void warn_prior_lr(struct answer *answer, const struct search_space *space, double found);

#endif
