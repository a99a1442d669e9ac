/* Numbers and texts as JSON for every file of a run: valid for strict parsers, without loss of
 * digits. */
#include "store/json_value.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "lrsearch/memory.h"

/* jansson reports a failed allocation in its parser as a syntax error, and its hooks take no
 * context: hence a thread-local variable. */
static _Thread_local bool memory_failed;

static void *json_allocate(size_t size)
{
    void *block = lr_malloc(size);
    memory_failed = memory_failed || (!block && size > 0);
    return block;
}

void json_use_lr_memory(void)
{
    memory_failed = false;
    json_set_alloc_funcs(json_allocate, lr_free);
}

bool json_memory_failed(void)
{
    return memory_failed;
}

json_t *json_of_double(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *json_of_count(uint64_t value)
{
    return value <= INT64_MAX ? json_integer((json_int_t)value) : json_real((double)value);
}

json_t *json_of_size(uint32_t size)
{
    return size ? json_integer(size) : json_null();
}

json_t *json_of_interval(const double ends[2])
{
    json_t *array = json_array();
    for (int i = 0; i < 2; i++)
        if (json_array_append_new(array, json_of_double(ends[i]))) {
            json_decref(array);
            return NULL;
        }
    return array;
}

/* Length of the UTF-8 sequence at `text`; 0: none. Uses jansson, whose rules for overlong forms and
 * surrogates count. */
static size_t sequence_length(const char *text)
{
    size_t rest = strlen(text);
    for (size_t length = 1; length <= 4 && length <= rest; length++) {
        json_t *piece = json_stringn(text, length);
        if (piece) {
            json_decref(piece);
            return length;
        }
    }
    return 0;
}

json_t *json_of_text(const char *text)
{
    static const char replacement[] = "\xef\xbf\xbd";
    json_t *value = json_string(text);
    if (value)
        return value;
    char *clean = lr_malloc(3 * strlen(text) + 1);
    size_t used = 0;
    if (!clean)
        return NULL;
    while (*text) {
        size_t length = sequence_length(text);
        memcpy(clean + used, length ? text : replacement, length ? length : 3);
        used += length ? length : 3;
        text += length ? length : 1;
    }
    value = json_stringn(clean, used);
    lr_free(clean);
    return value;
}

void json_put(json_t *object, const char *key, json_t *value, bool *ok)
{
    if (json_object_set_new(object, key, value))
        *ok = false;
}

void json_push(json_t *array, json_t *value, bool *ok)
{
    if (json_array_append_new(array, value))
        *ok = false;
}

/* Checks memory_failed, because json_dumps() silently drops what it could not allocate. ASCII only,
 * so that printed values hold no terminal escapes. */
static char *dump_value(json_t *value, bool ok, size_t flags)
{
    char *dump = ok ? json_dumps(value, flags | JSON_ENSURE_ASCII) : NULL;
    json_decref(value);
    if (!dump || !memory_failed)
        return dump;
    lr_free(dump);
    return NULL;
}

#define ALL_DIGITS JSON_REAL_PRECISION(17)

char *json_to_members(json_t *object, bool ok, size_t digits)
{
    return dump_value(object, ok, JSON_COMPACT | JSON_EMBED | JSON_REAL_PRECISION(digits));
}

char *json_to_line(json_t *value, bool ok)
{
    return dump_value(value, ok, JSON_COMPACT | ALL_DIGITS);
}

char *json_to_text(json_t *value, bool ok)
{
    char *dump = dump_value(value, ok, JSON_INDENT(2) | ALL_DIGITS);
    if (!dump)
        return NULL;
    size_t length = strlen(dump);
    char *text = lr_realloc(dump, length + 2);
    if (!text) {
        lr_free(dump);
        return NULL;
    }
    memcpy(text + length, "\n", 2);
    return text;
}

int json_print(json_t *value, bool ok, struct lr_error *err)
{
    char *text = json_to_text(value, ok);
    if (!text)
        return lr_nomem(err);
    fputs(text, stdout);
    lr_free(text);
    return 0;
}
