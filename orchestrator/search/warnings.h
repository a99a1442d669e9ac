#ifndef LRSEARCH_WARNINGS_H
#define LRSEARCH_WARNINGS_H

#include "search/posterior.h"
#include "search/observations.h"

/* Adds the warnings that a reader needs before trusting the answer. The rest of the answer must be
 * filled. */
void warnings_add(struct answer *answer, const struct observations *obs);
/* The same for a campaign with cells; sets ratios[].at_edge. */
void warnings_add_cells(struct answer *answer, const struct posterior *posterior);

#endif
