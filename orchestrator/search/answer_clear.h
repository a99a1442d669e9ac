#ifndef LRSEARCH_ANSWER_CLEAR_H
#define LRSEARCH_ANSWER_CLEAR_H

#include "search/policy.h"

/* An answer of which nothing is known yet: NaN, and the target's tokens. */
void answer_clear(struct answer *answer, const struct search_space *space);
/* Zeroes what lies behind the end of each warning: answers are compared as bytes. */
void answer_clear_tails(struct answer *answer);
/* R2 of ln LR* over the answer's horizons; NaN with fewer than three that count. */
double answer_explained(const struct answer *answer);

#endif
