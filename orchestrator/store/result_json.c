/* Keys are written in the documented order. Cells are referenced by index. */
#include "store/result_json.h"

#include <math.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "lrsearch/trial.h"
#include "store/json_value.h"
#include "store/run_dir.h"

static void put_double(json_t *object, const char *key, double value, bool *ok)
{
    json_put(object, key, json_of_double(value), ok);
}

static void put_interval(json_t *object, const char *key, const double ends[2], bool *ok)
{
    json_put(object, key, json_of_interval(ends), ok);
}

/* null: all parametrizations together */
static void put_parametrization(json_t *object, uint32_t parametrization, bool *ok)
{
    json_put(object, "parametrization",
             parametrization == ANSWER_EVERY ? json_null()
                                             : json_string(parametrization_name(parametrization)),
             ok);
}

static void put_array(json_t *object, const char *key, const void *items, size_t count, size_t size,
                      json_t *(*item_json)(const void *item, bool *ok), bool *ok)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count && *ok; i++)
        if (json_array_append_new(array, item_json((const char *)items + i * size, ok)))
            *ok = false;
    json_put(object, key, array, ok);
}

static json_t *text_json(const void *text, bool *ok)
{
    (void)ok;
    return json_of_text(text);
}

static json_t *text_or_null(const char *text)
{
    return *text ? json_of_text(text) : json_null();
}

static json_t *count_or_null(uint64_t count)
{
    return count ? json_of_count(count) : json_null();
}

/* ---- confidence, advice ---- */

static json_t *confidence_json(const struct confidence_answer *confidence, bool *ok)
{
    bool some = confidence->word != CONFIDENCE_NONE;
    json_t *object = json_object();
    json_put(object, "word", some ? json_string(confidence_name(confidence->word)) : json_null(),
             ok);
    put_double(object, "interval_octaves", confidence->interval_octaves, ok);
    json_put(object, "bracketed", json_boolean(confidence->bracketed), ok);
    json_put(object, "back_test", json_string(back_test_name(confidence->back_test)), ok);
    put_double(object, "assumption_share", confidence->assumption_share, ok);
    return object;
}

/* null: no advice */
static json_t *advice_json(const struct advice_answer *advice, bool *ok)
{
    static const char *const kinds[] = {
        [ADVICE_RANGE] = "range",       [ADVICE_HORIZON] = "horizon", [ADVICE_SEEDS] = "seeds",
        [ADVICE_MIN_GAIN] = "min_gain", [ADVICE_RATIO] = "ratio",
    };
    enum advice_kind kind = advice->kind;
    if (kind == ADVICE_NONE)
        return json_null();
    json_t *object = json_object();
    json_put(object, "kind", json_string(kinds[kind]), ok);
    json_put(object, "lr", kind == ADVICE_RANGE ? json_of_interval(advice->lr) : json_null(), ok);
    json_put(object, "tokens", count_or_null(kind == ADVICE_HORIZON ? advice->tokens : 0), ok);
    json_put(object, "seeds", json_of_size(kind == ADVICE_SEEDS ? advice->seeds : 0), ok);
    put_double(object, "min_gain", kind == ADVICE_MIN_GAIN ? advice->min_gain : NAN, ok);
    bool ratio = kind == ADVICE_RATIO;
    json_put(object, "ratio", ratio ? json_string(answer_ratio_name(advice->ratio)) : json_null(),
             ok);
    json_put(object, "range", ratio ? json_of_interval(advice->range) : json_null(), ok);
    return object;
}

/* ---- target, ratios, law, horizons, cost ---- */

static json_t *ratio_json(double value, const double ci90[2], bool *ok)
{
    json_t *object = json_object();
    put_double(object, "value", value, ok);
    put_interval(object, "ci90", ci90, ok);
    return object;
}

/* Without a vocabulary the target's schedule and parametrization are unknown too (null): their
 * enums have no such value. */
