#ifndef LRSEARCH_PLAN_OUTLINE_H
#define LRSEARCH_PLAN_OUTLINE_H

#include "plan/plan.h"

/* Prints on stdout what a plan will do: the trainings by stages, the cells, the share of the
 * target's FLOPs, what each kind of tensor's learning rate is, what a command trial runs. */
void plan_outline_print(const struct plan *plan);

#endif
