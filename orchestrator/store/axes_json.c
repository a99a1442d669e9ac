/* The second half of result.json, under the same promise: keys and their order stay, what is
 * unknown is null. Cells are referred to by their index. */
#include "store/axes_json.h"

#include "lrsearch/trial.h"

static void put_double(json_t *object, const char *key, double value, bool *ok)
{
    json_put(object, key, json_of_double(value), ok);
}

static void put_interval(json_t *object, const char *key, const double ends[2], bool *ok)
{
    json_put(object, key, json_of_interval(ends), ok);
}

/* null: of all of them together */
static void put_kind(json_t *object, uint32_t parametrization, bool *ok)
{
    json_put(object, "parametrization",
             parametrization == ANSWER_EVERY ? json_null()
                                             : json_string(parametrization_name(parametrization)),
             ok);
}

static void append(json_t *array, json_t *value, bool *ok)
{
    if (json_array_append_new(array, value))
        *ok = false;
}

static json_t *ratio_json(double value, const double ci90[2], bool *ok)
{
    json_t *object = json_object();
    put_double(object, "value", value, ok);
    put_interval(object, "ci90", ci90, ok);
    return object;
}

/* A target whose vocabulary is not told has a schedule and a parametrization that are not told
 * either: their enums have no value for it. */
void axes_json_put_target(json_t *object, const struct answer *answer, bool *ok)
{
    static const char *const names[RATIO_COUNT] = {"embedding_lr_ratio", "output_lr_ratio"};
    const struct target_answer *target = &answer->target;
    bool known = target->vocab > 0, axes = answer->cell_count > 0;
    json_put(object, "n_layers", json_of_size(target->n_layers), ok);
    json_put(object, "batch_tokens", json_of_size(target->batch_tokens), ok);
    json_put(object, "schedule", known ? json_string(schedule_name(target->schedule)) : json_null(),
             ok);
    json_put(object, "parametrization",
             known ? json_string(parametrization_name(target->parametrization)) : json_null(), ok);
    for (int r = 0; r < RATIO_COUNT; r++)
        json_put(object, names[r],
                 axes ? ratio_json(target->ratio[r], target->ratio_ci90[r], ok) : json_null(), ok);
}

static json_t *cell_json(const struct cell_answer *cell, bool *ok)
{
    json_t *object = json_object();
    json_put(object, "width", json_of_size(cell->d_model), ok);
    json_put(object, "n_layers", json_of_size(cell->n_layers), ok);
    json_put(object, "vocab", json_of_size(cell->vocab), ok);
    json_put(object, "batch_tokens", json_of_size(cell->batch_tokens), ok);
    put_kind(object, cell->parametrization, ok);
    json_put(object, "params", cell->params ? json_of_count(cell->params) : json_null(), ok);
    put_double(object, "lr", cell->lr, ok);
    put_interval(object, "ci90", cell->ci90, ok);
    put_double(object, "beta", cell->beta, ok);
    put_interval(object, "beta_ci90", cell->beta_ci90, ok);
    json_put(object, "embedding_lr_ratio",
             ratio_json(cell->ratio[RATIO_EMBEDDING], cell->ratio_ci90[RATIO_EMBEDDING], ok), ok);
    json_put(object, "output_lr_ratio",
             ratio_json(cell->ratio[RATIO_OUTPUT], cell->ratio_ci90[RATIO_OUTPUT], ok), ok);
    put_double(object, "loss", cell->loss, ok);
    json_put(object, "trials", json_integer(cell->trials), ok);
    return object;
}

static json_t *basin_json(const struct basin_answer *basin, bool *ok)
{
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
    return object;
}

static json_t *exponent_json(const struct exponent_answer *exponent, bool *ok)
{
    json_t *object = json_object();
    json_put(object, "of", json_of_text(exponent->of), ok);
    json_put(object, "axis", json_of_text(exponent->axis), ok);
    json_put(object, "parametrization",
             exponent->parametrization == ANSWER_EVERY
                 ? json_null()
                 : json_string(parametrization_name(exponent->parametrization)),
             ok);
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
    put_kind(object, joint->parametrization, ok);
    put_double(object, "ln_c", joint->ln_c, ok);
    put_double(object, "alpha", joint->alpha, ok);
    put_interval(object, "alpha_ci90", joint->alpha_ci90, ok);
    put_double(object, "beta", joint->beta, ok);
    put_interval(object, "beta_ci90", joint->beta_ci90, ok);
    put_double(object, "r2", joint->r2, ok);
    json_put(object, "holdout", joint_holdout_json(joint, ok), ok);
    return object;
}

static json_t *step_json(const struct transfer_step *step, bool *ok)
{
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
        append(array, object, ok);
    }
    return array;
}

static json_t *confirm_json(const struct confirm_answer *confirm, bool *ok)
{
    json_t *object = json_object();
    json_put(object, "width", json_of_size(confirm->d_model), ok);
    json_put(object, "n_layers", json_of_size(confirm->n_layers), ok);
    json_put(object, "vocab", json_of_size(confirm->vocab), ok);
    put_kind(object, confirm->parametrization, ok);
    json_put(object, "tokens", json_of_count(confirm->tokens), ok);
    json_put(object, "trainings", trainings_json(confirm, ok), ok);
    json_put(object, "text", json_of_text(confirm->text), ok);
    return object;
}

void axes_json_put(json_t *root, const struct answer *answer, bool *ok)
{
    json_t *cells = json_array(), *basins = json_array(), *exponents = json_array(),
           *transfer = json_array(), *confirm = json_array(), *verdicts = json_array();
    for (size_t i = 0; i < answer->cell_count && *ok; i++)
        append(cells, cell_json(&answer->cells[i], ok), ok);
    for (size_t i = 0; i < answer->basin_count && *ok; i++)
        append(basins, basin_json(&answer->basins[i], ok), ok);
    for (size_t i = 0; i < answer->exponent_count && *ok; i++)
        append(exponents, exponent_json(&answer->exponents[i], ok), ok);
    for (size_t i = 0; i < answer->step_count && *ok; i++)
        append(transfer, step_json(&answer->steps[i], ok), ok);
    for (size_t i = 0; i < answer->confirm_count && *ok; i++)
        append(confirm, confirm_json(&answer->confirms[i], ok), ok);
    for (size_t i = 0; i < answer->verdict_count && *ok; i++)
        append(verdicts, json_of_text(answer->verdicts[i]), ok);
    json_put(root, "cells", cells, ok);
    json_put(root, "nearest_cell",
             answer->cell_count > 0 ? json_integer(answer->nearest) : json_null(), ok);
    json_put(root, "basins", basins, ok);
    json_put(root, "exponents", exponents, ok);
    json_put(root, "joint", joint_json(&answer->joint, ok), ok);
    json_put(root, "transfer", transfer, ok);
    json_put(root, "confirm", confirm, ok);
    json_put(root, "verdicts", verdicts, ok);
}
