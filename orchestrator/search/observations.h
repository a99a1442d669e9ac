#ifndef LRSEARCH_OBSERVATIONS_H
#define LRSEARCH_OBSERVATIONS_H

#include "search/search_space.h"

/* qsort() comparator: cell, tokens, LR, ratios, seed, kind, loss (NaN last). A total order. */
int observation_compare(const void *left, const void *right);

/* True if two LRs or ratios differ by rounding only, or both are 0 (a weight decay may be). */
bool same_value(double a, double b);
bool same_ratios(const double a[RATIO_COUNT], const double b[RATIO_COUNT]);

/* Offset of each seed, common to all losses of a basin: it does not move the minimum. Seeds from
 * SEED_EFFECTS on have none. The caller zeroes it first. */
#define SEED_EFFECTS 32
struct seed_effects {
    double sum[SEED_EFFECTS], points[SEED_EFFECTS];
};
/* Adds the replicates of one LR; `mean`: of their losses. */
void seed_effects_add(struct seed_effects *effects, const struct observation *seen, size_t count,
                      double mean);
/* Sum of squares of the losses around mean plus seed offset. */
double seed_effects_scatter(const struct seed_effects *effects, const struct observation *seen,
                            size_t count, double mean);

#endif
