#ifndef LRSEARCH_PLAN_DIFF_H
#define LRSEARCH_PLAN_DIFF_H

#include <stddef.h>
#include "lrsearch/error.h"

/* Compares two texts of plan_to_json() leaf by leaf, except for output.dir,
 * trainer.threads_per_worker, trainer.ranks_per_trial, budget.*, limits.*, on_fail.*, baseline and
 * tolerance.*, which may change between runs of one campaign. A key that came after the version
 * which wrote a text has its default. Writes "search.seeds (1 -> 3), ..." to `out`. Returns the
 * number of fields that differ, or LR_EINVAL when a text is no JSON object. */
int plan_diff(const char *old_json, const char *new_json, char *out, size_t capacity);

#endif
