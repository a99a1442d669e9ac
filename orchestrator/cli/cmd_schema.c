/* lrsearch schema. A value is seen as a YAML reader hands it over: 12 and 1.5 are numbers, 2M, 64Ki
 * and 5m are texts, and so is 1e-3 to readers of YAML 1.1. Each key therefore has one schema with a
 * range for numbers and a pattern for texts; keywords of JSON Schema bind only values of their
 * type.
 */
#include "cli/cmd_schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/command_line.h"
#include "cli/outcome.h"
#include "lrsearch/log.h"
#include "plan/schema.h"
#include "store/json_value.h"

/* As plan/value.c reads them. */
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

static void put_text(json_t *object, const char *key, const char *value, bool *ok)
{
    json_put(object, key, json_of_text(value), ok);
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

static void put_pattern(json_t *schema, const char *pattern, bool none, bool *ok)
{
    char text[256];
    snprintf(text, sizeof(text), "^(%s%s)$", none ? "none|" : "", pattern);
    put_text(schema, "pattern", text, ok);
}

static void put_number(json_t *schema, const struct plan_key *key, bool whole, bool *ok)
{
    const char *const types[] = {whole ? "integer" : "number", "string"};
    json_put(schema, "type", texts(types, 2), ok);
    json_put(schema, key->above ? "exclusiveMinimum" : "minimum", bound_json(key->low, whole), ok);
    json_put(schema, key->below ? "exclusiveMaximum" : "maximum", bound_json(key->high, whole), ok);
    put_pattern(schema, whole ? COUNT_PATTERN : DECIMAL, key->none, ok);
}

/* Unquoted 512 and true are texts too, where a text is wanted. */
static void put_any_text(json_t *schema, size_t capacity, bool empty, bool *ok)
{
    const char *const types[] = {"string", "number", "boolean"};
    json_put(schema, "type", texts(types, 3), ok);
    if (!empty)
        json_put(schema, "minLength", json_integer(1), ok);
    if (capacity > 0)
        json_put(schema, "maxLength", json_integer((json_int_t)capacity - 1), ok);
}

static void put_choices(json_t *schema, const struct plan_key *key, bool *ok)
{
    json_t *names = json_array();
    for (const struct plan_choice *choice = key->choices; choice->name; choice++)
        if (choice->available)
            *ok &= json_array_append_new(names, json_string(choice->name)) == 0;
    json_put(schema, "enum", names, ok);
}

static void put_map(json_t *schema, const struct plan_key *key, bool *ok)
{
    json_t *value = json_object(), *names = json_object();
    put_text(schema, "type", "object", ok);
    put_any_text(value, sizeof(((struct plan_pair *)0)->value), key->empty, ok);
    json_put(schema, "maxProperties", json_integer((json_int_t)key->capacity), ok);
    for (size_t i = 0; key->names && key->names[i]; i++)
        json_put(names, key->names[i], json_incref(value), ok);
    json_put(schema, "properties", names, ok);
    json_put(schema, "additionalProperties", key->names ? json_false() : json_incref(value), ok);
    json_decref(value);
}

/* What a key takes without a list; of a key that is a list, what an element takes. */
static json_t *single_json(const struct plan_key *key, bool *ok)
{
    json_t *schema = json_object();
    switch (key->type) {
    case TYPE_U32:
    case TYPE_U64:
    case TYPE_COUNTS:
        put_number(schema, key, true, ok);
        break;
    case TYPE_NUMBER:
    case TYPE_SHARE:
    case TYPE_PAIR:
    case TYPE_SPAN:
        put_number(schema, key, false, ok);
        break;
    case TYPE_DURATION:
        put_text(schema, "type", "string", ok);
        put_pattern(schema, DURATION_PATTERN, key->none, ok);
        break;
    case TYPE_BOOL:
        put_text(schema, "type", "boolean", ok);
        break;
    case TYPE_TEXT:
        put_any_text(schema, key->capacity, key->empty, ok);
        break;
    case TYPE_TEXTS:
        put_any_text(schema, TRIAL_PATH, key->empty, ok);
        break;
    case TYPE_ENUM:
        put_choices(schema, key, ok);
        break;
    case TYPE_MAP:
        put_map(schema, key, ok);
        break;
    }
    return schema;
}

/* ---- lists ---- */

static json_t *list_json(json_t *item, size_t least, size_t most, bool unique, bool *ok)
{
    json_t *list = json_object();
    put_text(list, "type", "array", ok);
    json_put(list, "items", item, ok);
    json_put(list, "minItems", json_integer((json_int_t)least), ok);
    json_put(list, "maxItems", json_integer((json_int_t)most), ok);
    if (unique)
        json_put(list, "uniqueItems", json_true(), ok);
    return list;
}

static json_t *either_json(json_t *one, json_t *other, bool *ok)
{
    json_t *both = json_object(), *list = json_array();
    *ok &= json_array_append_new(list, one) == 0 && json_array_append_new(list, other) == 0;
    json_put(both, "anyOf", list, ok);
    return both;
}

static json_t *value_json(const struct plan_key *key, bool *ok)
{
    const struct plan_key seed = {.type = TYPE_U64, .high = PLAN_SEED_MAX};
    bool pair = key->type == TYPE_PAIR || key->type == TYPE_SPAN;
    json_t *single = single_json(key, ok), *list = NULL;
    if (is_list_type(key->type) || key->type == TYPE_SPAN)
        list = list_json(single, pair ? 2 : 1, pair ? 2 : key->capacity, false, ok);
    if (key->type == TYPE_PAIR || key->type == TYPE_COUNTS)
        return list;
    if (list) /* a span, or one text without brackets: the same as its elements */
        return either_json(json_incref(single), list, ok);
    if (key->list == LIST_AXIS)
        return either_json(single, list_json(json_incref(single), 2, PLAN_AXIS, true, ok), ok);
    if (key->list == LIST_SEEDS)
        return either_json(single, list_json(single_json(&seed, ok), 1, PLAN_SEEDS, true, ok), ok);
    return single;
}

/* ---- keys ---- */

/* "help [unit]; default: 4 d_model": what JSON's own `default` cannot say is told in words. */
static void put_description(json_t *schema, const struct plan_key *key, bool *ok)
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
    put_text(schema, "description", text, ok);
}

