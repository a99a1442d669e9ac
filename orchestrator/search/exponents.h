#ifndef LRSEARCH_EXPONENTS_H
#define LRSEARCH_EXPONENTS_H

#include "search/posterior.h"

/* Fills answer->exponents: the terms of the law, as exponents of the axes. */
void exponents_fill(struct answer *answer, const struct posterior *posterior);
/* Fills answer->joint: LR*(N, D) over sizes and horizons, and its hold-out, which repeats the fit
 * without one basin. 0 or LR_ENOMEM. */
int joint_fill(struct answer *answer, const struct posterior *posterior,
               const struct observation *seen, size_t count);

#endif
