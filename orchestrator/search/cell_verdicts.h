#ifndef LRSEARCH_CELL_VERDICTS_H
#define LRSEARCH_CELL_VERDICTS_H

#include "search/cell_posterior.h"

/* Fills answer->verdicts: the campaign's evidence on published claims, in words. answer->exponents
 * must be filled. */
void verdicts_add(struct answer *answer, const struct cell_posterior *posterior);

#endif
