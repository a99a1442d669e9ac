#ifndef LRSEARCH_BOOTSTRAP_H
#define LRSEARCH_BOOTSTRAP_H

#include "search/basin.h"

/* The optimum of one basin by its own parabola, without the other horizons: for the search of a
 * ratio, and for a policy that looks at one horizon at a time. */

/* Optimum (log2 lr), kept within what was tried; NaN without a parabola. */
double basin_vertex(const struct basin *basin, const struct parabola *parabola);

/* Optimum, its interval by the parametric bootstrap, curvature, edge, flatness. 0 or LR_ENOMEM. */
int basin_answer(struct horizon_answer *answer, const struct basin *basin,
                 const struct noise *noise, const struct search_space *space);

#endif