static json_t *target_json(const struct answer *answer, bool *ok)
{
    const struct target_answer *target = &answer->target;
    bool known = target->vocab > 0, axes = answer->cell_count > 0;
    json_t *object = json_object();
    json_put(object, "tokens", json_of_count(target->tokens), ok);
    json_put(object, "width", json_of_size(target->width), ok);
    json_put(object, "vocab", json_of_size(target->vocab), ok);
    put_double(object, "lr", target->lr, ok);
    put_interval(object, "ci90", target->ci90, ok);
    put_double(object, "embedding_lr", target->embedding_lr, ok);
    put_double(object, "loss_penalty", target->loss_penalty, ok);
    put_double(object, "loss_penalty_if_wrong_2x", target->loss_penalty_if_wrong_2x, ok);
    json_put(object, "n_layers", json_of_size(target->n_layers), ok);
    json_put(object, "batch_tokens", json_of_size(target->batch_tokens), ok);
    json_put(object, "schedule", known ? json_string(schedule_name(target->schedule)) : json_null(),
             ok);
    json_put(object, "parametrization",
             known ? json_string(parametrization_name(target->parametrization)) : json_null(), ok);
    for (enum answer_ratio r = RATIO_EMBEDDING; r < RATIO_DECAY; r++)
        json_put(object, answer_ratio_name(r),
                 axes ? ratio_json(target->ratio[r], target->ratio_ci90[r], ok) : json_null(), ok);
    put_double(object, "weight_decay", target->weight_decay, ok);
    put_double(object, "keep_lr", target->keep_lr, ok);
    put_double(object, "keep_penalty", target->keep_penalty, ok);
    put_double(object, "no_basin", target->no_basin, ok);
    return object;
}

static json_t *searched_json(const struct ratio_answer *of, double value, bool *ok)
{
    json_t *object = json_object();
    put_double(object, "value", value, ok);
    json_put(object, "searched", json_boolean(of->searched), ok);
    put_double(object, "optimum", of->optimum, ok);
    put_interval(object, "ci90", of->ci90, ok);
    json_put(object, "trials", json_integer(of->trials), ok);
    json_put(object, "at_edge", json_boolean(of->at_edge), ok);
    return object;
}

/* The weight decay, which is no ratio of LRs, has a key of its own. */
static json_t *ratios_json(const struct ratio_answer ratios[RATIO_COUNT], bool *ok)
{
    json_t *all = json_object();
    for (enum answer_ratio r = RATIO_EMBEDDING; r < RATIO_DECAY; r++)
        json_put(all, answer_ratio_name(r), searched_json(&ratios[r], ratios[r].value, ok), ok);
    return all;
}

static json_t *holdout_json(const struct law_answer *law, bool *ok)
{
    if (law->holdout.tokens == 0)
        return json_null();
    json_t *object = json_object();
    json_put(object, "tokens", json_of_count(law->holdout.tokens), ok);
    put_double(object, "lr_predicted", law->holdout.lr_predicted, ok);
    put_double(object, "lr_measured", law->holdout.lr_measured, ok);
    return object;
}

static json_t *law_json(const struct law_answer *law, bool *ok)
{
    json_t *object = json_object();
    put_double(object, "beta", law->beta, ok);
    put_interval(object, "beta_ci90", law->beta_ci90, ok);
    put_double(object, "b", law->b, ok);
    put_double(object, "r2", law->r2, ok);
    put_double(object, "prior_weight", law->prior_weight, ok);
    json_put(object, "holdout", holdout_json(law, ok), ok);
    json_put(object, "assumed", text_or_null(law->assumed), ok);
    return object;
}

static json_t *lowest_json(const struct horizon_answer *horizon, bool *ok)
{
    json_t *object = json_object();
    put_double(object, "lr", horizon->lowest_lr, ok);
    put_double(object, "loss", horizon->lowest_loss, ok);
    return object;
}

/* What a horizon of `horizons` and one of `basins` end with. */
static void put_seen(json_t *object, const struct horizon_answer *horizon, bool *ok)
{
    json_put(object, "lowest_seen", lowest_json(horizon, ok), ok);
    json_put(object, "interpolated", json_boolean(horizon->interpolated), ok);
    json_put(object, "bracketed", json_boolean(horizon->bracketed), ok);
}

static json_t *horizon_json(const void *item, bool *ok)
{
    const struct horizon_answer *horizon = item;
    json_t *object = json_object();
    json_put(object, "tokens", json_of_count(horizon->tokens), ok);
    put_double(object, "lr_opt", horizon->lr_opt, ok);
    put_interval(object, "ci90", horizon->ci90, ok);
    put_double(object, "curvature", horizon->curvature, ok);
    put_double(object, "loss_min", horizon->loss_min, ok);
    json_put(object, "trials", json_integer(horizon->trials), ok);
    json_put(object, "at_edge", json_boolean(horizon->at_edge), ok);
    put_seen(object, horizon, ok);
    return object;
}

