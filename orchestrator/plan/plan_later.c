/* Run directories outlive the version that wrote them: a key that is added with a default which
 * changes nothing gets a row here. */
#include "plan/plan_later.h"

#include <stddef.h>

static const struct {
    const char *section, *key, *value; /* JSON */
} later[] = {
    {"simulate", "decay", "0.1"},
    {"simulate", "decay_tokens", "0.0"},
    {"simulate", "decay_curvature", "0.0"},
    {"model", "vector_lr_ratio", "1.0"},
    {"model", "embedding_lr_exponent", "\"auto\""},
    {"training", "optimizer", "\"adamw\""},
    {"training", "muon_lr_scale", "\"unit_rms\""},
    {"training", "muon_momentum", "0.95"},
    {"training", "decay_rule", "\"constant\""},
    {"search", "weight_decay", "null"},
    {"trainer", "diverged", "{\"loss\": \"nonfinite\", \"exit\": [], \"regex\": \"\"}"},
    {"trainer", "concurrent_trials", "0"},
    {"trainer", "launcher", "[]"},
    {"trainer", "nodes_per_trial", "1"},
    {"trainer", "cpus_per_trial", "0"},
    {"budget", "share_of_target", "null"},
};

static bool add(json_t *section, const char *key, json_t *value)
{
    if (json_is_object(section) && !json_object_get(section, key))
        return json_object_set_new(section, key, value) == 0;
    json_decref(value);
    return true;
}

bool plan_add_later(json_t *root)
{
    bool ok = true;
    json_t *decay = json_object_get(json_object_get(root, "training"), "weight_decay");
    for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++)
        ok = add(json_object_get(root, later[i].section), later[i].key,
                 json_loads(later[i].value, JSON_DECODE_ANY, NULL)) &&
             ok;
    if (decay) /* that of the only training there was */
        ok = add(json_object_get(root, "target"), "weight_decay", json_incref(decay)) && ok;
    return ok;
}
