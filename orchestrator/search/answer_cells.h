#ifndef LRSEARCH_ANSWER_CELLS_H
#define LRSEARCH_ANSWER_CELLS_H

#include "lrsearch/error.h"
#include "search/search_space.h"

/* search_answer() of a campaign with cells, on a cleared answer. Fills cells, basins, exponents,
 * joint, verdicts too; horizons and law are those of the cell nearest to the target. 0, LR_ENOMEM,
 * LR_ECANCELED. */
int cells_answer(struct answer *answer, const struct search_space *space,
                 const struct observation *seen, size_t count);

#endif