static json_t *cost_json(const struct answer_cost *cost, bool *ok)
{
    json_t *object = json_object();
    json_put(object, "trials", json_of_count(cost->trials), ok);
    json_put(object, "tokens", json_of_count(cost->tokens), ok);
    put_double(object, "flops", cost->flops, ok);
    put_double(object, "core_seconds", cost->core_seconds, ok);
    put_double(object, "target_run_fraction", cost->target_run_fraction, ok);
    json_put(object, "lost_attempts", json_of_count(cost->lost_attempts), ok);
    json_put(object, "lost_tokens", json_of_count(cost->lost_tokens), ok);
    json_put(object, "reused_tokens", json_of_count(cost->reused_tokens), ok);
    return object;
}

/* ---- the best batch ---- */

static json_t *best_horizon_json(const void *item, bool *ok)
{
    const struct best_batch_horizon *horizon = item;
    json_t *object = json_object();
    json_put(object, "tokens", json_of_count(horizon->tokens), ok);
    put_double(object, "batch_tokens", horizon->batch_tokens, ok);
    put_interval(object, "ci90", horizon->ci90, ok);
    json_put(object, "batches", json_integer(horizon->batches), ok);
    json_put(object, "at_edge", json_boolean(horizon->at_edge), ok);
    return object;
}

/* null: not asked for */
static json_t *best_batch_json(const struct best_batch_answer *best, bool *ok)
{
    if (!best->asked)
        return json_null();
    json_t *object = json_object();
    json_put(object, "known", json_boolean(best->known), ok);
    json_put(object, "reason", text_or_null(best->reason), ok);
    put_double(object, "batch_tokens", best->batch_tokens, ok);
    put_interval(object, "ci90", best->ci90, ok);
    put_interval(object, "lr", best->lr, ok);
    put_double(object, "exponent", best->exponent, ok);
    put_interval(object, "exponent_ci90", best->exponent_ci90, ok);
    put_double(object, "prior_weight", best->prior_weight, ok);
    put_interval(object, "tried", best->tried, ok);
    put_array(object, "horizons", best->horizons, best->horizon_count, sizeof(best->horizons[0]),
              best_horizon_json, ok);
    return object;
}

/* ---- the drift from an earlier run ---- */

json_t *drift_json(const struct drift *drift, bool *ok)
{
    json_t *both = json_object(), *lr = json_object(), *loss = json_object(), *at = json_object();
    put_double(lr, "ratio", drift->lr_ratio, ok);
    put_interval(lr, "ci90", drift->lr_ci90, ok);
    json_put(at, "tokens", count_or_null(drift->at_tokens), ok);
    put_double(at, "ratio", drift->at_ratio, ok);
    put_interval(at, "ci90", drift->at_ci90, ok);
    json_put(lr, "horizon", at, ok);
    json_put(lr, "beyond", json_boolean(drift->lr_beyond), ok);
    json_put(lr, "reason", text_or_null(drift->lr_reason), ok);
    json_put(loss, "tokens", count_or_null(drift->loss_tokens), ok);
    put_double(loss, "difference", drift->loss_difference, ok);
    put_interval(loss, "ci90", drift->loss_ci90, ok);
    json_put(loss, "beyond", json_boolean(drift->loss_beyond), ok);
    json_put(loss, "reason", text_or_null(drift->loss_reason), ok);
    json_put(both, "lr", lr, ok);
    json_put(both, "loss", loss, ok);
    return both;
}

static json_t *json_of_limit(double limit)
{
    return limit > 0 ? json_of_double(limit) : json_null();
}

/* null: no baseline was wanted; "drift" null: nothing was compared. */
static json_t *baseline_json(const struct baseline_answer *baseline, bool *ok)
{
    if (!baseline->wanted)
        return json_null();
    json_t *object = json_object(), *tolerance = json_object();
    json_put(object, "run_dir", text_or_null(baseline->run_dir), ok);
    json_put(object, "reason", text_or_null(baseline->reason), ok);
    json_put(tolerance, "lr", json_of_limit(baseline->limit_lr), ok);
    json_put(tolerance, "loss", json_of_limit(baseline->limit_loss), ok);
    json_put(object, "tolerance", tolerance, ok);
    json_put(object, "drift", baseline->reason[0] ? json_null() : drift_json(&baseline->drift, ok),
             ok);
    return object;
}

