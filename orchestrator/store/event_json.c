/* The line codec of the journal, driven by the field tables of the events. jansson encodes and
 * parses the JSON; values that JSON lacks (NaN, 64-bit integers, bytes that are not UTF-8) are
 * stored in strings. */
#include "store/event_json.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include "lrsearch/memory.h"
#include "lrsearch/version.h"
#include "store/json_value.h"

#define CRC_KEY ",\"crc\":\""
#define CRC_SUFFIX (sizeof(CRC_KEY) - 1 + 8 + 2) /* key, 8 hex digits, "} */

static uint32_t checksum(const char *text, size_t length)
{
    return (uint32_t)XXH3_64bits(text, length);
}

/* ---- writing ---- */

static json_t *double_to_json(double value)
{
    if (isnan(value))
        return json_string("nan");
    if (isinf(value))
        return json_string(value > 0 ? "inf" : "-inf");
    return json_real(value);
}

static json_t *u64_to_json(uint64_t value)
{
    char digits[24];
    if (value <= INT64_MAX)
        return json_integer((json_int_t)value);
    snprintf(digits, sizeof(digits), "%" PRIu64, value);
    return json_string(digits);
}

static json_t *text_to_json(const char *text)
{
    json_t *value = json_string(text);
    if (value)
        return value;
    size_t length = strlen(text);
    char *hex = lr_malloc(2 * length + 1);
    if (!hex)
        return NULL;
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < length; i++) {
        hex[2 * i] = digits[(unsigned char)text[i] >> 4];
        hex[2 * i + 1] = digits[text[i] & 15];
    }
    hex[2 * length] = '\0';
    value = json_pack("{s:s}", "hex", hex);
    lr_free(hex);
    return value;
}

static json_t *field_to_json(const struct field *field, const void *member)
{
    uint32_t u32;
    uint64_t u64;
    double f64;
    switch (field->type) {
    case FIELD_U32:
        memcpy(&u32, member, sizeof(u32));
        return json_integer(u32);
    case FIELD_U64:
        memcpy(&u64, member, sizeof(u64));
        return u64_to_json(u64);
    case FIELD_F64:
        memcpy(&f64, member, sizeof(f64));
        return double_to_json(f64);
    case FIELD_TEXT:
        return text_to_json(member);
    case FIELD_STRUCT:
        return json_of_fields(field->sub, member);
    }
    return NULL;
}

static bool is_zero(const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i])
            return false;
    return true;
}

/* Nested structs that are all zero (such as another trainer's) are left out: they are read as
 * zero. */
static bool struct_to_json(json_t *object, const struct field_table *table, const void *owner)
{
    bool ok = true;
    for (size_t i = 0; i < table->count && ok; i++) {
        const struct field *field = &table->fields[i];
        const char *member = (const char *)owner + field->offset;
        if (field->type != FIELD_STRUCT || !is_zero(member, field->size))
            json_put(object, field->name, field_to_json(field, member), &ok);
    }
    return ok;
}

json_t *json_of_fields(const struct field_table *table, const void *owner)
{
    json_t *object = json_object();
    if (object && struct_to_json(object, table, owner))
        return object;
    json_decref(object);
    return NULL;
}

char *event_to_line(const struct event *event, size_t *length)
{
    const struct field_table *table = event_fields(event->kind);
    bool ok = true;
    json_use_lr_memory();
    json_t *object = json_object();
    json_put(object, "event", json_string(event_name(event->kind)), &ok);
    ok = ok && table && struct_to_json(object, table, &event->as);
    char *dump = json_to_line(object, ok);
    if (!dump)
        return NULL;
    size_t body = strlen(dump) - 1; /* without the closing brace */
    char *line = lr_realloc(dump, body + CRC_SUFFIX + 2);
    if (!line) {
        lr_free(dump);
        return NULL;
    }
    snprintf(line + body, CRC_SUFFIX + 2, CRC_KEY "%08" PRIx32 "\"}\n", checksum(line, body));
    *length = body + CRC_SUFFIX + 1;
    return line;
}

