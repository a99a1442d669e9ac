#ifndef LRSEARCH_PLAN_OUTLINE_H
#define LRSEARCH_PLAN_OUTLINE_H

#include <stdio.h>
#include "lrsearch/trial.h"

/* What the parametrization makes of init, learning rate and weight decay, as a table. */
void factors_print(FILE *out, const struct trial_spec *spec);

#endif