/* ---- campaigns with axes; without axes these keys are empty or null ---- */

static json_t *cell_json(const void *item, bool *ok)
{
    const struct cell_answer *cell = item;
    json_t *object = json_object();
    json_put(object, "width", json_of_size(cell->d_model), ok);
    json_put(object, "n_layers", json_of_size(cell->n_layers), ok);
    json_put(object, "vocab", json_of_size(cell->vocab), ok);
    json_put(object, "batch_tokens", json_of_size(cell->batch_tokens), ok);
    put_parametrization(object, cell->parametrization, ok);
    json_put(object, "params", count_or_null(cell->params), ok);
    put_double(object, "lr", cell->lr, ok);
    put_interval(object, "ci90", cell->ci90, ok);
    put_double(object, "beta", cell->beta, ok);
    put_interval(object, "beta_ci90", cell->beta_ci90, ok);
    for (enum answer_ratio r = RATIO_EMBEDDING; r < RATIO_DECAY; r++)
        json_put(object, answer_ratio_name(r), ratio_json(cell->ratio[r], cell->ratio_ci90[r], ok),
                 ok);
    put_double(object, "weight_decay", cell->weight_decay, ok);
    put_double(object, "embedding_lr_exponent", cell->embedding_lr_exponent, ok);
    json_put(object, "best_weight_decay",
             ratio_json(cell->ratio[RATIO_DECAY], cell->ratio_ci90[RATIO_DECAY], ok), ok);
    put_double(object, "loss", cell->loss, ok);
    json_put(object, "trials", json_integer(cell->trials), ok);
    return object;
}

static json_t *basin_json(const void *item, bool *ok)
{
    const struct basin_answer *basin = item;
    const struct horizon_answer *horizon = &basin->horizon;
    json_t *object = json_object();
    json_put(object, "cell", json_integer(basin->cell), ok);
    json_put(object, "tokens", json_of_count(horizon->tokens), ok);
    put_double(object, "lr_opt", horizon->lr_opt, ok);
    put_interval(object, "ci90", horizon->ci90, ok);
    put_double(object, "curvature", horizon->curvature, ok);
    put_double(object, "loss_min", horizon->loss_min, ok);
    json_put(object, "trials", json_integer(horizon->trials), ok);
    json_put(object, "diverged", json_integer(horizon->diverged), ok);
    json_put(object, "at_edge", json_boolean(horizon->at_edge), ok);
    json_put(object, "flat", json_boolean(horizon->flat), ok);
    put_seen(object, horizon, ok);
    return object;
}

static json_t *exponent_json(const void *item, bool *ok)
{
    const struct exponent_answer *exponent = item;
    json_t *object = json_object();
    json_put(object, "of", json_of_text(exponent->of), ok);
    json_put(object, "axis", json_of_text(exponent->axis), ok);
    put_parametrization(object, exponent->parametrization, ok);
    put_double(object, "embedding_lr_exponent", exponent->embedding_lr_exponent, ok);
    json_put(object, "vocab", json_of_size(exponent->vocab), ok);
    put_double(object, "value", exponent->value, ok);
    put_interval(object, "ci90", exponent->ci90, ok);
    put_double(object, "expected", exponent->expected, ok);
    put_double(object, "prior_weight", exponent->prior_weight, ok);
    return object;
}

static json_t *joint_holdout_json(const struct joint_answer *joint, bool *ok)
{
    if (!joint->holdout.known)
        return json_null();
    json_t *object = json_object();
    json_put(object, "cell", json_integer(joint->holdout.cell), ok);
    json_put(object, "tokens", json_of_count(joint->holdout.tokens), ok);
    put_double(object, "lr_predicted", joint->holdout.lr_predicted, ok);
    put_interval(object, "ci90", joint->holdout.ci90, ok);
    put_double(object, "lr_measured", joint->holdout.lr_measured, ok);
    put_interval(object, "measured_ci90", joint->holdout.measured_ci90, ok);
    return object;
}

static json_t *joint_json(const struct joint_answer *joint, bool *ok)
{
    if (!joint->known)
        return json_null();
    json_t *object = json_object();
    put_parametrization(object, joint->parametrization, ok);
    put_double(object, "ln_c", joint->ln_c, ok);
    put_double(object, "alpha", joint->alpha, ok);
    put_interval(object, "alpha_ci90", joint->alpha_ci90, ok);
    put_double(object, "beta", joint->beta, ok);
    put_interval(object, "beta_ci90", joint->beta_ci90, ok);
    put_double(object, "r2", joint->r2, ok);
    json_put(object, "holdout", joint_holdout_json(joint, ok), ok);
    return object;
}