static void put_default(json_t *schema, const struct plan_key *key, bool *ok)
{
    char *end;
    if (!key->fallback || key->derived)
        return;
    double number = strtod(key->fallback, &end);
    bool whole = strspn(key->fallback, "0123456789") == strlen(key->fallback);
    if (key->type == TYPE_BOOL)
        json_put(schema, "default", json_boolean(strcmp(key->fallback, "true") == 0), ok);
    else if (*end || end == key->fallback)
        put_text(schema, "default", key->fallback, ok);
    else
        json_put(schema, "default", bound_json(number, whole), ok);
}

static json_t *key_json(const struct plan_key *key, bool *ok)
{
    json_t *schema = value_json(key, ok);
    put_description(schema, key, ok);
    put_default(schema, key, ok);
    return schema;
}

/* ---- what is needed ---- */

static json_t *required_json(const char *name, bool *ok) /* {"required": [name]} */
{
    json_t *schema = json_object();
    json_put(schema, "required", texts(&name, 1), ok);
    return schema;
}

/* {"properties": {name: schema}, "required": [name]} */
static json_t *having_json(const char *name, json_t *schema, bool *ok)
{
    json_t *keys = json_object(), *having = required_json(name, ok);
    json_put(keys, name, schema, ok);
    json_put(having, "properties", keys, ok);
    return having;
}

static json_t *is_json(const char *name, const char *value, bool *ok)
{
    json_t *schema = json_object();
    put_text(schema, "const", value, ok);
    return having_json(name, schema, ok);
}

/* This key or the next; NEED_AS_TEXT: or made-up data. */
static json_t *either_key_json(const struct plan_key *key, bool *ok)
{
    json_t *either =
        either_json(required_json(key[0].name, ok), required_json(key[1].name, ok), ok);
    if (key->need == NEED_AS_TEXT)
        *ok &= json_array_append_new(json_object_get(either, "anyOf"),
                                     is_json("source", "synthetic", ok)) == 0;
    return either;
}

/* The keys of a section that are needed when it trains; an empty array: none. */
static json_t *training_needs(const struct plan_section *section, bool *ok)
{
    json_t *all = json_array();
    for (size_t k = 0; k < section->count; k++) {
        const struct plan_key *key = &section->keys[k];
        if (key->need == NEED_TO_TRAIN)
            *ok &= json_array_append_new(all, required_json(key->name, ok)) == 0;
        else if (key->need == NEED_OR_NEXT || key->need == NEED_AS_TEXT)
            *ok &= json_array_append_new(all, either_key_json(key, ok)) == 0;
    }
    return all;
}

