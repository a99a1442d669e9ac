#ifndef LRSEARCH_RESULT_JSON_H
#define LRSEARCH_RESULT_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include "lrsearch/answer.h"
#include "lrsearch/error.h"

/* result.json: the answer for other programs, schema_version 1 (documented in docs/results.md). The
 * keys and their order are stable; unknown values are null, never left out. */

/* The value of result.json; *ok = false without memory. */
json_t *result_json_value(const char *name, const struct answer *answer, bool *ok);
/* The text of result.json, also for --json; lr_free() it. NULL: out of memory. */
char *result_json(const char *name, const struct answer *answer);
int result_json_write(const char *path, const char *name, const struct answer *answer,
                      struct lr_error *err);

/* {"lr": {"ratio", "ci90", "horizon": {"tokens", "ratio", "ci90"}, "beyond", "reason"},
 *  "loss": {"tokens", "difference", "ci90", "beyond", "reason"}}; *ok = false without memory. */
json_t *drift_json(const struct drift *drift, bool *ok);

#endif
