#ifndef LRSEARCH_PLAN_OUTLINE_H
#define LRSEARCH_PLAN_OUTLINE_H

#include "plan/plan.h"

/* Prints on stdout what a plan will do: trials by stage, cells, share of the target's FLOPs,
 * learning rate of each kind of tensor, and what a command trial runs. */
void plan_outline_print(const struct plan *plan);

#endif
