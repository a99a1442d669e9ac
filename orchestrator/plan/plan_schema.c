/* The plan's language as a JSON Schema, for values as a YAML reader returns them: 12 and 1.5 are
 * numbers; 2M, 64Ki and 5m are texts, and so is 1e-3 in YAML 1.1. Each key has one schema with a
 * range for numbers and a pattern for texts; keywords of JSON Schema apply only to values of their
 * type. No step checks for memory: jansson accepts the NULL of a failed step as an argument and
 * omits that value. */
#include "plan/plan_schema.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "plan/schema.h"

/* The spellings that quantity.c accepts. */
#define DECIMAL "[+-]?([0-9][0-9_]*([.][0-9_]*)?|[.][0-9][0-9_]*)([eE][+-]?[0-9]+)?"
#define COUNT_PATTERN DECIMAL "(k|M|B|T|Ki|Mi|Gi)?"
#define DURATION_PATTERN DECIMAL "[smhd]"

static json_t *texts(const char *const *names, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(names[i]));
    return list;
}

static void put_text(json_t *object, const char *key, const char *value)
{
    json_object_set_new(object, key, json_string(value));
}

static bool is_list_type(enum plan_type type)
{
    return type == TYPE_TEXTS || type == TYPE_COUNTS || type == TYPE_PAIR;
}

/* ---- one value ---- */

static json_t *bound_json(double bound, bool whole)
{
    return whole ? json_integer((json_int_t)bound) : json_real(bound);
}

/* `word`: "none|", "auto|" or "". */
static void put_pattern(json_t *schema, const char *pattern, const char *word)
{
    char text[256];
    snprintf(text, sizeof(text), "^(%s%s)$", word, pattern);
    put_text(schema, "pattern", text);
}

static void put_number(json_t *schema, const struct plan_key *key, bool whole)
{
    const char *const types[] = {whole ? "integer" : "number", "string"};
    json_object_set_new(schema, "type", texts(types, 2));
    json_object_set_new(schema, key->above ? "exclusiveMinimum" : "minimum",
                        bound_json(key->low, whole));
    json_object_set_new(schema, key->below ? "exclusiveMaximum" : "maximum",
                        bound_json(key->high, whole));
    put_pattern(schema, whole ? COUNT_PATTERN : DECIMAL,
                key->none        ? "none|"
                : key->automatic ? "auto|"
                                 : "");
}

/* Where a text is expected, unquoted 512 and true are texts too. */
static void put_any_text(json_t *schema, size_t capacity, bool empty)
{
    const char *const types[] = {"string", "number", "boolean"};
    json_object_set_new(schema, "type", texts(types, 3));
    if (!empty)
        json_object_set_new(schema, "minLength", json_integer(1));
    if (capacity > 0)
        json_object_set_new(schema, "maxLength", json_integer((json_int_t)capacity - 1));
}

/* Unquoted, a name of digits is a number. */
static void put_choices(json_t *schema, const struct plan_key *key)
{
    json_t *names = json_array();
    for (const struct plan_choice *choice = key->choices; choice->name; choice++) {
        if (choice->gone)
            continue;
        json_array_append_new(names, json_string(choice->name));
        if (strspn(choice->name, "0123456789") == strlen(choice->name))
            json_array_append_new(names, json_integer(strtol(choice->name, NULL, 10)));
    }
    json_object_set_new(schema, "enum", names);
}

static void put_map(json_t *schema, const struct plan_key *key)
{
    json_t *value = json_object(), *names = json_object();
    put_text(schema, "type", "object");
    put_any_text(value, sizeof(((struct plan_pair *)0)->value), key->empty);
    json_object_set_new(schema, "maxProperties", json_integer((json_int_t)key->capacity));
    for (size_t i = 0; key->names && key->names[i]; i++)
        json_object_set_new(names, key->names[i], json_incref(value));
    json_object_set_new(schema, "properties", names);
    json_object_set_new(schema, "additionalProperties",
                        key->names ? json_false() : json_incref(value));
    json_decref(value);
}

static json_t *key_json(const struct plan_key *key);

static void put_inner(json_t *schema, const struct plan_key *inner)
{
    json_t *keys = json_object();
    put_text(schema, "type", "object");
    for (; inner->name; inner++)
        json_object_set_new(keys, inner->name, key_json(inner));
    json_object_set_new(schema, "properties", keys);
    json_object_set_new(schema, "additionalProperties", json_false());
}

