#ifndef LRSEARCH_PLAN_LOAD_H
#define LRSEARCH_PLAN_LOAD_H

#include <stddef.h>
#include "plan/plan.h"

/* Every error found in a plan, in the order of the file: "plan.yaml:12:5: model.d_modell: unknown
 * key (did you mean d_model?)". */
struct plan_errors {
    char **lines;
    size_t count;
    size_t capacity;
};
void plan_errors_release(struct plan_errors *errors);

/* Reads and checks a plan. `sets` are "key.path=value" overrides (--set); their errors begin with
 * "--set key.path=value:". Every error in one pass, to *errors (also when the file cannot be read).
 * 0, or LR_EPLAN (errors->count > 0), or LR_ENOMEM. *plan is valid only on 0. */
int plan_load(struct plan *plan, const char *path, const char *const *sets, size_t set_count,
              struct plan_errors *errors);

#endif
