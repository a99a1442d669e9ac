#ifndef LRSEARCH_OBSERVATIONS_H
#define LRSEARCH_OBSERVATIONS_H

#include "search/basin.h"

/* Order for qsort(): by cell, tokens, LR, ratios, seed; then by kind and loss, NaN last, so that it
 * is an order of all. */
int observation_compare(const void *left, const void *right);

/* Whether the point (NULL: none) has a replicate of that seed. */
bool point_has_seed(const struct point *point, uint32_t seed);

/* What each seed adds to all losses of a basin alike: it moves no minimum. Seeds from SEED_EFFECTS
 * on are not told apart. To begin with, all zero. */
#define SEED_EFFECTS 32
struct seed_effects {
    double sum[SEED_EFFECTS], points[SEED_EFFECTS];
};
/* The replicates of one LR, whose losses have that mean. */
void seed_effects_add(struct seed_effects *effects, const struct observation *seen, size_t count,
                      double mean);
/* Sum of squares of the losses around mean and seed effect. */
double seed_effects_scatter(const struct seed_effects *effects, const struct observation *seen,
                            size_t count, double mean);

/* What was observed in a space without cells, sorted, with the basin of each horizon. */
struct observations {
    const struct search_space *space;
    struct observation *seen; /* by horizon, LR, seed */
    size_t count;
    struct basin basins[ANSWER_HORIZONS];
    size_t horizon_count; /* those of the space, ANSWER_HORIZONS at most */
    struct point *points;
};

/* NULL: no memory. `space` must outlive it. */
struct observations *observations_create(const struct search_space *space,
                                         const struct observation *seen, size_t count);
void observations_destroy(struct observations *obs);

#endif
