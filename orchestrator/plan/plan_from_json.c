/* The resolved plan back from its JSON, by the same tables as plan_json.c: a look at a finished run
 * must not depend on where plan, text and --set have gone since. Rules across keys are not asked
 * again: they held when the text was written, and its hash in the journal tells whether it is still
 * the same. */
#include "plan/plan.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>
#include "plan/schema.h"

static bool read_enum(const struct plan_key *key, const json_t *value, uint32_t *out)
{
    const char *name = json_string_value(value);
    for (const struct plan_choice *choice = key->choices; name && choice->name; choice++)
        if (choice->available && strcmp(choice->name, name) == 0) {
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

static bool read_list(const struct plan_key *key, const json_t *value, unsigned char *member,
                      size_t *count)
{
    size_t size = json_array_size(value);
    bool good = json_is_array(value) && size <= key->capacity;
    for (size_t i = 0; good && i < size; i++) {
        const json_t *item = json_array_get(value, i);
        if (key->type == TYPE_COUNTS)
            good = read_count(key, item, UINT64_MAX, (uint64_t *)(void *)member + i);
        else
            good = read_text(item, (char *)member + i * TRIAL_PATH, TRIAL_PATH);
    }
    if (good)
        memcpy(count, &size, sizeof(size));
    return good;
}

static bool read_span(const struct plan_key *key, const json_t *value, double out[2])
{
    if (json_is_number(value)) {
        out[0] = out[1] = json_number_value(value);
        return key->type == TYPE_SPAN;
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
    memcpy(count, &size, sizeof(size));
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

static bool read_seeds(const json_t *list, uint32_t *member, struct plan_seeds *seeds)
{
    static const struct plan_key any = {.type = TYPE_U64};
    size_t size = json_array_size(list);
    bool good = size >= 1 && size <= PLAN_SEEDS;
    for (size_t i = 0; good && i < size; i++)
        good = read_count(&any, json_array_get(list, i), UINT64_MAX, &seeds->values[i]);
    seeds->count = good ? size : 0;
    *member = (uint32_t)seeds->count;
    return good;
}

static bool read_value(const struct plan_key *key, json_t *value, struct plan *plan)
{
    unsigned char *base = (unsigned char *)plan;
    void *member = base + key->offset;
    uint64_t count;
    if (json_is_array(value) && key->list == LIST_AXIS)
        return read_axis(key, value, member, plan_key_axis(key, plan));
    if (json_is_array(value) && key->list == LIST_SEEDS)
        return read_seeds(value, member, (void *)(base + key->list_offset));
    switch (key->type) {
    case TYPE_U32:
        if (!read_count(key, value, UINT32_MAX, &count))
            return false;
        *(uint32_t *)member = (uint32_t)count;
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
    case TYPE_COUNTS:
        return read_list(key, value, member, (size_t *)(void *)(base + key->count_offset));
    case TYPE_MAP:
        return read_map(key, value, member, (size_t *)(void *)(base + key->count_offset));
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

int plan_from_json(struct plan *plan, const char *json, struct lr_error *err)
{
    json_error_t where;
    memset(plan, 0, sizeof(*plan));
    json_t *root = json_loads(json, JSON_REJECT_DUPLICATES, &where);
    int rc = root ? read_section(&plan_sections[0], root, plan, err)
                  : lr_fail(err, LR_EDATA, "line %d: %s", where.line, where.text);
    for (size_t s = 1; !rc && s < plan_section_count; s++)
        rc = read_section(&plan_sections[s], json_object_get(root, plan_sections[s].name), plan,
                          err);
    plan_fill_axes(plan);
    /* What is no key of its own. */
    plan->model.heads_grow =
        json_is_true(json_object_get(json_object_get(root, "model"), "heads_grow"));
    plan->confirm.wanted =
        json_is_true(json_object_get(json_object_get(root, "confirm"), "wanted"));
    plan->surface.seed = plan->seed;
    json_decref(root);
    return rc;
}