/* Schema of a key's value without a list or, for a key that is a list, of an element. */
static json_t *single_json(const struct plan_key *key)
{
    json_t *schema = json_object();
    switch (key->type) {
    case TYPE_U32:
    case TYPE_U64:
    case TYPE_COUNTS:
        put_number(schema, key, true);
        break;
    case TYPE_NUMBER:
    case TYPE_SHARE:
    case TYPE_PAIR:
    case TYPE_SPAN:
        put_number(schema, key, false);
        break;
    case TYPE_DURATION:
        put_text(schema, "type", "string");
        put_pattern(schema, DURATION_PATTERN, key->none ? "none|" : "");
        break;
    case TYPE_BOOL:
        put_text(schema, "type", "boolean");
        break;
    case TYPE_TEXT:
        put_any_text(schema, key->capacity, key->empty);
        break;
    case TYPE_TEXTS:
        put_any_text(schema, TRIAL_PATH, key->empty);
        break;
    case TYPE_ENUM:
        put_choices(schema, key);
        break;
    case TYPE_MAP:
        put_map(schema, key);
        break;
    case TYPE_KEYS:
        put_inner(schema, key->inner);
        break;
    }
    return schema;
}

/* ---- lists ---- */

static json_t *list_json(json_t *item, size_t least, size_t most, bool unique)
{
    json_t *list = json_object();
    put_text(list, "type", "array");
    json_object_set_new(list, "items", item);
    json_object_set_new(list, "minItems", json_integer((json_int_t)least));
    json_object_set_new(list, "maxItems", json_integer((json_int_t)most));
    if (unique)
        json_object_set_new(list, "uniqueItems", json_true());
    return list;
}

static json_t *either_json(json_t *one, json_t *other)
{
    json_t *both = json_object(), *list = json_array();
    json_array_append_new(list, one);
    json_array_append_new(list, other);
    json_object_set_new(both, "anyOf", list);
    return both;
}

static json_t *none_json(void)
{
    json_t *schema = json_object();
    put_text(schema, "const", "none");
    return schema;
}

/* An element is no list, and neither auto nor none. */
static json_t *element_json(const struct plan_key *key)
{
    struct plan_key element = *key;
    element.automatic = element.none = false;
    return single_json(&element);
}

static json_t *value_json(const struct plan_key *key)
{
    const struct plan_key seed = {.type = TYPE_U64, .high = PLAN_SEED_MAX};
    bool pair = key->type == TYPE_PAIR || key->type == TYPE_SPAN;
    json_t *single = pair ? element_json(key) : single_json(key), *list = NULL;
    if (is_list_type(key->type) || key->type == TYPE_SPAN)
        list = list_json(single, pair ? 2 : 1, pair ? 2 : key->capacity, false);
    if (key->type == TYPE_PAIR && key->none)
        return either_json(none_json(), list);
    if (key->type == TYPE_PAIR || key->type == TYPE_COUNTS)
        return list;
    if (list) /* a span, or one text without brackets: the same as its elements */
        return either_json(json_incref(single), list);
    if (key->list == LIST_AXIS)
        return either_json(single, list_json(element_json(key), 2, PLAN_AXIS, true));
    if (key->list == LIST_SEEDS)
        return either_json(single, list_json(single_json(&seed), 1, PLAN_SEEDS, true));
    return single;
}

/* ---- keys ---- */

/* "help [unit]; default: 4 d_model": JSON Schema's `default` cannot express a derived default. */
static void put_description(json_t *schema, const struct plan_key *key)
{
    char text[1024], range[96];
    int used = snprintf(text, sizeof(text), "%s", key->help);
    if (key->unit && used < (int)sizeof(text))
        used += snprintf(text + used, sizeof(text) - (size_t)used, " [%s]", key->unit);
    if (key->high > key->low && used < (int)sizeof(text))
        used += snprintf(text + used, sizeof(text) - (size_t)used, "; %s",
                         plan_range_text(key, range, sizeof(range)));
    if (key->derived && used < (int)sizeof(text))
        snprintf(text + used, sizeof(text) - (size_t)used, "; default: %s", key->fallback);
    put_text(schema, "description", text);
}

static void put_default(json_t *schema, const struct plan_key *key)
{
    char *end;
    if (!key->fallback || key->derived)
        return;
    double number = strtod(key->fallback, &end);
    bool whole = strspn(key->fallback, "0123456789") == strlen(key->fallback);
    if (key->type == TYPE_BOOL)
        json_object_set_new(schema, "default", json_boolean(strcmp(key->fallback, "true") == 0));
    else if (*end || end == key->fallback)
        put_text(schema, "default", key->fallback);
    else
        json_object_set_new(schema, "default", bound_json(number, whole));
}

static json_t *key_json(const struct plan_key *key)
{
    json_t *schema = value_json(key);
    put_description(schema, key);
    put_default(schema, key);
    return schema;
}

/* ---- what is needed ---- */

static json_t *required_json(const char *name) /* {"required": [name]} */
{
    json_t *schema = json_object();
    json_object_set_new(schema, "required", texts(&name, 1));
    return schema;
}

/* {"properties": {name: schema}, "required": [name]} */
static json_t *having_json(const char *name, json_t *schema)
{
    json_t *keys = json_object(), *having = required_json(name);
    json_object_set_new(keys, name, schema);
    json_object_set_new(having, "properties", keys);
    return having;
}

