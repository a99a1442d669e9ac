#ifndef LRSEARCH_PLAN_JSON_H
#define LRSEARCH_PLAN_JSON_H

#include "lrsearch/error.h"
#include "plan/plan.h"

/* The resolved plan as JSON text (every key with its value, 2 spaces of indent, final newline); the
 * caller frees it with lr_free(). NULL without memory. */
char *plan_to_json(const struct plan *plan);
/* The plan that plan_to_json() wrote, in this version or in an earlier one (plan_later.h). LR_EDATA
 * names the key, not the file. */
int plan_from_json(struct plan *plan, const char *json, struct lr_error *err);

#endif
