/* Run directories outlive the lrsearch that wrote them. A key that came later has its default of
 * the schema, because a default changes nothing in a plan that was valid without the key. A key
 * needs a row here if its default is computed from other keys, or if it was another one when the
 * key came: a row is what the trainings of earlier versions had. */
#include "plan/plan_later.h"

#include <stddef.h>
#include "lrsearch/memory.h"
#include "plan/plan_json.h"
#include "plan/plan_reader.h"
#include "plan/schema.h"

static const struct {
    const char *section, *key, *value; /* JSON */
} later[] = {
    {"model", "vector_lr_ratio", "1.0"},
    {"model", "embedding_lr_exponent", "\"auto\""},
    {"trainer", "diverged", "{}"},
    {"trainer", "launcher", "[]"},
};

/* Takes over `value`; NULL: no memory. */
static bool add(json_t *section, const char *key, json_t *value)
{
    if (value && json_is_object(section) && !json_object_get(section, key))
        return json_object_set_new(section, key, value) == 0;
    json_decref(value);
    return value != NULL;
}

/* The object of a section, which is added if it is absent; NULL: no object, or no memory. */
static json_t *section_of(json_t *root, const struct plan_section *section)
{
    if (!*section->name)
        return root;
    if (!json_object_get(root, section->name) &&
        json_object_set_new(root, section->name, json_object()) != 0)
        return NULL;
    return json_object_get(root, section->name);
}

/* The members of a key that has keys of its own. All of them have defaults. */
static bool add_inner(json_t *object, const struct plan_key *inner, const json_t *defaults)
{
    bool ok = true;
    for (; json_is_object(object) && inner->name; inner++)
        ok = add(object, inner->name, json_incref(json_object_get(defaults, inner->name))) && ok;
    return ok;
}

static bool add_defaults(json_t *object, const struct plan_section *section, const json_t *defaults)
{
    bool ok = true;
    for (size_t k = 0; k < section->count; k++) {
        const struct plan_key *key = &section->keys[k];
        json_t *value = json_object_get(defaults, key->name);
        if (plan_key_has_default(key))
            ok = add(object, key->name, json_deep_copy(value)) && ok;
        if (key->inner)
            ok = add_inner(json_object_get(object, key->name), key->inner, value) && ok;
    }
    return ok;
}

/* A plan of defaults alone, as JSON; NULL: no memory. */
static json_t *defaults_json(void)
{
    struct plan *plan = lr_calloc(1, sizeof(*plan));
    if (!plan)
        return NULL;
    plan_take_defaults(plan);
    char *text = plan_to_json(plan);
    json_t *root = text ? json_loads(text, 0, NULL) : NULL;
    lr_free(text);
    lr_free(plan);
    return root;
}

bool plan_add_later(json_t *root)
{
    json_t *defaults = defaults_json();
    json_t *decay = json_object_get(json_object_get(root, "training"), "weight_decay");
    bool ok = defaults != NULL;
    if (decay) /* that of the only training there was */
        ok = add(json_object_get(root, "target"), "weight_decay", json_incref(decay)) && ok;
    for (size_t i = 0; ok && i < sizeof(later) / sizeof(later[0]); i++)
        ok = add(json_object_get(root, later[i].section), later[i].key,
                 json_loads(later[i].value, JSON_DECODE_ANY, NULL));
    for (size_t s = 0; ok && s < plan_section_count; s++) {
        json_t *object = section_of(root, &plan_sections[s]);
        ok = object &&
             add_defaults(object, &plan_sections[s],
                          s == 0 ? defaults : json_object_get(defaults, plan_sections[s].name));
    }
    json_decref(defaults);
    return ok;
}
