#ifndef LRSEARCH_POLICY_CELLS_H
#define LRSEARCH_POLICY_CELLS_H

#include "search/policy.h"

/* Searches of a campaign with axes (space->cell_count > 1). As policy->next(). */

/* Policy `design` over all cells, and over LR and ratios together. */
int cells_next(const struct search_space *space, const struct observation *seen, size_t count,
               struct proposal *round);
/* Any policy, for each cell by itself, in one round. */
int cells_next_apart(const struct policy *policy, const struct search_space *space,
                     const struct observation *seen, size_t count, struct proposal *round);

/* The space of one cell alone; what was seen of it goes to `out` (room for `count`). */
struct search_space cell_space(const struct search_space *space, uint32_t cell);
size_t cell_filter(uint32_t cell, const struct observation *seen, size_t count,
                   struct observation *out);

#endif
