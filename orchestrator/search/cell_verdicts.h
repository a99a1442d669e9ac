#ifndef LRSEARCH_CELL_VERDICTS_H
#define LRSEARCH_CELL_VERDICTS_H

#include "search/cell_posterior.h"

/* Fills answer->verdicts: what the campaign says about published claims. The exponents are
 * filled. */
void verdicts_add(struct answer *answer, const struct cell_posterior *posterior);

#endif
