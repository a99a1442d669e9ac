#ifndef LRSEARCH_PLAN_SCHEMA_H
#define LRSEARCH_PLAN_SCHEMA_H

#include <jansson.h>

/* The plan's language as a JSON Schema (draft 2020-12), made from the tables of plan/schema.h, so
 * that editors complete and check plans. It covers keys, types, ranges, choices and what is
 * missing; only `lrsearch check` checks rules over several keys, and ranges of counts with a suffix
 * (2M). */

/* Returns a new reference. Without enough memory it is incomplete or NULL; json_memory_failed()
 * reports that if json_use_lr_memory() was called before. */
json_t *plan_schema_json(void);

#endif
