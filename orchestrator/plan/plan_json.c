/* The resolved plan as JSON, by the schema's tables: every key in their order, enumerations by
 * name, durations in seconds, "none" as null. Doubles have 17 digits and read back to the same
 * bits. */
#include "plan/plan.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "plan/schema.h"

static json_t *enum_json(const struct plan_key *key, uint32_t value)
{
    for (const struct plan_choice *choice = key->choices; choice->name; choice++)
        if (choice->available && choice->value == value)
            return json_string(choice->name);
    return json_integer((json_int_t)value);
}

static json_t *list_json(const struct plan_key *key, const unsigned char *member, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < count; i++) {
        json_t *item;
        if (key->type == TYPE_PAIR || key->type == TYPE_SPAN)
            item = json_real(((const double *)(const void *)member)[i]);
        else if (key->type == TYPE_COUNTS)
            item = json_integer((json_int_t)((const uint64_t *)(const void *)member)[i]);
        else
            item = json_string((const char *)member + i * TRIAL_PATH);
        if (json_array_append_new(list, item) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

static json_t *map_json(const struct plan_pair *pairs, size_t count)
{
    json_t *map = json_object();
    for (size_t i = 0; map && i < count; i++)
        if (json_object_set_new(map, pairs[i].key, json_string(pairs[i].value)) != 0) {
            json_decref(map);
            map = NULL;
        }
    return map;
}

/* A list in the place of one value. */
static json_t *several_json(const struct plan_key *key, const uint64_t *values, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < count; i++) {
        json_t *item = key->type == TYPE_ENUM ? enum_json(key, (uint32_t)values[i])
                                              : json_integer((json_int_t)values[i]);
        if (json_array_append_new(list, item) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

static json_t *axis_json(const struct plan_key *key, const struct plan_axis *axis)
{
    uint64_t values[PLAN_AXIS];
    for (size_t i = 0; i < axis->count; i++)
        values[i] = axis->values[i];
    return several_json(key, values, axis->count);
}

static json_t *value_json(const struct plan_key *key, const struct plan *plan)
{
    const unsigned char *base = (const unsigned char *)plan;
    const void *member = base + key->offset;
    size_t count = 2;
    if (key->list == LIST_AXIS) {
        const struct plan_axis *axis = (const void *)(base + key->list_offset);
        if (axis->count > 1)
            return axis_json(key, axis);
    } else if (key->list == LIST_SEEDS) {
        const struct plan_seeds *seeds = (const void *)(base + key->list_offset);
        if (seeds->count > 0)
            return several_json(key, seeds->values, seeds->count);
    }
    switch (key->type) {
    case TYPE_U32:
        return json_integer((json_int_t) * (const uint32_t *)member);
    case TYPE_U64:
        if (key->none && *(const uint64_t *)member == 0)
            return json_null();
        return json_integer((json_int_t) * (const uint64_t *)member);
    case TYPE_NUMBER:
    case TYPE_SHARE:
    case TYPE_DURATION:
        if (key->none && !(*(const double *)member > 0))
            return json_null();
        return json_real(*(const double *)member);
    case TYPE_BOOL:
        return json_boolean(*(const bool *)member);
    case TYPE_TEXT:
        return json_string(member);
    case TYPE_ENUM:
        return enum_json(key, *(const uint32_t *)member);
    case TYPE_TEXTS:
    case TYPE_COUNTS:
        memcpy(&count, base + key->count_offset, sizeof(count));
        return list_json(key, member, count);
    case TYPE_MAP:
        memcpy(&count, base + key->count_offset, sizeof(count));
        return map_json(member, count);
    case TYPE_SPAN:
        if (!(((const double *)member)[0] < ((const double *)member)[1]))
            return json_real(*(const double *)member);
        return list_json(key, member, count);
    case TYPE_PAIR:
        return list_json(key, member, count);
    }
    return NULL;
}

static bool fill_object(json_t *object, const struct plan_section *section, const struct plan *plan)
{
    for (size_t k = 0; k < section->count; k++)
        if (json_object_set_new(object, section->keys[k].name,
                                value_json(&section->keys[k], plan)) != 0)
            return false;
    return true;
}

static json_t *plan_object(const struct plan *plan)
{
    json_t *root = json_object();
    if (!root || !fill_object(root, &plan_sections[0], plan))
        goto fail;
    for (size_t s = 1; s < plan_section_count; s++) {
        json_t *object = json_object();
        if (json_object_set_new(root, plan_sections[s].name, object) != 0 ||
            !fill_object(object, &plan_sections[s], plan))
            goto fail;
    }
    /* Both n_heads and head_size have a value: which of them holds over widths is no key. */
    if (plan->model.heads_grow &&
        json_object_set_new(json_object_get(root, "model"), "heads_grow", json_true()) != 0)
        goto fail;
    if (plan->confirm.wanted && /* with no key of its own given, too */
        json_object_set_new(json_object_get(root, "confirm"), "wanted", json_true()) != 0)
        goto fail;
    return root;
fail:
    json_decref(root);
    return NULL;
}

char *plan_to_json(const struct plan *plan)
{
    const size_t flags = JSON_INDENT(2) | JSON_REAL_PRECISION(17) | JSON_ENSURE_ASCII;
    json_t *root = plan_object(plan);
    char *dumped = root ? json_dumps(root, flags) : NULL;
    char *text = NULL;
    json_decref(root);
    if (dumped) {
        size_t length = strlen(dumped);
        text = lr_malloc(length + 2);
        if (text) {
            memcpy(text, dumped, length);
            memcpy(text + length, "\n", 2);
        }
        free(dumped); /* jansson's own allocation */
    }
    return text;
}
