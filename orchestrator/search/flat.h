#ifndef LRSEARCH_FLAT_H
#define LRSEARCH_FLAT_H

#include "search/cell_data.h"

#define FLAT_MOST 0.35 /* an answer is refused from here on */

/* Posterior probability that the losses of a cell do not depend on the learning rate at all: level
 * and noise at each horizon, against a basin at each with a place of its own. NaN without losses
 * at two LRs of a horizon, and with imported optima, which have none. */
double no_basin_probability(const struct cell_data *data, uint32_t cell);

#endif
