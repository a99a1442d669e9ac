/* Stores one value of the tree in its member of struct plan, by the type of its key. A complaint
 * says what was found and what was expected; each bad element of a list gets one. */
#include "plan/plan_value.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "lrsearch/suggestion.h"
#include "plan/quantity.h"

#define ITEM_PATH (2 * QUOTABLE + 1) /* of a list's element or a map's entry */

static const char *text_of(const struct plan_value *value)
{
    return yaml_tree_text(value->tree, value->node);
}

static const struct yaml_node *node_at(const struct plan_value *value, uint32_t index)
{
    return &value->tree->nodes[index];
}

/* Complains at the place of the value; returns false. */
static bool refuse(const struct plan_value *value, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static bool refuse(const struct plan_value *value, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    complain_va(value->complaints, value->node->place, value->path, format, args);
    va_end(args);
    return false;
}

static bool wrong_type(const struct plan_value *value)
{
    const struct yaml_node *node = value->node;
    const char *expected = plan_type_text(value->key->type);
    const char *or_none = value->key->none ? ", or none" : value->key->automatic ? ", or auto" : "";
    char text[QUOTABLE];
    if (node->kind != YAML_SCALAR)
        return refuse(value, "expected %s%s, found a %s%s", expected, or_none,
                      node->kind == YAML_LIST ? "list" : "map of keys",
                      node->kind == YAML_MAP && value->key->type == TYPE_TEXT
                          ? "; a text that begins with a brace needs quotes, as in '{lr}'"
                          : "");
    return refuse(value, "expected %s%s, found %s\"%s\"%s", expected, or_none,
                  node->quoted ? "the quoted text " : "", quotable(text_of(value), text),
                  node->quoted ? "; remove the quotes" : "");
}

static bool out_of_range(const struct plan_value *value)
{
    char range[96], text[QUOTABLE];
    return refuse(value, "%s is out of range (%s)%s", quotable(text_of(value), text),
                  plan_range_text(value->key, range, sizeof(range)),
                  value->key->beyond ? value->key->beyond : "");
}

/* An unquoted scalar. */
static bool is_word(const struct plan_value *value)
{
    return value->node->kind == YAML_SCALAR && !value->node->quoted;
}

static bool in_range(const struct plan_key *key, double value)
{
    return (key->above ? value > key->low : value >= key->low) &&
           (key->below ? value < key->high : value <= key->high);
}

static bool is_none(const struct plan_value *value)
{
    return value->key->none && is_word(value) && strcmp(text_of(value), "none") == 0;
}

static bool read_count(const struct plan_value *value, uint64_t *out)
{
    char text[QUOTABLE];
    *out = 0;
    if (is_none(value))
        return true;
    if (!is_word(value))
        return wrong_type(value);
    switch (quantity_count(text_of(value), out)) {
    case QUANTITY_SYNTAX:
        return wrong_type(value);
    case QUANTITY_FRACTION:
        return refuse(value, "%s is not a whole number", quotable(text_of(value), text));
    case QUANTITY_BEYOND:
        return out_of_range(value);
    case QUANTITY_OK:
        break;
    }
    /* Above 2^53 the double is rounded, but every bound is at most 2^53 and exact. */
    return in_range(value->key, (double)*out) || out_of_range(value);
}

static bool read_double(const struct plan_value *value, double *out)
{
    *out = 0;
    if (is_none(value))
        return true;
    if (!is_word(value))
        return wrong_type(value);
    enum quantity_status status = value->key->type == TYPE_DURATION
                                      ? quantity_duration(text_of(value), out)
                                      : quantity_number(text_of(value), out);
    if (status == QUANTITY_SYNTAX)
        return wrong_type(value);
    return (status == QUANTITY_OK && in_range(value->key, *out)) || out_of_range(value);
}

static bool read_bool(const struct plan_value *value, bool *out)
{
    if (!is_word(value))
        return wrong_type(value);
    *out = strcmp(text_of(value), "true") == 0;
    return *out || strcmp(text_of(value), "false") == 0 || wrong_type(value);
}

/* A scalar without a NUL in it. */
static bool check_text(const struct plan_value *value)
{
    if (value->node->kind != YAML_SCALAR)
        return wrong_type(value);
    return strlen(text_of(value)) == value->node->length || refuse(value, "holds a NUL character");
}

static bool read_text(const struct plan_value *value, char *out, size_t capacity)
{
    uint32_t length = value->node->length;
    if (!check_text(value))
        return false;
    if (length == 0 && !value->key->empty)
        return refuse(value, "is empty");
    if (length >= capacity)
        return refuse(value, "is too long (%u bytes; at most %zu)", (unsigned)length, capacity - 1);
    memcpy(out, text_of(value), length + 1);
    return true;
}

static bool read_choice(const struct plan_value *value, uint32_t *out)
{
    char known[128], shown[QUOTABLE];
    struct suggestion suggestion;
    if (!check_text(value))
        return false;
    const char *text = text_of(value);
    plan_choices_text(value->key, known, sizeof(known));
    suggestion_init(&suggestion, text);
    for (const struct plan_choice *choice = value->key->choices; choice->name; choice++) {
        bool same = strcmp(choice->name, text) == 0;
        if (same && choice->gone)
            return refuse(value, "%s is gone (available: %s); %s", text, known, choice->gone);
        if (same) {
            *out = choice->value;
            return true;
        }
        if (!choice->gone)
            suggestion_offer(&suggestion, choice->name);
    }
    return refuse(value, "unknown value %s (available: %s)%s%s%s", quotable(text, shown), known,
                  suggestion.best ? "; did you mean " : "", suggestion.best ? suggestion.best : "",
                  suggestion.best ? "?" : "");
}

/* Element `index` of a list, with the type and range in `key`; fills `path`. */
static struct plan_value element_of(const struct plan_value *value, const struct plan_key *key,
                                    size_t index, uint32_t node, char path[ITEM_PATH])
{
    struct plan_value element = *value;
    snprintf(path, ITEM_PATH, "%s[%zu]", value->path, index);
    element.key = key;
    element.path = path;
    element.node = node_at(value, node);
    return element;
}

/* Complains of each bad element. A pair may be none: two zeros. */
static bool read_list(const struct plan_value *value, void *member, size_t *count_member)
{
    enum plan_type type = value->key->type;
    bool pair = type == TYPE_PAIR || type == TYPE_SPAN, good = true;
    size_t least = pair ? 2 : 1, most = pair ? 2 : value->key->capacity, count = 0;
    struct plan_key key = *value->key;
    key.type = pair ? TYPE_NUMBER : type == TYPE_COUNTS ? TYPE_U64 : TYPE_TEXT;
    if (type == TYPE_TEXTS && value->node->kind == YAML_SCALAR) { /* one text without brackets */
        struct plan_value only = *value;
        only.key = &key;
        good = read_text(&only, member, TRIAL_PATH);
        *count_member = good ? 1 : *count_member;
        return good;
    }
    if (pair && is_none(value)) {
        memset(member, 0, 2 * sizeof(double));
        return true;
    }
    if (value->node->kind != YAML_LIST)
        return wrong_type(value);
    key.none = false;
    for (uint32_t at = value->node->first; at != YAML_TREE_NONE;
         at = node_at(value, at)->next, count++) {
        char path[ITEM_PATH];
        struct plan_value element = element_of(value, &key, count, at, path);
        if (count >= most)
            continue;
        if (pair)
            good &= read_double(&element, (double *)member + count);
        else if (type == TYPE_COUNTS)
            good &= read_count(&element, (uint64_t *)member + count);
        else
            good &= read_text(&element, (char *)member + count * TRIAL_PATH, TRIAL_PATH);
    }
    if (count < least || count > most)
        return refuse(value, "has %zu elements; expected %s %zu", count,
                      least == most   ? "exactly"
                      : count < least ? "at least"
                                      : "at most",
                      count < least ? least : most);
    if (good && !pair)
        *count_member = count;
    return good;
}

/* ---- lists in the place of one value ---- */

/* One value as bits that differ if the values do; those of a number are its own. */
static bool read_one(const struct plan_value *value, uint64_t *out)
{
    uint32_t choice = 0;
    double number = 0;
    bool good;
    if (value->key->type == TYPE_NUMBER) {
        good = read_double(value, &number);
        number += 0; /* -0 is 0 */
        memcpy(out, &number, sizeof(*out));
        return good;
    }
    if (value->key->type != TYPE_ENUM)
        return read_count(value, out);
    good = read_choice(value, &choice);
    *out = choice;
    return good;
}

/* Reads values that must differ, as bits; complains of each that is bad or repeated. */
static bool read_values(const struct plan_value *value, const struct plan_key *key, size_t least,
                        size_t most, uint64_t *values, size_t *count)
{
    size_t found = 0;
    bool good = true;
    *count = 0;
    for (uint32_t at = value->node->first; at != YAML_TREE_NONE;
         at = node_at(value, at)->next, found++) {
        char path[ITEM_PATH], shown[QUOTABLE];
        struct plan_value element = element_of(value, key, found, at, path);
        uint64_t number;
        if (found >= most)
            continue;
        if (!read_one(&element, &number)) {
            good = false;
            continue;
        }
        size_t before = 0;
        while (before < *count && values[before] != number)
            before++;
        if (before == *count)
            values[(*count)++] = number;
        else
            good = refuse(&element, "%s is there twice; leave one out",
                          quotable(text_of(&element), shown));
    }
    if (found < least || found > most)
        return refuse(value, "has %zu element%s; expected %zu to %zu%s", found,
                      found == 1 ? "" : "s", least, most,
                      found == 1 ? ", or the value without brackets" : "");
    return good;
}

/* Reads an axis into the one of the two that is not NULL. */
static bool read_axis(const struct plan_value *value, void *member, struct plan_axis *axis,
                      struct plan_number_axis *numbers)
{
    uint64_t values[PLAN_AXIS];
    size_t count;
    struct plan_key item_key = *value->key;
    item_key.list = LIST_REFUSED; /* an element must not be a list, */
    item_key.automatic = false;   /* nor auto */
    if (!read_values(value, &item_key, 2, PLAN_AXIS, values, &count))
        return false;
    if (numbers) {
        memcpy(numbers->values, values, count * sizeof(values[0]));
        numbers->count = count;
        *(double *)member = numbers->values[0];
        return true;
    }
    for (size_t i = 0; i < count; i++)
        axis->values[i] = (uint32_t)values[i]; /* fits: the test of the schema checks the range */
    axis->count = count;
    *(uint32_t *)member = axis->values[0];
    return true;
}

static bool read_seeds(const struct plan_value *value, uint32_t *member, struct plan_seeds *seeds)
{
    const struct plan_key item_key = {.type = TYPE_U64, .high = PLAN_SEED_MAX};
    if (!read_values(value, &item_key, 1, PLAN_SEEDS, seeds->values, &seeds->count))
        return false;
    *member = (uint32_t)seeds->count;
    return true;
}

static bool read_span(const struct plan_value *value, double *member)
{
    if (value->node->kind != YAML_SCALAR)
        return read_list(value, member, NULL);
    if (!read_double(value, member))
        return false;
    member[1] = member[0];
    return true;
}

/* ---- maps ---- */

static void complain_of_unknown(const struct plan_value *value, struct place place,
                                const char *path, const char *best)
{
    complain(value->complaints, place, path, "unknown key%s%s%s", best ? " (did you mean " : "",
             best ? best : "", best ? "?)" : "");
}

/* Whether the map may have an entry of that name; false with a complaint. */
static bool is_known_entry(const struct plan_value *value, const char *name, struct place place,
                           const char *path)
{
    struct suggestion suggestion;
    if (!value->key->names)
        return true;
    suggestion_init(&suggestion, name);
    for (const char *const *known = value->key->names; *known; known++) {
        if (strcmp(*known, name) == 0)
            return true;
        suggestion_offer(&suggestion, *known);
    }
    complain_of_unknown(value, place, path, suggestion.best);
    return false;
}

/* The inner key of that name; NULL with a complaint. */
static const struct plan_key *find_inner(const struct plan_value *value, const char *name,
                                         struct place place, const char *path)
{
    struct suggestion suggestion;
    suggestion_init(&suggestion, name);
    for (const struct plan_key *key = value->key->inner; key->name; key++) {
        if (strcmp(key->name, name) == 0)
            return key;
        suggestion_offer(&suggestion, key->name);
    }
    complain_of_unknown(value, place, path, suggestion.best);
    return NULL;
}

/* The entry of that name, or a new one; NULL with a complaint. */
static struct plan_pair *find_entry(const struct plan_value *value, const char *name,
                                    struct place place, const char *path)
{
    unsigned char *plan = (unsigned char *)value->plan;
    struct plan_pair *pairs = (void *)(plan + value->key->offset);
    size_t *count = (void *)(plan + value->key->count_offset);
    for (size_t i = 0; i < *count; i++)
        if (strcmp(pairs[i].key, name) == 0)
            return &pairs[i];
    if (!*name || strlen(name) >= sizeof(pairs->key)) {
        complain(value->complaints, place, path, "the name must have 1 to %zu bytes",
                 sizeof(pairs->key) - 1);
        return NULL;
    }
    if (*count == value->key->capacity) {
        complain(value->complaints, place, path,
                 "there are %zu entries before it, and more cannot be", *count);
        return NULL;
    }
    memcpy(pairs[*count].key, name, strlen(name) + 1);
    return &pairs[(*count)++];
}

static const char *entry_path(const struct plan_value *value, const char *name, char out[ITEM_PATH])
{
    char shown[QUOTABLE];
    snprintf(out, ITEM_PATH, "%s.%s", value->path, quotable(name, shown));
    return out;
}

bool plan_value_read_entry(const struct plan_value *value, const char *name, struct place place)
{
    char path[ITEM_PATH];
    const struct plan_key key = {.type = TYPE_TEXT, .empty = value->key->empty};
    struct plan_value entry = *value;
    entry.key = &key;
    entry.path = entry_path(value, name, path);
    if (value->key->type == TYPE_KEYS) {
        if (!(entry.key = find_inner(value, name, place, path)))
            return false;
        if (yaml_tree_is_null(value->tree, value->node))
            return refuse(&entry, "has no value; expected %s (leave the key out for its default)",
                          plan_type_text(entry.key->type));
        return plan_value_read(&entry);
    }
    if (!is_known_entry(value, name, place, path))
        return false;
    struct plan_pair *pair = find_entry(value, name, place, path);
    if (!pair)
        return false;
    if (yaml_tree_is_null(value->tree, value->node))
        return refuse(&entry, "has no value; expected %s", plan_type_text(TYPE_TEXT));
    return read_text(&entry, pair->value, sizeof(pair->value));
}

/* Whether the name at `at` occurs earlier in the map; then complains. */
static bool is_repeated(const struct plan_value *map, uint32_t at)
{
    const char *name = yaml_tree_text(map->tree, node_at(map, at));
    for (uint32_t i = map->node->first; i != at; i = node_at(map, node_at(map, i)->next)->next)
        if (strcmp(yaml_tree_text(map->tree, node_at(map, i)), name) == 0) {
            char path[ITEM_PATH];
            complain(map->complaints, node_at(map, at)->place, entry_path(map, name, path),
                     "repeated key (first in line %u)", (unsigned)node_at(map, i)->place.line);
            return true;
        }
    return false;
}

static bool read_map(const struct plan_value *map)
{
    bool good = true;
    struct plan_value entry = *map;
    if (map->node->kind != YAML_MAP)
        return wrong_type(map);
    for (uint32_t at = map->node->first; at != YAML_TREE_NONE; at = entry.node->next) {
        const struct yaml_node *name = node_at(map, at);
        entry.node = node_at(map, name->next);
        good &= !is_repeated(map, at) &&
                plan_value_read_entry(&entry, yaml_tree_text(map->tree, name), name->place);
    }
    return good;
}

bool plan_value_read(const struct plan_value *value)
{
    const struct plan_key *key = value->key;
    unsigned char *plan = (unsigned char *)value->plan;
    void *member = plan + key->offset;
    uint64_t count;
    if (value->node->kind == YAML_LIST && key->list == LIST_AXIS)
        return read_axis(value, member, plan_key_axis(key, value->plan),
                         plan_key_number_axis(key, value->plan));
    if (value->node->kind == YAML_LIST && key->list == LIST_SEEDS)
        return read_seeds(value, member, (void *)(plan + key->list_offset));
    switch (key->type) {
    case TYPE_U32:
        if (!read_count(value, &count))
            return false;
        *(uint32_t *)member = (uint32_t)count; /* fits: the test of the schema checks the range */
        return true;
    case TYPE_U64:
        return read_count(value, member);
    case TYPE_NUMBER:
    case TYPE_SHARE:
    case TYPE_DURATION:
        return read_double(value, member);
    case TYPE_BOOL:
        return read_bool(value, member);
    case TYPE_TEXT:
        return read_text(value, member, key->capacity);
    case TYPE_ENUM:
        return read_choice(value, member);
    case TYPE_MAP:
    case TYPE_KEYS:
        return read_map(value);
    case TYPE_SPAN:
        return read_span(value, member);
    case TYPE_TEXTS:
    case TYPE_COUNTS:
    case TYPE_PAIR:
        return read_list(value, member, (void *)(plan + key->count_offset));
    }
    return false;
}
