#ifndef LRSEARCH_WARNINGS_H
#define LRSEARCH_WARNINGS_H

#include "search/posterior.h"

/* Adds the warnings that a reader needs before trusting the answer, and sets ratios[].at_edge. The
 * rest of the answer must be filled. */
void warnings_add(struct answer *answer, const struct posterior *posterior);

#endif
