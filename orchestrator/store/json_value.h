#ifndef LRSEARCH_JSON_VALUE_H
#define LRSEARCH_JSON_VALUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "lrsearch/error.h"

/* JSON values for the files of a run. Each function returns a new reference, or NULL: out of
 * memory. */

void json_use_lr_memory(void); /* jansson uses lr_malloc() from now on; repeatable */
bool json_memory_failed(void); /* a jansson allocation has failed since */

json_t *json_of_double(double value);  /* null for NaN and infinities, which JSON lacks */
json_t *json_of_count(uint64_t value); /* a real beyond 2^63 - 1, jansson's largest integer */
json_t *json_of_size(uint32_t size);   /* null for 0, which means unknown */
json_t *json_of_interval(const double ends[2]);
json_t *json_of_text(const char *text); /* U+FFFD for each byte that is not UTF-8 */

/* object[key] = value; takes over the value's reference. Sets *ok to false on failure. */
void json_put(json_t *object, const char *key, json_t *value, bool *ok);
void json_push(json_t *array, json_t *value, bool *ok); /* appends to an array, likewise */

/* object[key] = the array of the values that an expression of `i` has for i = 0 .. count - 1. */
#define JSON_PUT_EACH(object, key, count, value, ok)                                               \
    do {                                                                                           \
        json_t *values = json_array();                                                             \
        for (size_t i = 0; i < (count) && *(ok); i++)                                              \
            json_push(values, value, ok);                                                          \
        json_put(object, key, values, ok);                                                         \
    } while (0)

/* The value as indented text with all digits of its doubles and a final newline; lr_free() it.
 * Releases the value. NULL if !ok, or if any allocation failed since json_use_lr_memory(). */
char *json_to_text(json_t *value, bool ok);
char *json_to_line(json_t *value, bool ok); /* likewise, without blanks and newline */
/* The members of an object as compact text without the braces, with so many digits of its doubles;
 * otherwise likewise. */
char *json_to_members(json_t *object, bool ok, size_t digits);
/* Prints json_to_text() to stdout. 0 or LR_ENOMEM. */
int json_print(json_t *value, bool ok, struct lr_error *err);

#endif
