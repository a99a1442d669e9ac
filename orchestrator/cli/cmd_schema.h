#ifndef LRSEARCH_PLAN_SCHEMA_H
#define LRSEARCH_PLAN_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>

/* The plan's language as a JSON Schema (draft 2020-12), made from the tables of plan/schema.h, so
 * that editors complete and check plans. It judges keys, types, ranges, choices and what is
 * missing; rules over several keys, and ranges of counts with a suffix (2M), are `lrsearch
 * check`'s. */

/* A new reference; *ok turns false when there was no memory for all of it. */
json_t *plan_schema_json(bool *ok);

#endif
