#ifndef LRSEARCH_SORTED_H
#define LRSEARCH_SORTED_H

#include "search/policy.h"

/* A copy of `seen` by horizon, LR, seed: what basin_gather() wants. lr_free() it; NULL: no memory.
 */
struct observation *search_sorted(const struct observation *seen, size_t count);

#endif
