/* A journal file of Optuna 3.1 and later: a line of JSON an operation, of which three are needed. A
 * trial is written whole, in the operation that creates it.
 *
 * Losses of different horizons do not compare, so that `tokens` is a parameter like `lr`; with
 * Optuna's filters and plots one looks at one horizon. Times are as near as our journal knows them
 * (export_begun()). */
#include <math.h>
#include <string.h>
#include "export/bytes.h"
#include "export/export_files.h"
#include "lrsearch/memory.h"
#include "store/json_value.h"
#include "store/trial_row.h"

enum operation { CREATE_STUDY = 0, SET_STUDY_USER_ATTR = 2, CREATE_TRIAL = 4 };
enum optuna_state { RUNNING = 0, COMPLETE = 1, FAIL = 3, WAITING = 4 };
#define MINIMIZE 1

struct param {
    const char *name, *cell;
    enum { LOG_NUMBER, WHOLE, LOG_WHOLE, PARAMETRIZATION } kind;
    bool always; /* also when it is the same for all trials */
};
static const struct param params[] = {
    {"lr", "lr", LOG_NUMBER, true},
    {"tokens", "horizon_tokens", LOG_WHOLE, true},
    {"embedding_lr_ratio", "embedding_lr_ratio", LOG_NUMBER, false},
    {"output_lr_ratio", "output_lr_ratio", LOG_NUMBER, false},
    {"d_model", "d_model", WHOLE, false},
    {"n_layers", "n_layers", WHOLE, false},
    {"vocab", "vocab", WHOLE, false},
    {"batch_tokens", "batch_tokens", WHOLE, false},
    {"parametrization", "parametrization", PARAMETRIZATION, false},
};
#define PARAMS (sizeof(params) / sizeof(params[0]))
static const char *const parametrizations[] = {
#define X(enumerator, value, name) name,
    PARAMETRIZATION_MAP(X)
#undef X
};
#define PARAMETRIZATIONS (sizeof(parametrizations) / sizeof(parametrizations[0]))

static const char *const attributes[] = {
    "id",       "round",       "replicate",         "state",
    "attempt",  "cell",        "purpose",           "seed",
    "outcome",  "val_loss_se", "val_bits_per_byte", "train_loss",
    "seconds",  "flops",       "message",           "d_model",
    "n_layers", "vocab",       "batch_tokens",      "parametrization",
    "schedule"};

struct writer {
    const struct export_source *source;
    struct bytes out;
    char *distributions[PARAMS]; /* JSON texts; NULL: no parameter of this study */
    bool ok;
};

static void write_line(struct writer *writer, json_t *operation)
{
    char *line = json_to_line(operation, writer->ok);
    if (line) {
        bytes_add(&writer->out, line, strlen(line));
        bytes_add(&writer->out, "\n", 1);
    }
    writer->ok = writer->ok && line;
    lr_free(line);
}

static json_t *operation_of(struct writer *writer, enum operation code)
{
    json_t *operation = json_object();
    json_put(operation, "op_code", json_integer(code), &writer->ok);
    json_put(operation, "worker_id", json_string("lrsearch"), &writer->ok);
    return operation;
}

/* ---- the study ---- */

static void set_study(struct writer *writer, const char *key, json_t *value)
{
    json_t *operation = operation_of(writer, SET_STUDY_USER_ATTR), *pair = json_object();
    json_put(operation, "study_id", json_integer(0), &writer->ok);
    json_put(pair, key, value, &writer->ok);
    json_put(operation, "user_attr", pair, &writer->ok);
    write_line(writer, operation);
}

static void write_study(struct writer *writer)
{
    const struct answer *answer = writer->source->answer;
    struct export_number numbers[EXPORT_ANSWER_NUMBERS];
    json_t *operation = operation_of(writer, CREATE_STUDY), *doubts = json_array();
    const char *name = campaign_plan(writer->source->campaign)->name;
    json_put(operation, "study_name", json_of_text(name), &writer->ok);
    json_put(operation, "directions", json_pack("[i]", MINIMIZE), &writer->ok);
    write_line(writer, operation);
    set_study(writer, "status", json_string(answer_status_name(answer->status)));
    set_study(writer, "reason", json_of_text(answer->reason));
    set_study(writer, "target_tokens", json_of_count(answer->target.tokens));
    export_answer(numbers, answer);
    for (int i = 0; i < EXPORT_ANSWER_NUMBERS; i++)
        set_study(writer, numbers[i].name, json_of_double(numbers[i].value));
    for (size_t i = 0; i < answer->warning_count; i++)
        if (json_array_append_new(doubts, json_of_text(answer->warnings[i])))
            writer->ok = false;
    set_study(writer, "doubts", doubts);
}

/* ---- distributions ---- */

static double value_of(const struct trial *trial, const char *name)
{
    struct trial_cell row[TRIAL_ROW_CELLS];
    const struct trial_cell *cell = trial_row_find(row, trial_row_fill(row, trial), name);
    if (!cell)
        return NAN;
    for (size_t i = 0; cell->kind == CELL_TEXT && i < PARAMETRIZATIONS; i++)
        if (strcmp(cell->text, parametrizations[i]) == 0)
            return (double)i;
    return cell->kind == CELL_COUNT ? (double)cell->count : cell->number;
}

static json_t *json_of_value(const struct param *param, double value)
{
    return param->kind == LOG_NUMBER ? json_of_double(value) : json_integer((json_int_t)value);
}

