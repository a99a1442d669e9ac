/* The resolved plan as JSON and back, by the schema's tables: every key in their order,
 * enumerations by name, durations in seconds, "none" as null. Doubles have 17 digits and read back
 * to the same bits.
 *
 * Commands on a past run read this text, because plan, data and --set may be gone by then. Rules
 * across keys are not checked again: they held when the text was written, and its hash in the
 * journal shows whether it is unchanged. */
#include "plan/plan_json.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "lrsearch/version.h"
#include "plan/plan_later.h"
#include "plan/schema.h"

#define AUTOMATIC "auto" /* NaN: as in the plan */

/* ---- to JSON: each function returns NULL when memory runs out ---- */

static json_t *enum_json(const struct plan_key *key, uint32_t value)
{
    for (const struct plan_choice *choice = key->choices; choice->name; choice++)
        if (!choice->gone && choice->value == value)
            return json_string(choice->name);
    return json_integer((json_int_t)value);
}

/* Returns the list, or NULL after freeing it. */
static json_t *append(json_t *list, json_t *item)
{
    if (json_array_append_new(list, item) == 0)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *numbers_json(const double *values, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        list = append(list, json_real(values[i]));
    return list;
}

static json_t *counts_json(const uint64_t *values, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        list = append(list, json_integer((json_int_t)values[i]));
    return list;
}

/* `texts`: `count` rows of TRIAL_PATH bytes. */
static json_t *texts_json(const char *texts, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        list = append(list, json_string(texts + i * TRIAL_PATH));
    return list;
}

static json_t *axis_json(const struct plan_key *key, const struct plan_axis *axis)
{
    json_t *list = json_array();
    for (size_t i = 0; i < axis->count; i++)
        list = append(list, key->type == TYPE_ENUM ? enum_json(key, axis->values[i])
                                                   : json_integer((json_int_t)axis->values[i]));
    return list;
}

static json_t *map_json(const struct plan_pair *pairs, size_t count)
{
    json_t *map = json_object();
    for (size_t i = 0; i < count; i++)
        if (json_object_set_new(map, pairs[i].key, json_string(pairs[i].value)) != 0) {
            json_decref(map);
            return NULL;
        }
    return map;
}

static json_t *value_json(const struct plan_key *key, const struct plan *plan);

static json_t *inner_json(const struct plan_key *inner, const struct plan *plan)
{
    json_t *object = json_object();
    for (; inner->name; inner++)
        if (json_object_set_new(object, inner->name, value_json(inner, plan)) != 0) {
            json_decref(object);
            return NULL;
        }
    return object;
}

static json_t *value_json(const struct plan_key *key, const struct plan *plan)
{
    const unsigned char *base = (const unsigned char *)plan;
    const void *member = base + key->offset;
    const size_t *count = (const void *)(base + key->count_offset); /* of the types that have one */
    if (key->list == LIST_AXIS && key->type == TYPE_NUMBER) {
        const struct plan_number_axis *axis = (const void *)(base + key->list_offset);
        if (axis->count > 1)
            return numbers_json(axis->values, axis->count);
    } else if (key->list == LIST_AXIS) {
        const struct plan_axis *axis = (const void *)(base + key->list_offset);
        if (axis->count > 1)
            return axis_json(key, axis);
    } else if (key->list == LIST_SEEDS) {
        const struct plan_seeds *seeds = (const void *)(base + key->list_offset);
        if (seeds->count > 0)
            return counts_json(seeds->values, seeds->count);
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
        if (key->automatic && isnan(*(const double *)member))
            return json_string(AUTOMATIC);
        return json_real(*(const double *)member);
    case TYPE_BOOL:
        return json_boolean(*(const bool *)member);
    case TYPE_TEXT:
        return json_string(member);
    case TYPE_ENUM:
        return enum_json(key, *(const uint32_t *)member);
    case TYPE_TEXTS:
        return texts_json(member, *count);
    case TYPE_COUNTS:
        return counts_json(member, *count);
    case TYPE_MAP:
        return map_json(member, *count);
    case TYPE_KEYS:
        return inner_json(key->inner, plan);
    case TYPE_SPAN:
        if (!(((const double *)member)[0] < ((const double *)member)[1]))
            return json_real(*(const double *)member);
        return numbers_json(member, 2);
    case TYPE_PAIR:
        if (key->none && !(((const double *)member)[1] > 0))
            return json_null();
        return numbers_json(member, 2);
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
    /* n_heads and head_size both have values; heads_grow, which is no key, says which was given. */
    if (plan->model.heads_grow &&
        json_object_set_new(json_object_get(root, "model"), "heads_grow", json_true()) != 0)
        goto fail;
    if (plan->training.optimizer_known && plan->trainer.kind != TRAINER_TRANSFORMER &&
        json_object_set_new(json_object_get(root, "training"), "optimizer_known", json_true()) != 0)
        goto fail;
    if (plan->confirm.wanted && /* also for an empty section */
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
    size_t size = dumped ? strlen(dumped) + 2 : 0;
    char *text = dumped ? lr_malloc(size) : NULL;
    if (text)
        snprintf(text, size, "%s\n", dumped);
    free(dumped); /* jansson's own allocation */
    json_decref(root);
    return text;
}

/* ---- from JSON: each function returns false for a value that no plan can have ---- */

static bool read_enum(const struct plan_key *key, const json_t *value, uint32_t *out)
{
    const char *name = json_string_value(value);
    for (const struct plan_choice *choice = key->choices; name && choice->name; choice++)
        if (!choice->gone && strcmp(choice->name, name) == 0) {
            *out = choice->value;
            return true;
        }
    return false;
}

static bool read_count(const struct plan_key *key, const json_t *value, uint64_t most,
                       uint64_t *out)
{
    *out = 0;
    if (key->none && json_is_null(value))
        return true;
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    *out = (uint64_t)json_integer_value(value);
    return *out <= most;
}

static bool read_number(const struct plan_key *key, const json_t *value, double *out)
{
    if (key->automatic && json_is_string(value) &&
        strcmp(json_string_value(value), AUTOMATIC) == 0) {
        *out = NAN;
        return true;
    }
    *out = json_number_value(value);
    return json_is_number(value) || (key->none && json_is_null(value));
}

static bool read_text(const json_t *value, char *out, size_t capacity)
{
    size_t length = json_string_length(value);
    if (!json_is_string(value) || length >= capacity)
        return false;
    memcpy(out, json_string_value(value), length + 1);
    return true;
}

static bool read_texts(const struct plan_key *key, const json_t *value, char (*rows)[TRIAL_PATH],
                       size_t *count)
{
    size_t size = json_array_size(value);
    bool good = json_is_array(value) && size <= key->capacity;
    for (size_t i = 0; good && i < size; i++)
        good = read_text(json_array_get(value, i), rows[i], TRIAL_PATH);
    *count = good ? size : 0;
    return good;
}

/* `least` to `most` counts. */
static bool read_counts(const json_t *value, size_t least, size_t most, uint64_t *out,
                        size_t *count)
{
    static const struct plan_key any = {.type = TYPE_U64};
    size_t size = json_array_size(value);
    bool good = json_is_array(value) && size >= least && size <= most;
    for (size_t i = 0; good && i < size; i++)
        good = read_count(&any, json_array_get(value, i), UINT64_MAX, &out[i]);
    *count = good ? size : 0;
    return good;
}

static bool read_span(const struct plan_key *key, const json_t *value, double out[2])
{
    if (json_is_number(value)) {
        out[0] = out[1] = json_number_value(value);
        return key->type == TYPE_SPAN;
    }
    if (key->type == TYPE_PAIR && key->none && json_is_null(value)) {
        out[0] = out[1] = 0;
        return true;
    }
    return json_array_size(value) == 2 && read_number(key, json_array_get(value, 0), &out[0]) &&
           read_number(key, json_array_get(value, 1), &out[1]);
}

static bool read_map(const struct plan_key *key, json_t *value, struct plan_pair *pairs,
                     size_t *count)
{
    const char *name;
    json_t *item;
    size_t size = 0;
    if (!json_is_object(value) || json_object_size(value) > key->capacity)
        return false;
    json_object_foreach(value, name, item)
    {
        size_t length = strlen(name);
        if (length >= sizeof(pairs->key) ||
            !read_text(item, pairs[size].value, sizeof(pairs->value)))
            return false;
        memcpy(pairs[size++].key, name, length + 1);
    }
    *count = size;
    return true;
}

static bool read_axis(const struct plan_key *key, const json_t *list, uint32_t *member,
                      struct plan_axis *axis)
{
    size_t size = json_array_size(list);
    bool good = size >= 2 && size <= PLAN_AXIS;
    for (size_t i = 0; good && i < size; i++) {
        uint64_t count = 0;
        const json_t *item = json_array_get(list, i);
        good = key->type == TYPE_ENUM ? read_enum(key, item, &axis->values[i])
                                      : read_count(key, item, UINT32_MAX, &count);
        if (good && key->type != TYPE_ENUM)
            axis->values[i] = (uint32_t)count;
    }
    axis->count = good ? size : 0;
    *member = axis->values[0];
    return good;
}

static bool read_number_axis(const json_t *list, double *member, struct plan_number_axis *axis)
{
    static const struct plan_key any = {.type = TYPE_NUMBER};
    size_t size = json_array_size(list);
    bool good = size >= 2 && size <= PLAN_AXIS;
    for (size_t i = 0; good && i < size; i++)
        good = read_number(&any, json_array_get(list, i), &axis->values[i]);
    axis->count = good ? size : 0;
    *member = axis->values[0];
    return good;
}

static bool read_value(const struct plan_key *key, json_t *value, struct plan *plan);

static bool read_inner(const struct plan_key *inner, json_t *object, struct plan *plan)
{
    bool good = true;
    for (; good && inner->name; inner++)
        good = read_value(inner, json_object_get(object, inner->name), plan);
    return good;
}

static bool read_value(const struct plan_key *key, json_t *value, struct plan *plan)
{
    unsigned char *base = (unsigned char *)plan;
    void *member = base + key->offset;
    size_t *count = (void *)(base + key->count_offset); /* of the types that have one */
    uint64_t number;
    if (json_is_array(value) && key->list == LIST_AXIS && key->type == TYPE_NUMBER)
        return read_number_axis(value, member, plan_key_number_axis(key, plan));
    if (json_is_array(value) && key->list == LIST_AXIS)
        return read_axis(key, value, member, plan_key_axis(key, plan));
    if (json_is_array(value) && key->list == LIST_SEEDS) {
        struct plan_seeds *seeds = (void *)(base + key->list_offset);
        bool good = read_counts(value, 1, PLAN_SEEDS, seeds->values, &seeds->count);
        *(uint32_t *)member = (uint32_t)seeds->count;
        return good;
    }
    switch (key->type) {
    case TYPE_U32:
        if (!read_count(key, value, UINT32_MAX, &number))
            return false;
        *(uint32_t *)member = (uint32_t)number;
        return true;
    case TYPE_U64:
        return read_count(key, value, UINT64_MAX, member);
    case TYPE_NUMBER:
    case TYPE_SHARE:
    case TYPE_DURATION:
        return read_number(key, value, member);
    case TYPE_BOOL:
        *(bool *)member = json_is_true(value);
        return json_is_boolean(value);
    case TYPE_TEXT:
        return read_text(value, member, key->capacity);
    case TYPE_ENUM:
        return read_enum(key, value, member);
    case TYPE_TEXTS:
        return read_texts(key, value, member, count);
    case TYPE_COUNTS:
        return read_counts(value, 0, key->capacity, member, count);
    case TYPE_MAP:
        return read_map(key, value, member, count);
    case TYPE_KEYS:
        return read_inner(key->inner, value, plan);
    case TYPE_SPAN:
    case TYPE_PAIR:
        return read_span(key, value, member);
    }
    return false;
}

static int read_section(const struct plan_section *section, const json_t *object, struct plan *plan,
                        struct lr_error *err)
{
    const char *dot = *section->name ? "." : "";
    for (size_t k = 0; k < section->count; k++) {
        const struct plan_key *key = &section->keys[k];
        json_t *value = json_object_get(object, key->name);
        if (!value)
            return lr_fail(err, LR_EDATA,
                           "has no %s%s%s: it was written by another version of lrsearch; use that "
                           "one",
                           section->name, dot, key->name);
        if (!read_value(key, value, plan))
            return lr_fail(err, LR_EDATA, "%s%s%s has a value that no plan can have", section->name,
                           dot, key->name);
    }
    return 0;
}

static int check_version(const json_t *root, struct lr_error *err)
{
    const json_t *version = json_object_get(root, "version");
    if (json_integer_value(version) <= PLAN_VERSION)
        return 0;
    return lr_fail(err, LR_EDATA,
                   "is a plan of version %" JSON_INTEGER_FORMAT ", and lrsearch " LRSEARCH_VERSION
                   " knows versions up to %d: a later lrsearch wrote it; use that one",
                   json_integer_value(version), PLAN_VERSION);
}

int plan_json_check_version(const char *json, struct lr_error *err)
{
    json_t *root = json_loads(json, 0, NULL);
    int rc = check_version(root, err);
    json_decref(root);
    return rc;
}

int plan_from_json(struct plan *plan, const char *json, struct lr_error *err)
{
    int rc;
    json_error_t where;
    json_t *root = json_loads(json, JSON_REJECT_DUPLICATES, &where);
    memset(plan, 0, sizeof(*plan));
    if (!root)
        return lr_fail(err, LR_EDATA, "line %d: %s", where.line, where.text);
    if (!json_is_object(root)) {
        rc = lr_fail(err, LR_EDATA, "holds a list in place of a plan; it is damaged");
        goto out;
    }
    if ((rc = check_version(root, err)))
        goto out;
    rc = plan_add_later(root) ? 0 : lr_nomem(err);
    if (rc || (rc = read_section(&plan_sections[0], root, plan, err)))
        goto out;
    for (size_t s = 1; s < plan_section_count; s++)
        if ((rc = read_section(&plan_sections[s], json_object_get(root, plan_sections[s].name),
                               plan, err)))
            goto out;
    plan_fill_axes(plan);
    /* Members without a key. */
    plan->model.heads_grow =
        json_is_true(json_object_get(json_object_get(root, "model"), "heads_grow"));
    plan->training.optimizer_known =
        plan->trainer.kind == TRAINER_TRANSFORMER ||
        json_is_true(json_object_get(json_object_get(root, "training"), "optimizer_known"));
    plan->confirm.wanted =
        json_is_true(json_object_get(json_object_get(root, "confirm"), "wanted"));
    plan->surface.seed = plan->seed;
out:
    json_decref(root);
    return rc;
}
