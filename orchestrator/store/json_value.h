#ifndef LRSEARCH_JSON_VALUE_H
#define LRSEARCH_JSON_VALUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "lrsearch/error.h"

/* JSON values for the files of a run. Each returns a new reference, or NULL without memory. */

void json_use_lr_memory(void); /* jansson then allocates through lr_malloc(); any number of times */
bool json_memory_failed(void); /* an allocation of jansson's failed since then */

json_t *json_of_double(double value);  /* null for NaN and infinities, which JSON does not know */
json_t *json_of_count(uint64_t value); /* a real beyond 2^63 - 1, jansson's largest integer */
json_t *json_of_size(uint32_t size);   /* null for 0: not known */
json_t *json_of_interval(const double ends[2]);
json_t *json_of_text(const char *text); /* U+FFFD for each byte that is no UTF-8 */

/* object[key] = value; the value is taken over. *ok turns false when anything failed. */
void json_put(json_t *object, const char *key, json_t *value, bool *ok);
void json_push(json_t *array, json_t *value, bool *ok); /* the same for the end of an array */

/* The value indented, with all digits of its doubles and a final newline; lr_free() it. The value
 * is released. NULL when !ok, or when any allocation failed since json_use_lr_memory(). */
char *json_to_text(json_t *value, bool ok);
char *json_to_line(json_t *value, bool ok); /* the same without any blank and newline */
/* The same to stdout. 0 or LR_ENOMEM. */
int json_print(json_t *value, bool ok, struct lr_error *err);

#endif
