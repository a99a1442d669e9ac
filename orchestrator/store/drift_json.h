#ifndef LRSEARCH_DRIFT_JSON_H
#define LRSEARCH_DRIFT_JSON_H

#include "lrsearch/answer.h"
#include "store/json_value.h"

/* {"lr": {"ratio", "ci90", "horizon": {"tokens", "ratio", "ci90"}, "beyond", "reason"},
 *  "loss": {"tokens", "difference", "ci90", "beyond", "reason"}} */
json_t *drift_json(const struct drift *drift, bool *ok);
/* "baseline" of result.json: null when none was wanted; "drift" null when nothing was compared. */
json_t *baseline_json(const struct baseline_answer *baseline, bool *ok);

#endif
