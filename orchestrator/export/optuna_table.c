/* The journal is played as Optuna itself does (optuna/storages/_journal): operations on studies and
 * trials that are not there, or that are over, have no effect. */
#include "export/optuna_table.h"

#include <string.h>
#include "lrsearch/memory.h"
#include "store/json_value.h"

enum operation {
    CREATE_STUDY,
    DELETE_STUDY,
    SET_STUDY_USER_ATTR,
    SET_STUDY_SYSTEM_ATTR,
    CREATE_TRIAL,
    SET_TRIAL_PARAM,
    SET_TRIAL_STATE_VALUES,
    SET_TRIAL_INTERMEDIATE_VALUE,
    SET_TRIAL_USER_ATTR,
    SET_TRIAL_SYSTEM_ATTR
};
enum { COMPLETE = 1, PRUNED = 2, FAIL = 3, MAXIMIZE = 2 };

struct reader {
    const char *path;
    size_t line;
    json_t *studies; /* array of {"name", "direction", "trials"}; null: deleted */
    json_t *trials;  /* array of {"study", "number", "state", "value", "params",
                        "user_attrs"} */
    struct lr_error *err;
};

static int bad_line(const struct reader *r, const char *what)
{
    return lr_fail(r->err, LR_EDATA, "%s:%zu: %s; is it whole, and Optuna's journal file?", r->path,
                   r->line, what);
}

static int no_memory(const struct reader *r)
{
    return lr_nomem(r->err);
}

/* ---- lines ---- */

/* Python writes NaN and infinities, which are no JSON: outside of strings "{}" is put over them,
 * which is no number to anybody. */
static void blank_constants(char *line)
{
    static const char *const words[] = {"-Infinity", "Infinity", "NaN"};
    bool quoted = false;
    for (char *at = line; *at; at++) {
        if (*at == '\\' && quoted && at[1])
            at++;
        else if (*at == '"')
            quoted = !quoted;
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]) && !quoted; i++) {
            size_t length = strlen(words[i]);
            if (strncmp(at, words[i], length) == 0) {
                memset(at, ' ', length);
                memcpy(at, "{}", 2);
            }
        }
    }
}

/* NULL: key is missing, or of another kind. */
static json_t *item(const json_t *array, json_t *index)
{
    return json_is_integer(index) && json_integer_value(index) >= 0
               ? json_array_get(array, (size_t)json_integer_value(index))
               : NULL;
}

/* ---- operations ---- */

static int create_study(struct reader *r, json_t *line)
{
    json_t *name = json_object_get(line, "study_name"), *study;
    json_t *direction = json_array_get(json_object_get(line, "directions"), 0);
    size_t index;
    if (!json_is_string(name) || !json_is_integer(direction))
        return bad_line(r, "a study has no name or no direction");
    json_array_foreach(r->studies, index,
                       study) if (json_equal(json_object_get(study, "name"), name)) return 0;
    study = json_pack("{sOsOsi}", "name", name, "direction", direction, "trials", 0);
    return study && !json_array_append_new(r->studies, study) ? 0 : no_memory(r);
}

static int delete_study(struct reader *r, json_t *line)
{
    json_t *id = json_object_get(line, "study_id");
    if (!item(r->studies, id))
        return bad_line(r, "a study is deleted that was not created");
    return json_array_set_new(r->studies, (size_t)json_integer_value(id), json_null())
               ? no_memory(r)
               : 0;
}

/* What a parameter's value is outside of Optuna: that of a categorical one is an index. */
static json_t *external_value(const json_t *distribution, json_t *value)
{
    json_t *parsed = NULL, *choices, *found = value;
    if (json_is_string(distribution))
        parsed = json_loads(json_string_value(distribution), 0, NULL);
    choices = json_object_get(json_object_get(parsed, "attributes"), "choices");
    if (!choices)
        choices = json_object_get(parsed, "choices");
    double index = json_is_number(value) ? json_number_value(value) : -1;
    if (choices) /* compared as doubles: a larger one is no size_t */
        found = index >= 0 && index < (double)json_array_size(choices)
                    ? json_array_get(choices, (size_t)index)
                    : NULL;
    json_incref(found);
    json_decref(parsed);
    return found;
}

static int set_param(struct reader *r, json_t *trial, const char *name, const json_t *distribution,
                     json_t *value)
{
    json_t *params = json_object_get(trial, "params");
    json_t *external = external_value(distribution, value);
    if (!external)
        return bad_line(r, "a parameter has no value");
    return json_object_set_new(params, name, external) ? no_memory(r) : 0;
}

