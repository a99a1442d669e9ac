/* result.json: the answer for other programs, schema_version 1. The keys and their order are a
 * promise; what is unknown is null, never left out. */
#include <string.h>
#include "lrsearch/memory.h"
#include "store/axes_json.h"
#include "store/drift_json.h"
#include "store/json_value.h"
#include "store/run_dir.h"

static json_t *target_json(const struct answer *answer, bool *ok)
{
    const struct target_answer *target = &answer->target;
    json_t *object = json_object();
    json_put(object, "tokens", json_of_count(target->tokens), ok);
    json_put(object, "width", json_of_size(target->width), ok);
    json_put(object, "vocab", json_of_size(target->vocab), ok);
    json_put(object, "lr", json_of_double(target->lr), ok);
    json_put(object, "ci90", json_of_interval(target->ci90), ok);
    json_put(object, "embedding_lr", json_of_double(target->embedding_lr), ok);
    json_put(object, "loss_penalty", json_of_double(target->loss_penalty), ok);
    json_put(object, "loss_penalty_if_wrong_2x", json_of_double(target->loss_penalty_if_wrong_2x),
             ok);
    axes_json_put_target(object, answer, ok);
    return object;
}

static json_t *ratios_json(const struct ratio_answer ratios[RATIO_COUNT], bool *ok)
{
    static const char *const names[RATIO_COUNT] = {"embedding_lr_ratio", "output_lr_ratio"};
    json_t *all = json_object();
    for (int r = 0; r < RATIO_COUNT; r++) {
        json_t *object = json_object();
        json_put(object, "value", json_of_double(ratios[r].value), ok);
        json_put(object, "searched", json_boolean(ratios[r].searched), ok);
        json_put(object, "optimum", json_of_double(ratios[r].optimum), ok);
        json_put(object, "ci90", json_of_interval(ratios[r].ci90), ok);
        json_put(object, "trials", json_integer(ratios[r].trials), ok);
        json_put(object, "at_edge", json_boolean(ratios[r].at_edge), ok);
        json_put(all, names[r], object, ok);
    }
    return all;
}

static json_t *holdout_json(const struct law_answer *law, bool *ok)
{
    if (law->holdout.tokens == 0)
        return json_null();
    json_t *object = json_object();
    json_put(object, "tokens", json_of_count(law->holdout.tokens), ok);
    json_put(object, "lr_predicted", json_of_double(law->holdout.lr_predicted), ok);
    json_put(object, "lr_measured", json_of_double(law->holdout.lr_measured), ok);
    return object;
}

static json_t *law_json(const struct law_answer *law, bool *ok)
{
    json_t *object = json_object();
    json_put(object, "beta", json_of_double(law->beta), ok);
    json_put(object, "beta_ci90", json_of_interval(law->beta_ci90), ok);
    json_put(object, "b", json_of_double(law->b), ok);
    json_put(object, "r2", json_of_double(law->r2), ok);
    json_put(object, "prior_weight", json_of_double(law->prior_weight), ok);
    json_put(object, "holdout", holdout_json(law, ok), ok);
    return object;
}

static json_t *horizon_json(const struct horizon_answer *horizon, bool *ok)
{
    json_t *object = json_object();
    json_put(object, "tokens", json_of_count(horizon->tokens), ok);
    json_put(object, "lr_opt", json_of_double(horizon->lr_opt), ok);
    json_put(object, "ci90", json_of_interval(horizon->ci90), ok);
    json_put(object, "curvature", json_of_double(horizon->curvature), ok);
    json_put(object, "loss_min", json_of_double(horizon->loss_min), ok);
    json_put(object, "trials", json_integer(horizon->trials), ok);
    json_put(object, "at_edge", json_boolean(horizon->at_edge), ok);
    return object;
}

static json_t *cost_json(const struct answer_cost *cost, bool *ok)
{
    json_t *object = json_object();
    json_put(object, "trials", json_of_count(cost->trials), ok);
    json_put(object, "tokens", json_of_count(cost->tokens), ok);
    json_put(object, "flops", json_of_double(cost->flops), ok);
    json_put(object, "core_seconds", json_of_double(cost->core_seconds), ok);
    json_put(object, "target_run_fraction", json_of_double(cost->target_run_fraction), ok);
    json_put(object, "lost_attempts", json_of_count(cost->lost_attempts), ok);
    json_put(object, "lost_tokens", json_of_count(cost->lost_tokens), ok);
    json_put(object, "reused_tokens", json_of_count(cost->reused_tokens), ok);
    return object;
}

static json_t *horizons_json(const struct answer *answer, bool *ok)
{
    json_t *array = json_array();
    for (size_t i = 0; i < answer->horizon_count && *ok; i++)
        if (json_array_append_new(array, horizon_json(&answer->horizons[i], ok)))
            *ok = false;
    return array;
}

static json_t *warnings_json(const struct answer *answer, bool *ok)
{
    json_t *array = json_array();
    for (size_t i = 0; i < answer->warning_count && *ok; i++)
        if (json_array_append_new(array, json_of_text(answer->warnings[i])))
            *ok = false;
    return array;
}

char *result_json(const char *name, const struct answer *answer)
{
    bool ok = true;
    json_use_lr_memory();
    json_t *object = json_object();
    json_put(object, "schema_version", json_integer(1), &ok);
    json_put(object, "name", json_of_text(name), &ok);
    json_put(object, "status", json_string(answer_status_name(answer->status)), &ok);
    json_put(object, "reason", json_of_text(answer->reason), &ok);
    json_put(object, "target", target_json(answer, &ok), &ok);
    json_put(object, "ratios", ratios_json(answer->ratios, &ok), &ok);
    json_put(object, "law", law_json(&answer->law, &ok), &ok);
    json_put(object, "horizons", horizons_json(answer, &ok), &ok);
    json_put(object, "cost", cost_json(&answer->cost, &ok), &ok);
    json_put(object, "baseline", baseline_json(&answer->baseline, &ok), &ok);
    json_put(object, "warnings", warnings_json(answer, &ok), &ok);
    axes_json_put(object, answer, &ok);
    return json_to_text(object, ok);
}

int result_json_write(const char *path, const char *name, const struct answer *answer,
                      struct lr_error *err)
{
    char *text = result_json(name, answer);
    if (!text)
        return lr_nomem(err);
    int rc = run_dir_write(path, "result.json", text, strlen(text), err);
    lr_free(text);
    return rc;
}