/* {"if": trainer.kind is another than transformer, "else": {"allOf": [...]}} */
static void put_training(json_t *root, bool *ok)
{
    json_t *other = json_object(), *needs = json_array(), *otherwise = json_object();
    json_put(other, "not", is_json("kind", "transformer", ok), ok);
    json_put(other, "required",
             json_incref(json_object_get(json_object_get(other, "not"), "required")), ok);
    for (size_t s = 1; s < plan_section_count; s++) {
        json_t *all = training_needs(&plan_sections[s], ok), *section = json_object();
        bool any = json_array_size(all) > 0;
        json_put(section, "allOf", all, ok);
        if (any)
            *ok &=
                json_array_append_new(needs, having_json(plan_sections[s].name, section, ok)) == 0;
        else
            json_decref(section);
    }
    json_put(otherwise, "allOf", needs, ok);
    json_put(root, "if", having_json("trainer", other, ok), ok);
    json_put(root, "else", otherwise, ok);
}

/* The keys of a section that every plan has; NULL: none. */
static json_t *always_json(const struct plan_section *section, bool *ok)
{
    json_t *names = json_array();
    for (size_t k = 0; k < section->count; k++)
        if (section->keys[k].need == NEED_ALWAYS)
            *ok &= json_array_append_new(names, json_string(section->keys[k].name)) == 0;
    if (json_array_size(names) > 0)
        return names;
    json_decref(names);
    return NULL;
}

/* ---- sections ---- */

static json_t *keys_json(const struct plan_section *section, bool *ok)
{
    json_t *keys = json_object();
    for (size_t k = 0; k < section->count; k++)
        json_put(keys, section->keys[k].name, key_json(&section->keys[k], ok), ok);
    return keys;
}

/* Keys that one kind of trainer needs: {"if": that kind, "then": the key} each. */
static json_t *kind_rules(const struct plan_section *section, bool *ok)
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
        json_put(rule, "if", is_json("kind", kind, ok), ok);
        json_put(rule, "then", required_json(key->name, ok), ok);
        *ok &= json_array_append_new(rules, rule) == 0;
    }
    return rules;
}

/* Null is a section without keys. */
static json_t *section_json(const struct plan_section *section, bool *ok)
{
    const char *const types[] = {"object", "null"};
    json_t *schema = json_object(), *always = always_json(section, ok);
    json_put(schema, "type", texts(types, always ? 1 : 2), ok);
    put_text(schema, "description", section->help, ok);
    json_put(schema, "properties", keys_json(section, ok), ok);
    if (always)
        json_put(schema, "required", always, ok);
    json_put(schema, "additionalProperties", json_false(), ok);
    json_t *rules = kind_rules(section, ok);
    if (json_array_size(rules) > 0)
        json_put(schema, "allOf", json_incref(rules), ok);
    json_decref(rules);
    return schema;
}

json_t *plan_schema_json(bool *ok)
{
    json_t *root = json_object(), *keys = keys_json(&plan_sections[0], ok);
    json_t *required = always_json(&plan_sections[0], ok);
    for (size_t s = 1; s < plan_section_count; s++) {
        const struct plan_section *section = &plan_sections[s];
        json_t *always = always_json(section, ok);
        if (always)
            *ok &= json_array_append_new(required, json_string(section->name)) == 0;
        json_decref(always);
        json_put(keys, section->name, section_json(section, ok), ok);
    }
    put_text(root, "$schema", "https://json-schema.org/draft/2020-12/schema", ok);
    put_text(root, "title", "plan of lrsearch", ok);
    put_text(root, "type", "object", ok);
    json_put(root, "properties", keys, ok);
    json_put(root, "required", required, ok);
    json_put(root, "additionalProperties", json_false(), ok);
    put_training(root, ok);
    return root;
}

static int run(const struct command_line *line)
{
    struct lr_error err = {0};
    bool ok = true;
    (void)line;
    json_use_lr_memory();
    json_t *schema = plan_schema_json(&ok);
    int rc = json_print(schema, ok, &err);
    return outcome_error(rc, &err);
}

const struct command cmd_schema = {
    .name = "schema",
    .operand = "",
    .help = "print the plan's language as a JSON Schema, for editors",
    .run = run,
};
