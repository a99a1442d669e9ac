#include "store/drift_json.h"

static json_t *text_or_null(const char *text)
{
    return *text ? json_of_text(text) : json_null();
}

static json_t *limit_json(double limit)
{
    return limit > 0 ? json_of_double(limit) : json_null();
}

json_t *drift_json(const struct drift *drift, bool *ok)
{
    json_t *both = json_object(), *lr = json_object(), *loss = json_object(), *at = json_object();
    json_put(lr, "ratio", json_of_double(drift->lr_ratio), ok);
    json_put(lr, "ci90", json_of_interval(drift->lr_ci90), ok);
    json_put(at, "tokens", drift->at_tokens ? json_of_count(drift->at_tokens) : json_null(), ok);
    json_put(at, "ratio", json_of_double(drift->at_ratio), ok);
    json_put(at, "ci90", json_of_interval(drift->at_ci90), ok);
    json_put(lr, "horizon", at, ok);
    json_put(lr, "beyond", json_boolean(drift->lr_beyond), ok);
    json_put(lr, "reason", text_or_null(drift->lr_reason), ok);
    json_put(loss, "tokens", drift->loss_tokens ? json_of_count(drift->loss_tokens) : json_null(),
             ok);
    json_put(loss, "difference", json_of_double(drift->loss_difference), ok);
    json_put(loss, "ci90", json_of_interval(drift->loss_ci90), ok);
    json_put(loss, "beyond", json_boolean(drift->loss_beyond), ok);
    json_put(loss, "reason", text_or_null(drift->loss_reason), ok);
    json_put(both, "lr", lr, ok);
    json_put(both, "loss", loss, ok);
    return both;
}

json_t *baseline_json(const struct baseline_answer *baseline, bool *ok)
{
    if (!baseline->wanted)
        return json_null();
    json_t *object = json_object(), *tolerance = json_object();
    json_put(object, "run_dir", text_or_null(baseline->run_dir), ok);
    json_put(object, "reason", text_or_null(baseline->reason), ok);
    json_put(tolerance, "lr", limit_json(baseline->limit_lr), ok);
    json_put(tolerance, "loss", limit_json(baseline->limit_loss), ok);
    json_put(object, "tolerance", tolerance, ok);
    json_put(object, "drift", baseline->reason[0] ? json_null() : drift_json(&baseline->drift, ok),
             ok);
    return object;
}
