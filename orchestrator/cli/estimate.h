#ifndef LRSEARCH_ESTIMATE_H
#define LRSEARCH_ESTIMATE_H

#include "cli/options.h"
#include "plan/plan.h"

/* What a campaign is expected to cost, in all that a budget can count, and how its answer sharpens
 * with it: the trainings timed on this machine, the search simulated. Prints it, with a warning for
 * each budget below what is expected. Takes a few seconds. 0 or an error, which is logged. */
int estimate_print(const struct options *options, const struct plan *plan);

#endif
