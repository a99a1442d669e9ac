#ifndef LRSEARCH_CELL_EXPONENTS_H
#define LRSEARCH_CELL_EXPONENTS_H

#include "search/cell_posterior.h"

/* Fills answer->exponents: the terms of the law, as exponents of the axes. */
void exponents_fill(struct answer *answer, const struct cell_posterior *posterior);
/* Fills answer->joint: LR*(N, D) over sizes and horizons, and its hold-out, which repeats the fit
 * without one basin. 0 or LR_ENOMEM. */
int joint_fill(struct answer *answer, const struct cell_posterior *posterior,
               const struct observation *seen, size_t count);

#endif
