#ifndef LRSEARCH_GATE_H
#define LRSEARCH_GATE_H

#include "search/basin.h"
#include "search/law.h"

/* Decides whether the data identify the target's optimum, and says why not in plain words. */
void gate_decide(struct answer *answer, const struct basin *basins, const struct law *law,
                 const struct search_space *space);
void gate_warn(struct answer *answer, const struct basin *basins, const struct law *law,
               const struct search_space *space);

#endif
