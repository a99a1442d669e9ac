#ifndef LRSEARCH_POLICY_CELLS_H
#define LRSEARCH_POLICY_CELLS_H

#include "search/policy.h"

/* Policy `design` over all cells (space->cell_count > 1), LR and ratios jointly. Returns as
 * policy->next(), or LR_ENOMEM, LR_ECANCELED. */
int cells_next(const struct search_space *space, const struct observation *seen, size_t count,
               struct proposal *round);

#endif
