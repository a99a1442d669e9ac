#ifndef LRSEARCH_ACCEPT_H
#define LRSEARCH_ACCEPT_H

#include "search/posterior.h"

/* Decides whether the data identify the target's optimum (answer->status) and, if not, why, in
 * plain words (reason), with the remedy as advice. The answer's numbers must be filled. */
void accept_decide(struct answer *answer, const struct posterior *posterior);

#endif