static json_t *is_json(const char *name, const char *value)
{
    json_t *schema = json_object();
    put_text(schema, "const", value);
    return having_json(name, schema);
}

/* This key or the next; NEED_AS_TEXT: or synthetic data. */
static json_t *either_key_json(const struct plan_key *key)
{
    json_t *either = either_json(required_json(key[0].name), required_json(key[1].name));
    if (key->need == NEED_AS_TEXT)
        json_array_append_new(json_object_get(either, "anyOf"), is_json("source", "synthetic"));
    return either;
}

/* The keys of a section that the transformer needs; an empty array: none. */
static json_t *training_needs(const struct plan_section *section)
{
    json_t *all = json_array();
    for (size_t k = 0; k < section->count; k++) {
        const struct plan_key *key = &section->keys[k];
        if (key->need == NEED_TO_TRAIN)
            json_array_append_new(all, required_json(key->name));
        else if (key->need == NEED_OR_NEXT || key->need == NEED_AS_TEXT)
            json_array_append_new(all, either_key_json(key));
    }
    return all;
}

/* {"if": trainer.kind is not transformer, "else": {"allOf": [...]}} */
static void put_training(json_t *root)
{
    json_t *other = json_object(), *needs = json_array(), *otherwise = json_object();
    json_object_set_new(other, "not", is_json("kind", "transformer"));
    json_object_set_new(other, "required",
                        json_incref(json_object_get(json_object_get(other, "not"), "required")));
    for (size_t s = 1; s < plan_section_count; s++) {
        json_t *all = training_needs(&plan_sections[s]), *section = json_object();
        bool any = json_array_size(all) > 0;
        json_object_set_new(section, "allOf", all);
        if (any)
            json_array_append_new(needs, having_json(plan_sections[s].name, section));
        else
            json_decref(section);
    }
    json_object_set_new(otherwise, "allOf", needs);
    json_object_set_new(root, "if", having_json("trainer", other));
    json_object_set_new(root, "else", otherwise);
}

/* The keys of a section that every plan needs; NULL: none. */
static json_t *always_json(const struct plan_section *section)
{
    json_t *names = json_array();
    for (size_t k = 0; k < section->count; k++)
        if (section->keys[k].need == NEED_ALWAYS)
            json_array_append_new(names, json_string(section->keys[k].name));
    if (json_array_size(names) > 0)
        return names;
    json_decref(names);
    return NULL;
}

/* ---- sections ---- */

static json_t *keys_json(const struct plan_section *section)
{
    json_t *keys = json_object();
    for (size_t k = 0; k < section->count; k++)
        json_object_set_new(keys, section->keys[k].name, key_json(&section->keys[k]));
    return keys;
}

/* Keys that one kind of trainer needs: {"if": that kind, "then": the key} each. */
static json_t *kind_rules(const struct plan_section *section)
{
    json_t *rules = json_array();
    for (size_t k = 0; k < section->count; k++) {
        const struct plan_key *key = &section->keys[k];
        const char *kind = key->need == NEED_TO_REPLAY  ? "replay"
                           : key->need == NEED_TO_START ? "command"
                                                        : NULL;
        if (!kind)
            continue;
        json_t *rule = json_object();
        json_object_set_new(rule, "if", is_json("kind", kind));
        json_object_set_new(rule, "then", required_json(key->name));
        json_array_append_new(rules, rule);
    }
    return rules;
}

/* null, a section without keys, is allowed unless a key is always needed. */
static json_t *section_json(const struct plan_section *section)
{
    const char *const types[] = {"object", "null"};
    json_t *schema = json_object(), *always = always_json(section);
    json_object_set_new(schema, "type", texts(types, always ? 1 : 2));
    put_text(schema, "description", section->help);
    json_object_set_new(schema, "properties", keys_json(section));
    if (always)
        json_object_set_new(schema, "required", always);
    json_object_set_new(schema, "additionalProperties", json_false());
    json_t *rules = kind_rules(section);
    if (json_array_size(rules) > 0)
        json_object_set_new(schema, "allOf", json_incref(rules));
    json_decref(rules);
    return schema;
}

json_t *plan_schema_json(void)
{
    json_t *root = json_object(), *keys = keys_json(&plan_sections[0]);
    json_t *required = always_json(&plan_sections[0]);
    for (size_t s = 1; s < plan_section_count; s++) {
        const struct plan_section *section = &plan_sections[s];
        json_t *always = always_json(section);
        if (always)
            json_array_append_new(required, json_string(section->name));
        json_decref(always);
        json_object_set_new(keys, section->name, section_json(section));
    }
    put_text(root, "$schema", "https://json-schema.org/draft/2020-12/schema");
    put_text(root, "title", "plan of lrsearch");
    put_text(root, "type", "object");
    json_object_set_new(root, "properties", keys);
    json_object_set_new(root, "required", required);
    json_object_set_new(root, "additionalProperties", json_false());
    put_training(root);
    return root;
}