static json_t *first_of(const json_t *line)
{
    json_t *values = json_object_get(line, "values");
    return json_is_array(values) ? json_array_get(values, 0) : json_object_get(line, "value");
}

static int create_trial(struct reader *r, json_t *line)
{
    json_t *id = json_object_get(line, "study_id"), *study = item(r->studies, id);
    json_t *state = json_object_get(line, "state"), *trials = json_object_get(study, "trials");
    json_t *attributes = json_object_get(line, "user_attrs"), *value = first_of(line), *param;
    json_t *distributions = json_object_get(line, "distributions");
    const char *name;
    int rc = 0;
    if (!json_is_integer(id))
        return bad_line(r, "a trial has no study_id");
    if (!json_is_object(study))
        return 0;
    json_t *trial = json_pack("{sOsIsosos{}so}", "study", id, "number", json_integer_value(trials),
                              "state", state ? json_incref(state) : json_integer(0), "value",
                              value ? json_incref(value) : json_null(), "params", "user_attrs",
                              attributes ? json_deep_copy(attributes) : json_object());
    if (!trial || json_array_append_new(r->trials, trial))
        return no_memory(r);
    json_integer_set(trials, json_integer_value(trials) + 1);
    json_object_foreach(json_object_get(line, "params"), name, param) if (!rc) rc =
        set_param(r, trial, name, json_object_get(distributions, name), param);
    return rc;
}

static bool is_over(const json_t *trial)
{
    json_int_t state = json_integer_value(json_object_get(trial, "state"));
    return state == COMPLETE || state == PRUNED || state == FAIL;
}

static int change_trial(struct reader *r, enum operation operation, json_t *line)
{
    json_t *trial = item(r->trials, json_object_get(line, "trial_id")), *value = first_of(line);
    json_t *name = json_object_get(line, "param_name"), *state = json_object_get(line, "state");
    if (!trial || is_over(trial))
        return 0;
    if (operation == SET_TRIAL_PARAM)
        return json_is_string(name) ? set_param(r, trial, json_string_value(name),
                                                json_object_get(line, "distribution"),
                                                json_object_get(line, "param_value_internal"))
                                    : bad_line(r, "a parameter has no name");
    if (operation == SET_TRIAL_USER_ATTR) {
        json_t *attribute = json_object_get(line, "user_attr");
        return json_object_update(json_object_get(trial, "user_attrs"), attribute)
                   ? bad_line(r, "a user attribute is missing")
                   : 0;
    }
    if (!json_is_integer(state))
        return bad_line(r, "a trial has no state");
    bool failed =
        json_object_set(trial, "state", state) || (value && json_object_set(trial, "value", value));
    return failed ? no_memory(r) : 0;
}

static int apply(struct reader *r, json_t *line)
{
    json_t *code = json_object_get(line, "op_code");
    if (!json_is_integer(code))
        return bad_line(r, "has no op_code");
    switch (json_integer_value(code)) {
    case CREATE_STUDY:
        return create_study(r, line);
    case DELETE_STUDY:
        return delete_study(r, line);
    case CREATE_TRIAL:
        return create_trial(r, line);
    case SET_TRIAL_PARAM:
    case SET_TRIAL_STATE_VALUES:
    case SET_TRIAL_USER_ATTR:
        return change_trial(r, (enum operation)json_integer_value(code), line);
    case SET_STUDY_USER_ATTR:
    case SET_STUDY_SYSTEM_ATTR:
    case SET_TRIAL_INTERMEDIATE_VALUE:
    case SET_TRIAL_SYSTEM_ATTR:
        return 0;
    default:
        return bad_line(r, "has an op_code that this version does not know");
    }
}

/* ---- the table ---- */

static void add_value(struct csv *out, const json_t *value)
{
    if (json_is_integer(value) && json_integer_value(value) >= 0)
        csv_count(out, (uint64_t)json_integer_value(value));
    else if (json_is_number(value))
        csv_double(out, json_number_value(value));
    else if (json_is_boolean(value))
        csv_text(out, json_is_true(value) ? "true" : "false");
    else
        csv_text(out, json_is_string(value) ? json_string_value(value) : "");
}

/* Whether the trial tells anything, and its value; NULL: it diverged. */
static bool tells(const json_t *trial, const json_t **value)
{
    json_int_t state = json_integer_value(json_object_get(trial, "state"));
    const char *outcome =
        json_string_value(json_object_get(json_object_get(trial, "user_attrs"), "outcome"));
    *value = state == COMPLETE ? json_object_get(trial, "value") : NULL;
    return json_is_number(*value) || (state == FAIL && outcome && !strcmp(outcome, "diverged"));
}

