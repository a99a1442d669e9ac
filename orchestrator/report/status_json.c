/* lrsearch status --json. The answer is the value of result.json, as it would be now. */
#include <jansson.h>
#include <math.h>
#include "lrsearch/memory.h"
#include "report/status_text.h"
#include "store/json_value.h"
#include "store/result_json.h"
#include "store/run_dir.h"

static json_t *counts_json(const struct status_counts *counts, bool *ok)
{
    json_t *object = json_object();
    json_put(object, "done", json_integer(counts->done), ok);
    json_put(object, "diverged", json_integer(counts->diverged), ok);
    json_put(object, "failed", json_integer(counts->failed), ok);
    json_put(object, "running", json_integer(counts->running), ok);
    json_put(object, "waiting", json_integer(counts->waiting), ok);
    return object;
}

static json_t *owner_json(const struct status_view *view, bool *ok)
{
    if (!view->owner_host[0])
        return json_null();
    json_t *object = json_object();
    json_put(object, "host", json_of_text(view->owner_host), ok);
    json_put(object, "pid", json_of_count(view->owner_pid), ok);
    json_put(object, "since_utc", json_of_text(view->owner_since), ok);
    return object;
}

/* The ends one by one: one alone may be known. */
static json_t *bracket_json(const double ends[2], bool *ok)
{
    json_t *array = json_array();
    for (int i = 0; i < 2; i++)
        if (json_array_append_new(array, json_of_double(ends[i])))
            *ok = false;
    return array;
}

static json_t *horizon_json(const struct status_horizon *horizon, bool *ok)
{
    json_t *object = json_object();
    json_put(object, "tokens", json_of_count(horizon->tokens), ok);
    json_put(object, "trials", counts_json(&horizon->trials, ok), ok);
    json_put(object, "best_lr", json_of_double(horizon->best_lr), ok);
    json_put(object, "best_loss", json_of_double(horizon->best_loss), ok);
    json_put(object, "bracket", bracket_json(horizon->bracket, ok), ok);
    json_put(object, "lr_opt", json_of_double(horizon->lr_opt), ok);
    json_put(object, "ci90", json_of_interval(horizon->ci90), ok);
    return object;
}

static json_t *budget_json(const struct status_budget *budget, bool *ok)
{
    json_t *object = json_object();
    json_put(object, "key", json_string(budget->key), ok);
    json_put(object, "used", json_of_double(budget->used), ok);
    json_put(object, "limit", json_of_double(budget->limit), ok);
    return object;
}

static json_t *worker_json(const struct status_worker *worker, bool *ok)
{
    bool busy = worker->trial_id > 0;
    json_t *object = json_object();
    json_put(object, "rank", json_integer(worker->rank), ok);
    json_put(object, "host", worker->host[0] ? json_of_text(worker->host) : json_null(), ok);
    json_put(object, "state", json_string(busy ? "training" : worker->lost ? "lost" : "idle"), ok);
    json_put(object, "trial", json_of_size(worker->trial_id), ok);
    json_put(object, "lr", json_of_double(busy ? worker->lr : NAN), ok);
    json_put(object, "tokens", busy ? json_of_count(worker->tokens) : json_null(), ok);
    json_put(object, "horizon_tokens", busy ? json_of_count(worker->horizon_tokens) : json_null(),
             ok);
    json_put(object, "seconds", json_of_double(busy ? worker->for_s : NAN), ok);
    json_put(object, "message", worker->lost ? json_of_text(worker->message) : json_null(), ok);
    return object;
}

static json_t *answer_json(const struct status_view *view, bool *ok)
{
    char *text = view->state == STATUS_PREPARING ? NULL : result_json(view->name, &view->answer);
    json_t *value = text ? json_loads(text, 0, NULL) : json_null();
    *ok = *ok && value && (text || view->state == STATUS_PREPARING);
    lr_free(text);
    return value;
}

#define PUT_ALL(object, key, items, count, item_json)                                              \
    do {                                                                                           \
        json_t *array = json_array();                                                              \
        for (size_t i = 0; i < (count); i++)                                                       \
            if (json_array_append_new(array, item_json(&(items)[i], &ok)))                         \
                ok = false;                                                                        \
        json_put(object, key, array, &ok);                                                         \
    } while (0)

int status_print_json(const struct status_view *view, struct lr_error *err)
{
    bool ok = true, begun = view->state != STATUS_PREPARING;
    json_use_lr_memory();
    json_t *object = json_object();
    json_put(object, "schema_version", json_integer(1), &ok);
    json_put(object, "name", begun ? json_of_text(view->name) : json_null(), &ok);
    json_put(object, "state", json_string(status_state_name(view->state)), &ok);
    json_put(object, "owner", owner_json(view, &ok), &ok);
    json_put(object, "sessions", json_integer(view->sessions), &ok);
    json_put(object, "round", json_integer(view->round), &ok);
    json_put(object, "trials", counts_json(&view->trials, &ok), &ok);
    json_put(object, "wall_s", json_of_double(view->wall_s), &ok);
    json_t *left = json_object();
    json_put(left, "trials", json_of_count(view->trials_left), &ok);
    json_put(left, "tokens", json_of_count(view->tokens_left), &ok);
    json_put(left, "seconds", json_of_double(view->seconds_left), &ok);
    json_put(object, "left", left, &ok);
    PUT_ALL(object, "budget", view->budgets, view->budget_count, budget_json);
    PUT_ALL(object, "horizons", view->horizons, view->horizon_count, horizon_json);
    PUT_ALL(object, "workers", view->workers, view->worker_count, worker_json);
    json_put(object, "answer", answer_json(view, &ok), &ok);
    return json_print(object, ok, err);
}