/* ---- reading ---- */

bool event_line_intact(const char *line, size_t length)
{
    char expected[CRC_SUFFIX + 1];
    if (length < CRC_SUFFIX)
        return false;
    size_t body = length - CRC_SUFFIX;
    snprintf(expected, sizeof(expected), CRC_KEY "%08" PRIx32 "\"}", checksum(line, body));
    return memcmp(line + body, expected, CRC_SUFFIX) == 0;
}

enum event_kind event_line_kind(const char *line, size_t length)
{
    const size_t begun = sizeof(EVENT_LINE_BEGINNING) - 1;
    for (int kind = 0; kind < EVENT_KINDS; kind++) {
        const char *name = event_name((enum event_kind)kind);
        size_t size = strlen(name);
        if (length > begun + size && memcmp(line, EVENT_LINE_BEGINNING, begun) == 0 &&
            memcmp(line + begun, name, size) == 0 && line[begun + size] == '"')
            return (enum event_kind)kind;
    }
    return EVENT_KINDS;
}

static bool read_u64(const json_t *value, uint64_t *out)
{
    if (json_is_integer(value)) {
        *out = (uint64_t)json_integer_value(value);
        return json_integer_value(value) >= 0;
    }
    const char *digits = json_string_value(value);
    if (!digits || *digits < '0' || *digits > '9')
        return false;
    char *end;
    errno = 0;
    unsigned long long number = strtoull(digits, &end, 10);
    *out = number;
    return !errno && !*end;
}

static bool read_double(const json_t *value, double *out)
{
    static const struct {
        const char *name;
        double value;
    } names[] = {{"nan", NAN}, {"inf", INFINITY}, {"-inf", -INFINITY}};
    if (json_is_number(value)) {
        *out = json_number_value(value);
        return true;
    }
    for (size_t i = 0; json_is_string(value) && i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(json_string_value(value), names[i].name) == 0) {
            *out = names[i].value;
            return true;
        }
    return false;
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef", *found = c ? strchr(digits, c) : NULL;
    return found ? (int)(found - digits) : -1;
}

static bool read_text(const json_t *value, char *out, size_t size)
{
    if (json_is_string(value)) {
        size_t length = json_string_length(value);
        if (length >= size)
            return false;
        memcpy(out, json_string_value(value), length);
        return true;
    }
    const char *hex = json_string_value(json_object_get(value, "hex"));
    if (!hex || json_object_size(value) != 1 || strlen(hex) % 2 || strlen(hex) / 2 >= size)
        return false;
    for (; *hex; hex += 2) {
        int high = hex_digit(hex[0]), low = hex_digit(hex[1]);
        if (high < 0 || low < 0 || high + low == 0)
            return false;
        *out++ = (char)(high * 16 + low);
    }
    return true;
}

/* Reads `object` into `owner`, which holds what a missing key means; `place` is its name in errors.
 * `extra`: number of keys that the caller handles. */
