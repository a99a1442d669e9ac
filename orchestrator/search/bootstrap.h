#ifndef LRSEARCH_BOOTSTRAP_H
#define LRSEARCH_BOOTSTRAP_H

#include "search/basin.h"

/* The optimum of one basin from its own parabola, without the other horizons: for the ratio search
 * and for policy `narrow`, which handles one horizon at a time. */

/* Optimum (log2 lr), clamped to the LRs with a loss and, above them, half way to a wall; NaN
 * without a parabola. */
double basin_vertex(const struct basin *basin, const struct parabola *parabola);

/* Fills optimum, 90 % interval (parametric bootstrap), curvature, at_edge, flat. 0 or LR_ENOMEM. */
int basin_answer(struct horizon_answer *answer, const struct basin *basin,
                 const struct noise *noise, const struct search_space *space);

#endif