/* name -> true, in the order in which they come: parameters before attributes. */
static json_t *columns_of(const struct reader *r)
{
    static const char *const parts[] = {"params", "user_attrs"};
    json_t *columns = json_object(), *trial, *value;
    size_t index;
    const char *name;
    for (int part = 0; columns && part < 2; part++)
        json_array_foreach(r->trials, index, trial) json_object_foreach(
            json_object_get(trial, parts[part]), name,
            value) if (strcmp(name, "study") != 0 && strcmp(name, "number") != 0 &&
                       strcmp(name, "value") != 0 &&
                       json_object_set_new(columns, name, json_true())) return json_decref(columns),
            NULL;
    return columns;
}

static void add_row(struct csv *out, const struct reader *r, const json_t *trial, json_t *columns)
{
    const json_t *value;
    json_t *study = item(r->studies, json_object_get(trial, "study")), *unused;
    const char *name;
    if (!json_is_object(study) || !tells(trial, &value)) /* deleted, or not over */
        return;
    csv_text(out, json_string_value(json_object_get(study, "name")));
    add_value(out, json_object_get(trial, "number"));
    add_value(out, value);
    json_object_foreach(columns, name, unused)
    {
        json_t *cell = json_object_get(json_object_get(trial, "params"), name);
        add_value(out, cell ? cell : json_object_get(json_object_get(trial, "user_attrs"), name));
    }
    csv_end_row(out);
}

static int make_table(struct csv *out, const struct reader *r)
{
    json_t *columns = columns_of(r), *unused, *trial;
    const char *name;
    size_t index;
    if (!columns)
        return no_memory(r);
    csv_text(out, "study");
    csv_text(out, "number");
    csv_text(out, "value");
    json_object_foreach(columns, name, unused) csv_text(out, name);
    csv_end_row(out);
    json_array_foreach(r->trials, index, trial) add_row(out, r, trial, columns);
    json_decref(columns);
    return out->failed ? no_memory(r) : 0;
}

static int check_studies(const struct reader *r, size_t *count)
{
    json_t *study;
    size_t index;
    *count = 0;
    json_array_foreach(r->studies, index, study)
    {
        *count += json_is_object(study);
        if (json_integer_value(json_object_get(study, "direction")) == MAXIMIZE)
            return lr_fail(r->err, LR_EDATA,
                           "%s: study %s maximizes its value; a loss is minimized: copy the "
                           "studies of losses to a file of their own",
                           r->path, json_string_value(json_object_get(study, "name")));
    }
    return 0;
}

/* ---- the whole ---- */

static int read_line(struct reader *r, const char *text, size_t length, bool ended)
{
    char *line = lr_malloc(length + 1);
    if (!line)
        return no_memory(r);
    memcpy(line, text, length);
    line[length] = '\0';
    blank_constants(line);
    json_t *parsed = json_loads(line, 0, NULL);
    lr_free(line);
    if (!parsed && json_memory_failed())
        return no_memory(r);
    int rc = parsed ? apply(r, parsed) : ended ? bad_line(r, "is no JSON") : 0; /* being written */
    json_decref(parsed);
    return rc;
}

int optuna_table(struct csv *out, size_t *studies, const char *path, const char *text, size_t size,
                 struct lr_error *err)
{
    static const char sqlite[] = "SQLite format 3";
    struct reader r = {.path = path, .err = err};
    int rc = 0;
    if (size >= sizeof(sqlite) && memcmp(text, sqlite, sizeof(sqlite)) == 0)
        return lr_fail(err, LR_EDATA,
                       "%s: is an SQLite database; copy its study to a journal file with "
                       "optuna.copy_study",
                       path);
    json_use_lr_memory();
    r.studies = json_array();
    r.trials = json_array();
    if (!r.studies || !r.trials)
        rc = no_memory(&r);
    for (size_t at = 0, length; at < size && !rc; at += length + 1) {
        const char *end = memchr(text + at, '\n', size - at);
        length = end ? (size_t)(end - (text + at)) : size - at;
        r.line++;
        if (length > 0)
            rc = read_line(&r, text + at, length, end);
    }
    if (!rc)
        rc = check_studies(&r, studies);
    if (!rc)
        rc = make_table(out, &r);
    if (!rc && json_memory_failed()) /* jansson may leave out what it had no room for */
        rc = no_memory(&r);
    json_decref(r.studies);
    json_decref(r.trials);
    return rc;
}
