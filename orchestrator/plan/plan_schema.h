#ifndef LRSEARCH_PLAN_SCHEMA_H
#define LRSEARCH_PLAN_SCHEMA_H

#include <jansson.h>

/* The plan's language as a JSON Schema (draft 2020-12), made from the tables of plan/schema.h, so
 * that editors complete and check plans. It judges keys, types, ranges, choices and what is
 * missing; rules over several keys, and ranges of counts with a suffix (2M), are `lrsearch
 * check`'s. */

/* A new reference. Without enough memory it is incomplete or NULL; json_memory_failed() tells so if
 * json_use_lr_memory() was called before. */
json_t *plan_schema_json(void);

#endif
