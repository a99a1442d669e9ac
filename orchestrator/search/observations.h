#ifndef LRSEARCH_OBSERVATIONS_H
#define LRSEARCH_OBSERVATIONS_H

#include "search/basin.h"

/* Everything that was seen, in an order of its own, with the basin of each horizon. */
struct survey {
    const struct search_space *space;
    struct observation *seen; /* by horizon, LR, seed */
    size_t count;
    struct basin basins[ANSWER_HORIZONS];
    size_t horizon_count; /* those of the space, ANSWER_HORIZONS at most */
    struct point *points;
    double *scratch;
};

/* NULL: no memory. `space` must outlive it. */
struct survey *survey_create(const struct search_space *space, const struct observation *seen,
                             size_t count);
void survey_destroy(struct survey *survey);

/* The first `horizons` alone: what they say together, and the law through them. What came later
 * does not count, so that a policy's earlier decisions stay as they were. */
struct noise survey_noise(const struct survey *survey, size_t horizons);
void survey_answer(struct survey *survey, size_t horizons, struct horizon_answer *answers);

#endif
