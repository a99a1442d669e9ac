#ifndef LRSEARCH_EVENT_JSON_H
#define LRSEARCH_EVENT_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include "campaign/event.h"
#include "lrsearch/error.h"

/* An event as a line of the journal: `{"event":"round","round":1,"trials":4,"crc":"89abcdef"}`,
 * keys in the order of the field lists. Doubles with 17 digits, "nan", "inf", "-inf"; integers
 * beyond 2^63 - 1 as strings of digits; text that is no UTF-8 as {"hex":"..."}. Nothing is lost,
 * but a NaN's payload. */

#define EVENT_LINE_BEGINNING "{\"event\":\""

/* With its newline, NUL-terminated; lr_free() it. NULL without memory. */
char *event_to_line(const struct event *event, size_t *length);

/* The fields alone, in the same way; a new reference, or NULL without memory. */
json_t *json_of_fields(const struct field_table *table, const void *owner);

/* Whether the line (without newline) ends in the checksum of what stands before it. */
bool event_line_intact(const char *line, size_t length);

/* The other way. Fields that are missing (an older version wrote the line) are zero, unknown ones
 * (a newer version) are LR_EDAMAGED, as is everything else that does not fit, named by its field.
 * Does not look at the checksum's value. */
int event_from_line(struct event *event, const char *line, size_t length, struct lr_error *err);

#endif