static json_t *step_json(const void *item, bool *ok)
{
    const struct transfer_step *step = item;
    json_t *object = json_object();
    json_put(object, "of", json_of_text(step->of), ok);
    json_put(object, "how", json_of_text(step->how), ok);
    put_double(object, "factor", step->factor, ok);
    put_interval(object, "ci90", step->ci90, ok);
    json_put(object, "measured", json_boolean(step->measured), ok);
    return object;
}

static json_t *trainings_json(const struct confirm_answer *confirm, bool *ok)
{
    json_t *array = json_array();
    for (int i = 0; i < 3 && *ok; i++) {
        json_t *object = json_object();
        put_double(object, "lr", confirm->lr[i], ok);
        put_double(object, "loss", confirm->loss[i], ok);
        json_put(object, "diverged", json_boolean(confirm->diverged[i]), ok);
        put_double(object, "excess_predicted", confirm->excess_predicted[i], ok);
        if (json_array_append_new(array, object))
            *ok = false;
    }
    return array;
}

static json_t *confirm_json(const void *item, bool *ok)
{
    const struct confirm_answer *confirm = item;
    json_t *object = json_object();
    json_put(object, "width", json_of_size(confirm->d_model), ok);
    json_put(object, "n_layers", json_of_size(confirm->n_layers), ok);
    json_put(object, "vocab", json_of_size(confirm->vocab), ok);
    put_parametrization(object, confirm->parametrization, ok);
    json_put(object, "tokens", json_of_count(confirm->tokens), ok);
    json_put(object, "trainings", trainings_json(confirm, ok), ok);
    json_put(object, "text", json_of_text(confirm->text), ok);
    return object;
}

/* ---- the whole ---- */

json_t *result_json_value(const char *name, const struct answer *answer, bool *ok)
{
#define PUT_ARRAY(key, items, count, item_json)                                                    \
    put_array(object, key, answer->items, answer->count, sizeof(answer->items[0]), item_json, ok)
    json_t *object = json_object();
    json_put(object, "schema_version", json_integer(1), ok);
    json_put(object, "name", json_of_text(name), ok);
    json_put(object, "status", json_string(answer_status_name(answer->status)), ok);
    json_put(object, "reason", json_of_text(answer->reason), ok);
    json_put(object, "target", target_json(answer, ok), ok);
    json_put(object, "ratios", ratios_json(answer->ratios, ok), ok);
    json_put(object, "weight_decay",
             searched_json(&answer->ratios[RATIO_DECAY], answer->target.weight_decay, ok), ok);
    json_put(object, "law", law_json(&answer->law, ok), ok);
    PUT_ARRAY("horizons", horizons, horizon_count, horizon_json);
    json_put(object, "cost", cost_json(&answer->cost, ok), ok);
    json_put(object, "baseline", baseline_json(&answer->baseline, ok), ok);
    PUT_ARRAY("warnings", warnings, warning_count, text_json);
    PUT_ARRAY("cells", cells, cell_count, cell_json);
    json_put(object, "nearest_cell",
             answer->cell_count > 0 ? json_integer(answer->nearest) : json_null(), ok);
    PUT_ARRAY("basins", basins, basin_count, basin_json);
    PUT_ARRAY("exponents", exponents, exponent_count, exponent_json);
    json_put(object, "joint", joint_json(&answer->joint, ok), ok);
    PUT_ARRAY("transfer", steps, step_count, step_json);
    PUT_ARRAY("confirm", confirms, confirm_count, confirm_json);
    PUT_ARRAY("verdicts", verdicts, verdict_count, text_json);
    json_put(object, "confidence", confidence_json(&answer->confidence, ok), ok);
    json_put(object, "stopped", text_or_null(answer->stopped), ok);
    json_put(object, "advice", advice_json(&answer->advice, ok), ok);
    json_put(object, "best_batch", best_batch_json(&answer->best_batch, ok), ok);
#undef PUT_ARRAY
    return object;
}

char *result_json(const char *name, const struct answer *answer)
{
    bool ok = true;
    json_use_lr_memory();
    json_t *object = result_json_value(name, answer, &ok);
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
