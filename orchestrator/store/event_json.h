#ifndef LRSEARCH_EVENT_JSON_H
#define LRSEARCH_EVENT_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include "campaign/event.h"
#include "lrsearch/error.h"

/* An event as a line of the journal: `{"event":"round","round":1,"trials":4,"crc":"89abcdef"}`,
 * keys in the order of the field lists. Doubles have 17 digits or are "nan", "inf", "-inf";
 * integers beyond 2^63 - 1 are strings of digits; text that is not UTF-8 is {"hex":"..."}. Lossless
 * except for a NaN's payload. */

#define EVENT_LINE_BEGINNING "{\"event\":\""

/* The line with its newline, NUL-terminated; lr_free() it. NULL: out of memory. */
char *event_to_line(const struct event *event, size_t *length);

/* The fields alone, encoded the same way; a new reference, or NULL: out of memory. */
json_t *json_of_fields(const struct field_table *table, const void *owner);

/* Whether the line (without newline) ends in the checksum of its text. */
bool event_line_intact(const char *line, size_t length);

/* The kind by the line's beginning; EVENT_KINDS: none of ours. */
enum event_kind event_line_kind(const char *line, size_t length);

/* Parses a line. Missing fields (from an older version) are zero. Unknown fields (from a newer one)
 * and values that do not fit are LR_EDAMAGED, with the field's name. A CAMPAIGN or SESSION of a
 * later format than JOURNAL_FORMAT is LR_EDATA. Does not check the checksum. */
int event_from_line(struct event *event, const char *line, size_t length, struct lr_error *err);

#endif
