#ifndef LRSEARCH_OBSERVATIONS_H
#define LRSEARCH_OBSERVATIONS_H

#include "search/basin.h"

/* qsort() comparator: cell, tokens, LR, ratios, seed, kind, loss (NaN last). A total order. */
int observation_compare(const void *left, const void *right);

/* True if the point has a replicate with that seed; false for NULL. */
bool point_has_seed(const struct point *point, uint32_t seed);

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

/* The observations of a space without cells, sorted, and the basin of each horizon. */
struct observations {
    const struct search_space *space;
    struct observation *seen; /* by horizon, LR, seed */
    size_t count;
    struct basin basins[ANSWER_HORIZONS];
    size_t horizon_count; /* the space's, ANSWER_HORIZONS at most */
    struct point *points;
};

/* NULL: no memory. `space` must outlive it. */
struct observations *observations_create(const struct search_space *space,
                                         const struct observation *seen, size_t count);
void observations_destroy(struct observations *obs);

#endif
