#ifndef LRSEARCH_WARNINGS_H
#define LRSEARCH_WARNINGS_H

#include "search/cell_posterior.h"
#include "search/observations.h"

/* Adds what a reader must know before trusting the answer, as far as the numbers show it. The rest
 * of the answer is filled. */
void warnings_add(struct answer *answer, const struct observations *obs);
/* The same of a campaign with cells; sets ratios[].at_edge. */
void warnings_add_cells(struct answer *answer, const struct cell_posterior *posterior);

#endif
