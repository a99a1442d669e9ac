#ifndef LRSEARCH_VERDICTS_H
#define LRSEARCH_VERDICTS_H

#include "search/posterior.h"

/* Fills answer->verdicts: the campaign's evidence on published claims, in words. answer->exponents
 * must be filled. */
void verdicts_add(struct answer *answer, const struct posterior *posterior);

#endif