static json_t *distribution_of(struct writer *writer, const struct param *param)
{
    static const char *const classes[] = {"FloatDistribution", "IntDistribution", "IntDistribution",
                                          "CategoricalDistribution"};
    json_t *attributes_of = json_object(), *distribution = json_object(), *choices = json_array();
    double low = INFINITY, high = -INFINITY;
    bool *ok = &writer->ok, of_lr = strcmp(param->name, "lr") == 0;
    const struct plan *plan = campaign_plan(writer->source->campaign);
    for (size_t i = 0; i < writer->source->trial_count; i++) {
        low = fmin(low, value_of(writer->source->trials[i], param->cell));
        high = fmax(high, value_of(writer->source->trials[i], param->cell));
    }
    if (of_lr) {
        low = fmin(low, plan->search.lr[0]);
        high = fmax(high, plan->search.lr[1]);
    }
    for (size_t i = 0; i < PARAMETRIZATIONS; i++)
        if (json_array_append_new(choices, json_string(parametrizations[i])))
            *ok = false;
    if (param->kind == PARAMETRIZATION) {
        json_put(attributes_of, "choices", choices, ok);
    } else {
        json_decref(choices);
        json_put(attributes_of, "low", json_of_value(param, low), ok);
        json_put(attributes_of, "high", json_of_value(param, high), ok);
        json_put(attributes_of, "log", json_boolean(param->kind != WHOLE), ok);
        json_put(attributes_of, "step", param->kind == LOG_NUMBER ? json_null() : json_integer(1),
                 ok);
    }
    json_put(distribution, "name", json_string(classes[param->kind]), ok);
    json_put(distribution, "attributes", attributes_of, ok);
    return distribution;
}

/* ---- trials ---- */

static enum optuna_state state_of(const struct trial *trial)
{
    switch (trial->state) {
    case TRIAL_RUNNING:
        return RUNNING;
    case TRIAL_DONE:
        return COMPLETE;
    case TRIAL_DIVERGED:
    case TRIAL_FAILED:
        return FAIL;
    case TRIAL_PENDING:
    case TRIAL_LOST:
        break;
    }
    return WAITING;
}

static json_t *attributes_of_trial(struct writer *writer, const struct trial *trial)
{
    struct trial_cell row[TRIAL_ROW_CELLS];
    size_t count = trial_row_fill(row, trial);
    json_t *object = json_object();
    for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
        const struct trial_cell *cell = trial_row_find(row, count, attributes[i]);
        if (!cell || (cell->kind == CELL_NUMBER && !isfinite(cell->number)))
            continue;
        json_put(object, cell->name,
                 cell->kind == CELL_TEXT    ? json_of_text(cell->text)
                 : cell->kind == CELL_COUNT ? json_of_count(cell->count)
                                            : json_of_double(cell->number),
                 &writer->ok);
    }
    return object;
}

static json_t *curve_json(struct writer *writer, const struct curve *curve)
{
    json_t *object = json_object();
    for (size_t i = 0; i < curve->count; i++) {
        char step[24];
        snprintf(step, sizeof(step), "%llu", (unsigned long long)curve->points[i].tokens);
        if (isfinite(curve->points[i].train_loss))
            json_put(object, step, json_of_double(curve->points[i].train_loss), &writer->ok);
    }
    return object;
}

static json_t *time_json(double seconds)
{
    char text[32];
    if (!isfinite(seconds))
        return json_null();
    export_utc_text(text, seconds);
    return json_string(text);
}

static void write_trial(struct writer *writer, const struct trial *trial, const struct curve *curve)
{
    bool *ok = &writer->ok, over = trial_state_is_over(trial->state);
    json_t *operation = operation_of(writer, CREATE_TRIAL);
    json_t *values = json_object(), *distributions = json_object();
    double begun = export_begun(curve);
    for (size_t p = 0; p < PARAMS; p++) {
        if (!writer->distributions[p])
            continue;
        double value = value_of(trial, params[p].cell);
        json_put(values, params[p].name, json_of_value(&params[p], value), ok);
        json_put(distributions, params[p].name, json_string(writer->distributions[p]), ok);
    }
    json_put(operation, "study_id", json_integer(0), ok);
    json_put(operation, "state", json_integer(state_of(trial)), ok);
    json_put(operation, "value",
             trial->state == TRIAL_DONE ? json_of_double(trial->result.val_loss) : json_null(), ok);
    json_put(operation, "values", json_null(), ok);
    json_put(operation, "datetime_start", time_json(begun), ok);
    if (over && isfinite(begun))
        json_put(operation, "datetime_complete", time_json(begun + fmax(0, trial->result.seconds)),
                 ok);
    json_put(operation, "distributions", distributions, ok);
    json_put(operation, "params", values, ok);
    json_put(operation, "user_attrs", attributes_of_trial(writer, trial), ok);
    json_put(operation, "system_attrs", json_object(), ok);
    json_put(operation, "intermediate_values", curve_json(writer, curve), ok);
    write_line(writer, operation);
}

int export_optuna(struct export_files *files, const struct export_source *source,
                  struct lr_error *err)
{
    struct writer writer = {.source = source, .ok = true};
    json_use_lr_memory();
    for (size_t p = 0; p < PARAMS && source->trial_count > 0; p++) /* else there are no bounds */
        if (params[p].always || export_differs(source, params[p].cell)) {
            json_t *distribution = distribution_of(&writer, &params[p]);
            writer.distributions[p] = json_to_line(distribution, writer.ok);
            writer.ok = writer.ok && writer.distributions[p];
        }
    write_study(&writer);
    for (size_t i = 0; i < source->trial_count; i++)
        write_trial(&writer, source->trials[i], &source->curves->curves[i]);
    for (size_t p = 0; p < PARAMS; p++)
        lr_free(writer.distributions[p]);
    if (!writer.ok || writer.out.failed) {
        bytes_release(&writer.out);
        return lr_nomem(err);
    }
    return export_files_add(files, "", writer.out.data, writer.out.used, err);
}
