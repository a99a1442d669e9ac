#ifndef LRSEARCH_ACCEPT_H
#define LRSEARCH_ACCEPT_H

#include "search/posterior.h"
#include "search/observations.h"
#include "search/search_answer.h"

/* Decides whether the data identify the target's optimum (answer->status) and, if not, why, in
 * plain words (reason). Everything but the warnings must be filled. 0 or LR_ENOMEM. */
int accept_decide(struct answer *answer, const struct observations *obs);
/* The same for a campaign with cells. */
void accept_decide_cells(struct answer *answer, const struct posterior *posterior);

#endif