static int struct_from_json(void *owner, const struct field_table *table, const json_t *object,
                            const char *place, size_t extra, struct lr_error *err)
{
    size_t found = extra;
    if (!json_is_object(object))
        return lr_fail(err, LR_EDAMAGED, "%s: must be an object", place);
    for (size_t i = 0; i < table->count; i++) {
        const struct field *field = &table->fields[i];
        const json_t *value = json_object_get(object, field->name);
        char *member = (char *)owner + field->offset, inner[96];
        uint64_t u64 = 0;
        uint32_t u32;
        double f64 = 0;
        int rc;
        if (!value)
            continue;
        found++;
        switch (field->type) {
        case FIELD_U32:
            if (!read_u64(value, &u64) || u64 > UINT32_MAX)
                return lr_fail(err, LR_EDAMAGED, "%s.%s: must be an integer from 0 to %" PRIu32,
                               place, field->name, UINT32_MAX);
            u32 = (uint32_t)u64;
            memcpy(member, &u32, sizeof(u32));
            break;
        case FIELD_U64:
            if (!read_u64(value, &u64))
                return lr_fail(err, LR_EDAMAGED, "%s.%s: must be an integer from 0 to %" PRIu64,
                               place, field->name, UINT64_MAX);
            memcpy(member, &u64, sizeof(u64));
            break;
        case FIELD_F64:
            if (!read_double(value, &f64))
                return lr_fail(err, LR_EDAMAGED,
                               "%s.%s: must be a number, \"nan\", \"inf\" or \"-inf\"", place,
                               field->name);
            memcpy(member, &f64, sizeof(f64));
            break;
        case FIELD_TEXT:
            if (!read_text(value, member, field->size))
                return lr_fail(err, LR_EDAMAGED, "%s.%s: must be a text of %zu bytes at most",
                               place, field->name, field->size - 1);
            break;
        case FIELD_STRUCT:
            snprintf(inner, sizeof(inner), "%.40s.%.40s", place, field->name);
            rc = struct_from_json(member, field->sub, value, inner, 0, err);
            if (rc)
                return rc;
            break;
        }
    }
    if (found == json_object_size(object))
        return 0;
    return lr_fail(err, LR_EDAMAGED,
                   "%s: has fields that this version does not know; another lrsearch wrote it: use "
                   "that one",
                   place);
}

/* CAMPAIGN and SESSION name the format of what follows them. */
static int check_format(const json_t *object, enum event_kind kind, struct lr_error *err)
{
    uint64_t format = 0;
    const char *by = json_string_value(json_object_get(object, "version"));
    if (kind != EVENT_CAMPAIGN && kind != EVENT_SESSION)
        return 0;
    if (!read_u64(json_object_get(object, "format"), &format) || format <= JOURNAL_FORMAT)
        return 0; /* no number: the fields are checked next */
    return lr_fail(err, LR_EDATA,
                   "lrsearch %s wrote this journal in format %" PRIu64
                   ", and this lrsearch, " LRSEARCH_VERSION
                   ", knows formats up to %d: use that version, or a later one",
                   by ? by : "of a later version", format, JOURNAL_FORMAT);
}

static int event_from_json(struct event *event, const json_t *object, struct lr_error *err)
{
    const char *name = json_string_value(json_object_get(object, "event"));
    if (!name)
        return lr_fail(err, LR_EDAMAGED, "has no \"event\"");
    size_t extra = json_object_get(object, "crc") ? 2 : 1;
    int kind = 0, rc;
    while (kind < EVENT_KINDS && strcmp(name, event_name((enum event_kind)kind)) != 0)
        kind++;
    if (kind < EVENT_KINDS) {
        event->kind = (enum event_kind)kind;
        if (event->kind == EVENT_PLANNED) /* in journals from before it had a key */
            event->as.planned.spec.vector_lr_ratio = 1;
        if ((rc = check_format(object, event->kind, err)))
            return rc;
        return struct_from_json(&event->as, event_fields(event->kind), object, name, extra, err);
    }
    return lr_fail(err, LR_EDAMAGED,
                   "unknown event \"%s\"; a newer lrsearch wrote it: use that one", name);
}

int event_from_line(struct event *event, const char *line, size_t length, struct lr_error *err)
{
    json_error_t where;
    memset(event, 0, sizeof(*event));
    json_use_lr_memory();
    json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES, &where);
    if (!object) {
        if (json_memory_failed())
            return lr_nomem(err);
        return lr_fail(err, LR_EDAMAGED, "is no JSON: column %d: %s", where.column, where.text);
    }
    struct lr_error why = {0};
    int rc = event_from_json(event, object, &why);
    if (json_memory_failed()) /* a failed allocation looks like a missing key */
        rc = lr_nomem(err);
    else if (rc)
        lr_fail(err, rc, "%s", why.text);
    if (rc)
        memset(event, 0, sizeof(*event));
    json_decref(object);
    return rc;
}
