#ifndef LRSEARCH_OBSERVATIONS_H
#define LRSEARCH_OBSERVATIONS_H

#include "search/basin.h"

/* Everything that was seen, in an order of its own, with the basin of each horizon. */
struct observations {
    const struct search_space *space;
    struct observation *seen; /* by horizon, LR, seed */
    size_t count;
    struct basin basins[ANSWER_HORIZONS];
    size_t horizon_count; /* those of the space, ANSWER_HORIZONS at most */
    struct point *points;
    double *scratch;
};

/* NULL: no memory. `space` must outlive it. */
struct observations *observations_create(const struct search_space *space,
                                         const struct observation *seen, size_t count);
void observations_destroy(struct observations *obs);

/* The first `horizons` alone: what they say together, and the law through them. What came later
 * does not count, so that a policy's earlier decisions stay as they were. */
struct noise observations_noise(const struct observations *obs, size_t horizons);
void observations_answer(struct observations *obs, size_t horizons, struct horizon_answer *answers);

#endif
