/* The audit for programs, schema_version 1: what is unknown is null, never left out. */
#include <math.h>
#include "report/audit.h"
#include "store/json_value.h"

static json_t *interval(const double ends[2], bool *ok)
{
    json_t *array = json_array();
    for (int i = 0; i < 2; i++)
        if (json_array_append_new(array, json_of_double(ends[i])))
            *ok = false;
    return array;
}

static json_t *text_or_null(const char *text)
{
    return *text ? json_of_text(text) : json_null();
}

static json_t *count_or_null(double count)
{
    return count > 0 ? json_of_count((uint64_t)(count + 0.5)) : json_null();
}

static json_t *recipe_json(const struct recipe *recipe, bool *ok)
{
    json_t *object = json_object();
    bool wsd = recipe->anneal.kind == SCHEDULE_WSD;
    json_put(object, "lr", json_of_double(recipe->lr), ok);
    json_put(object, "tokens", json_of_count((uint64_t)recipe->tokens), ok);
    json_put(object, "params", json_of_count((uint64_t)recipe->params), ok);
    json_put(object, "batch_tokens", count_or_null(recipe->batch_tokens), ok);
    json_put(object, "schedule", json_string(schedule_name(recipe->anneal.kind)), ok);
    json_put(object, "cooldown", wsd ? json_of_double(recipe->anneal.cooldown) : json_null(), ok);
    return object;
}

static json_t *verdict_json(const struct verdict *verdict, bool *ok)
{
    if (!verdict || !verdict->known)
        return json_null();
    json_t *object = json_object();
    json_put(object, "by", json_of_text(verdict->by), ok);
    json_put(object, "lr", json_of_double(verdict->lr), ok);
    json_put(object, "ci90", interval(verdict->ci90, ok), ok);
    json_put(object, "factor", json_of_double(verdict->factor), ok);
    json_put(object, "factor_ci90", interval(verdict->factor90, ok), ok);
    json_put(object, "loss_penalty", json_of_double(verdict->penalty.nats), ok);
    json_put(object, "loss_penalty_ci90", interval(verdict->penalty.ci90, ok), ok);
    json_put(object, "curvature", json_of_double(verdict->curvature), ok);
    json_put(object, "batch_tokens", count_or_null(verdict->batch_tokens), ok);
    json_put(object, "batch_assumed", json_boolean(verdict->batch_assumed), ok);
    return object;
}

static json_t *law_json(const struct published_law *law, const struct published *said, bool *ok)
{
    static const double unknown[2] = {NAN, NAN};
    json_t *object = json_object();
    json_put(object, "name", json_string(law->name), ok);
    json_put(object, "source", json_string(law->source), ok);
    json_put(object, "formula", json_string(law->formula), ok);
    json_put(object, "params_fitted", interval(law->params, ok), ok);
    json_put(object, "tokens_fitted", interval(law->tokens, ok), ok);
    json_put(object, "lr_published", json_of_double(said->own_lr), ok);
    json_put(object, "batch_published", json_of_double(said->own_batch), ok);
    json_put(object, "lr", json_of_double(said->applies ? said->lr : NAN), ok);
    json_put(object, "ci90", interval(said->applies ? said->ci90 : unknown, ok), ok);
    json_put(object, "applies", json_boolean(said->applies), ok);
    json_put(object, "why_not", text_or_null(said->why), ok);
    return object;
}

static json_t *step_json(const struct transfer_step *step, bool *ok)
{
    json_t *object = json_object();
    json_put(object, "of", json_of_text(step->of), ok);
    json_put(object, "how", json_of_text(step->how), ok);
    json_put(object, "factor", json_of_double(step->factor), ok);
    json_put(object, "ci90", interval(step->ci90, ok), ok);
    json_put(object, "measured", json_boolean(step->measured), ok);
    return object;
}

static json_t *runs_json(const struct audit *audit, bool *ok)
{
    if (!audit->has_runs)
        return json_null();
    json_t *object = json_object(), *steps = json_array();
    json_put(object, "name", json_of_text(audit->name), ok);
    json_put(object, "verdict", verdict_json(&audit->runs, ok), ok);
    json_put(object, "applies", json_boolean(audit->runs.known && audit->runs_apply), ok);
    json_put(object, "why_not", text_or_null(audit->runs_reason), ok);
    json_put(object, "params", count_or_null(audit->runs_params), ok);
    json_put(object, "longest_tokens", json_of_count(audit->runs_longest), ok);
    for (size_t i = 0; i < audit->answer->step_count && *ok; i++)
        if (json_array_append_new(steps, step_json(&audit->answer->steps[i], ok)))
            *ok = false;
    json_put(object, "steps", steps, ok);
    return object;
}

int audit_print_json(const struct audit *audit, struct lr_error *err)
{
    bool ok = true;
    json_use_lr_memory();
    json_t *object = json_object(), *laws = json_array(), *warnings = json_array();
    json_put(object, "schema_version", json_integer(1), &ok);
    json_put(object, "recipe", recipe_json(&audit->recipe, &ok), &ok);
    json_put(object, "verdict", verdict_json(audit_headline(audit), &ok), &ok);
    json_put(object, "verdict_at_best_batch", verdict_json(&audit->at_best_batch, &ok), &ok);
    for (int i = 0; i < PUBLISHED_LAWS && ok; i++)
        if (json_array_append_new(laws, law_json(&published_laws[i], &audit->laws[i], &ok)))
            ok = false;
    json_put(object, "laws", laws, &ok);
    json_put(object, "runs", runs_json(audit, &ok), &ok);
    for (size_t i = 0; i < audit->answer->warning_count && ok; i++)
        if (json_array_append_new(warnings, json_of_text(audit->answer->warnings[i])))
            ok = false;
    json_put(object, "warnings", warnings, &ok);
    return json_print(object, ok, err);
}
