/* The answer is the value of result.json itself. The keys are in the order of
 * docs/report-data.md, which a test holds against a real page. The answer and the trials keep all
 * 17 digits of their doubles; everything else is drawn only, and is rounded to keep the page
 * small. */
#include "report/report_data.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "lrsearch/memory.h"
#include "lrsearch/printable.h"
#include "lrsearch/utc.h"
#include "lrsearch/version.h"
#include "report/cell_names.h"
#include "report/next_steps.h"
#include "report/report_tables.h"
#include "report/run_history.h"
#include "search/loss_curves.h"
#include "store/event_json.h"
#include "store/json_value.h"
#include "store/provenance.h"
#include "store/result_json.h"

/* Significant digits of what is only drawn. */
enum { LR_DIGITS = 6, LOSS_DIGITS = 7, CURVE_DIGITS = 6 };

json_t *json_of_rounded(double value, int digits)
{
    char text[40];
    if (!isfinite(value))
        return json_null();
    snprintf(text, sizeof(text), "%.*g", digits, value);
    return json_real(strtod(text, NULL));
}

json_t *json_of_seconds(double seconds)
{
    return json_of_double(round(100 * seconds) / 100);
}

json_t *json_of_shown(const char *text, const char *keep)
{
    char *copy = lr_strdup(text);
    if (!copy)
        return NULL;
    json_t *value = json_of_text(lr_printable(copy, keep));
    lr_free(copy);
    return value;
}

static void put_lr(json_t *object, const char *key, double lr, bool *ok)
{
    json_put(object, key, json_of_rounded(lr, LR_DIGITS), ok);
}

static void put_loss(json_t *object, const char *key, double loss, bool *ok)
{
    json_put(object, key, json_of_rounded(loss, LOSS_DIGITS), ok);
}

static json_t *numbers_json(const double *values, size_t count, int digits, bool *ok)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count && *ok; i++)
        json_push(array, json_of_rounded(values[i], digits), ok);
    return array;
}

static void put_lr_interval(json_t *object, const char *key, const double ends[2], bool *ok)
{
    json_put(object, key, numbers_json(ends, 2, LR_DIGITS, ok), ok);
}

static void put_text(json_t *object, const char *key, const char *text, bool *ok)
{
    json_put(object, key, json_of_shown(text, ""), ok);
}

/* ---- cells ---- */

/* The keys of "axes", in the order of enum cell_axis. */
static const char *const axis_keys[CELL_AXES] = {"width",
                                                 "depth",
                                                 "vocab",
                                                 "batch_tokens",
                                                 "parametrization",
                                                 "weight_decay",
                                                 "embedding_lr_exponent"};

static json_t *axes_json(const struct cell_answer *cell, bool model, bool *ok)
{
    json_t *axes = json_object();
    json_put(axes, "width", json_of_size(cell->d_model), ok);
    json_put(axes, "depth", json_of_size(cell->n_layers), ok);
    json_put(axes, "vocab", json_of_size(cell->vocab), ok);
    json_put(axes, "batch_tokens", json_of_size(cell->batch_tokens), ok);
    json_put(axes, "parametrization",
             model ? json_of_text(parametrization_name(cell->parametrization)) : json_null(), ok);
    json_put(axes, "weight_decay", json_of_double(cell->weight_decay), ok);
    json_put(axes, "embedding_lr_exponent", json_of_double(cell->embedding_lr_exponent), ok);
    return axes;
}

/* The only cell of a campaign without axes, from its trials. */
static struct cell_answer only_cell(const struct report_input *input)
{
    struct cell_answer cell = {.weight_decay = NAN, .embedding_lr_exponent = NAN};
    for (size_t i = 0; i < input->count; i++) {
        const struct trial *trial = input->trials[i];
        if (trial->purpose != PURPOSE_SEARCH)
            continue;
        cell.d_model = trial->spec.d_model;
        cell.n_layers = trial->spec.n_layers;
        cell.vocab = trial->spec.vocab;
        cell.batch_tokens = trial->spec.batch_tokens;
        cell.parametrization = trial->spec.parametrization;
        break;
    }
    return cell;
}

static json_t *cell_json(const struct cell_answer *cell, const char *name, bool *ok)
{
    json_t *object = json_object();
    json_put(object, "name", json_of_text(name), ok);
    json_put(object, "axes", axes_json(cell, cell->d_model > 0, ok), ok);
    return object;
}

static json_t *cells_json(const struct report_input *input, bool *ok)
{
    const struct answer *answer = input->answer;
    json_t *cells = json_array();
    for (size_t c = 0; c < answer->cell_count && *ok; c++) {
        char name[CELL_NAME];
        cell_name(name, sizeof(name), answer, c, 0);
        json_push(cells, cell_json(&answer->cells[c], name, ok), ok);
    }
    struct cell_answer only = only_cell(input);
    if (answer->cell_count == 0)
        json_push(cells, cell_json(&only, "", ok), ok);
    return cells;
}

static json_t *varies_json(const struct answer *answer, bool *ok)
{
    json_t *keys = json_array();
    for (enum cell_axis axis = CELL_WIDTH; axis < CELL_AXES; axis++)
        if (cells_vary(answer, axis))
            json_push(keys, json_string(axis_keys[axis]), ok);
    return keys;
}

/* null: of a trainer whose models lrsearch does not know, or without a trial yet */
static json_t *model_json(const struct report_input *input, size_t cell, bool *ok)
{
    for (size_t i = 0; i < input->count; i++) {
        const struct trial *trial = input->trials[i];
        const struct trial_spec *spec = &trial->spec;
        if (trial->purpose != PURPOSE_SEARCH || trial->cell != cell)
            continue;
        if (spec->trainer != TRAINER_TRANSFORMER)
            break;
        json_t *object = json_object();
        json_put(object, "params", json_of_count(trial_params(spec)), ok);
        json_put(object, "hidden_params", json_of_count(trial_params_hidden(spec)), ok);
        return object;
    }
    return json_null();
}

/* ---- fits, target, rounds ---- */

static json_t *curve_json(const struct loss_curve *curve, bool *ok)
{
    json_t *object = json_object();
    json_put(object, "lr", numbers_json(curve->lr, CURVE_LRS, CURVE_DIGITS, ok), ok);
    json_put(object, "loss", numbers_json(curve->loss, CURVE_LRS, CURVE_DIGITS, ok), ok);
    json_put(object, "low", numbers_json(curve->low, CURVE_LRS, CURVE_DIGITS, ok), ok);
    json_put(object, "high", numbers_json(curve->high, CURVE_LRS, CURVE_DIGITS, ok), ok);
    return object;
}

static json_t *basin_curve_json(const struct loss_curves *curves, uint32_t cell, uint64_t tokens,
                                bool *ok)
{
    for (size_t i = 0; curves && i < curves->basin_count; i++)
        if (curves->basins[i].cell == cell && curves->basins[i].tokens == tokens)
            return curve_json(&curves->basins[i].curve, ok);
    return json_null();
}

static const char *fit_note(const struct horizon_answer *horizon)
{
    return horizon->flat           ? "flat"
           : horizon->at_edge      ? "at edge"
           : horizon->interpolated ? "interpolated"
                                   : "";
}

static json_t *fit_json(const struct loss_curves *curves, uint32_t cell,
                        const struct horizon_answer *horizon, bool *ok)
{
    json_t *fit = json_object();
    json_put(fit, "cell", json_integer(cell), ok);
    json_put(fit, "tokens", json_of_count(horizon->tokens), ok);
    put_lr(fit, "lr_opt", horizon->lr_opt, ok);
    put_lr_interval(fit, "ci90", horizon->ci90, ok);
    put_loss(fit, "loss_min", horizon->loss_min, ok);
    put_lr(fit, "lowest_lr", horizon->lowest_lr, ok);
    put_loss(fit, "lowest_loss", horizon->lowest_loss, ok);
    json_put(fit, "trials", json_integer(horizon->trials), ok);
    json_put(fit, "diverged", json_integer(horizon->diverged), ok);
    json_put(fit, "note", json_string(fit_note(horizon)), ok);
    json_put(fit, "curve", basin_curve_json(curves, cell, horizon->tokens, ok), ok);
    return fit;
}

static json_t *fits_json(const struct report_input *input, bool *ok)
{
    const struct answer *answer = input->answer;
    json_t *fits = json_array();
    for (size_t i = 0; i < answer->basin_count && *ok; i++)
        json_push(fits,
                  fit_json(input->curves, answer->basins[i].cell, &answer->basins[i].horizon, ok),
                  ok);
    for (size_t i = 0; i < answer->horizon_count && answer->cell_count == 0 && *ok; i++)
        json_push(fits, fit_json(input->curves, 0, &answer->horizons[i], ok), ok);
    return fits;
}

static json_t *target_json(const struct report_input *input, bool *ok)
{
    const struct target_answer *target = &input->answer->target;
    json_t *object = json_object();
    json_put(object, "tokens", json_of_count(target->tokens), ok);
    put_lr(object, "lr", target->lr, ok);
    put_lr_interval(object, "ci90", target->ci90, ok);
    json_put(object, "curve", input->curves ? curve_json(&input->curves->target, ok) : json_null(),
             ok);
    return object;
}

static json_t *law_json(const struct law_line *law, bool *ok)
{
    json_t *object = json_object(), *line = json_object();
    json_put(object, "cell", json_integer(law->cell), ok);
    put_lr(object, "beta", law->beta, ok);
    json_put(line, "tokens", numbers_json(law->tokens, LAW_POINTS, LR_DIGITS, ok), ok);
    json_put(line, "lr", numbers_json(law->lr, LAW_POINTS, LR_DIGITS, ok), ok);
    json_put(line, "low", numbers_json(law->low, LAW_POINTS, LR_DIGITS, ok), ok);
    json_put(line, "high", numbers_json(law->high, LAW_POINTS, LR_DIGITS, ok), ok);
    json_put(object, "line", line, ok);
    return object;
}

static json_t *contour_json(const struct loss_contour *contour, bool *ok)
{
    json_t *object = json_object(), *optimum = json_object();
    json_put(object, "cell", json_integer(contour->cell), ok);
    json_put(object, "tokens", json_of_count(contour->tokens), ok);
    json_put(object, "ratio", json_string(answer_ratio_name(contour->ratio)), ok);
    json_put(object, "lr", numbers_json(contour->lr, CONTOUR_LRS, LR_DIGITS, ok), ok);
    json_put(object, "values", numbers_json(contour->value, CONTOUR_VALUES, LR_DIGITS, ok), ok);
    json_put(object, "loss",
             numbers_json(contour->loss[0], CONTOUR_VALUES * CONTOUR_LRS, CURVE_DIGITS, ok), ok);
    put_lr(optimum, "lr", contour->optimum.lr, ok);
    put_lr(optimum, "value", contour->optimum.value, ok);
    put_lr_interval(optimum, "lr_ci90", contour->optimum.lr_ci90, ok);
    put_lr_interval(optimum, "value_ci90", contour->optimum.value_ci90, ok);
    json_put(object, "optimum", optimum, ok);
    return object;
}

static json_t *round_fit_json(const struct report_fit *known, bool *ok)
{
    json_t *fit = json_object();
    json_put(fit, "cell", json_integer(known->cell), ok);
    json_put(fit, "tokens", json_of_count(known->tokens), ok);
    put_lr(fit, "lr_opt", known->lr_opt, ok);
    put_lr_interval(fit, "ci90", known->ci90, ok);
    return fit;
}

static json_t *round_json(const struct report_round *round, bool *ok)
{
    json_t *object = json_object();
    json_put(object, "round", json_of_size(round->round), ok);
    json_put(object, "tokens", json_of_count(round->tokens), ok);
    put_lr(object, "lr", round->lr, ok);
    put_lr_interval(object, "ci90", round->ci90, ok);
    JSON_PUT_EACH(object, "fits", round->fit_count, round_fit_json(&round->fits[i], ok), ok);
    return object;
}

/* ---- what was run ---- */

static json_t *budget_json(const struct report_input *input, bool *ok)
{
    static const char before[] = "budget.";
    json_t *all = json_object();
    for (size_t i = 0; i < input->budget_count && *ok; i++) {
        const struct status_budget *budget = &input->budgets[i];
        const char *key = budget->key;
        json_t *one = json_object();
        json_put(one, "used", json_of_rounded(budget->used, LR_DIGITS), ok);
        json_put(one, "limit", json_of_rounded(budget->limit, LR_DIGITS), ok);
        if (strncmp(key, before, sizeof(before) - 1) == 0)
            key += sizeof(before) - 1;
        json_put(all, key, one, ok);
    }
    return all;
}

static json_t *step_json(const struct event_steps *steps, bool *ok)
{
    json_t *object = json_object();
    json_put(object, "ranks", json_integer(steps->ranks), ok);
    json_put(object, "measured", json_integer(steps->samples), ok);
    json_put(object, "ratio", json_of_rounded(steps->ratio, 4), ok);
    return object;
}

static json_t *ranks_json(const struct run_history *history, bool *ok)
{
    json_t *ranks = json_object();
    json_put(ranks, "most", json_integer(history->widest > 1 ? history->widest : 1), ok);
    return ranks;
}

/* Empty while it runs: the steps would go on with it. */
static json_t *next_json(const struct report_input *input, bool *ok)
{
    json_t *commands = json_array();
    if (input->state == STATUS_RUNNING)
        return commands;
    struct next_steps *steps = lr_malloc(sizeof(*steps));
    if (!steps)
        *ok = false;
    else
        next_steps_fill(steps, input->run_dir, input->answer);
    for (size_t i = 0; *ok && i < steps->count; i++)
        json_push(commands, json_of_shown(steps->commands[i], "\n"), ok);
    lr_free(steps);
    return commands;
}

/* What the plan file says, and what it means in full. Unreadable files cost only themselves. */
static json_t *plan_json(const char *run_dir, bool *ok)
{
    json_t *plan = json_object(), *resolved = NULL;
    char *given = NULL, *full = NULL;
    if (run_dir_read(run_dir, "plan.yaml", &given, NULL))
        given = NULL;
    if (run_dir_read(run_dir, "plan.resolved.json", &full, NULL))
        full = NULL;
    if (full)
        resolved = json_loads(full, 0, NULL);
    json_put(plan, "given", given ? json_of_shown(given, "\n\t") : json_null(), ok);
    json_put(plan, "resolved", resolved ? resolved : json_null(), ok);
    lr_free(given);
    lr_free(full);
    return plan;
}

/* path "": of a trainer that reads no data set of lrsearch */
static json_t *data_set_json(const char *path, uint64_t hash, uint64_t train, uint64_t val,
                             uint64_t bytes, bool *ok)
{
    char text[20];
    json_t *set = json_object();
    snprintf(text, sizeof(text), "%016" PRIx64, hash);
    put_text(set, "path", path, ok);
    json_put(set, "hash", hash ? json_string(text) : json_null(), ok);
    json_put(set, "train_tokens", train ? json_of_count(train) : json_null(), ok);
    json_put(set, "val_tokens", val ? json_of_count(val) : json_null(), ok);
    json_put(set, "val_bytes", bytes ? json_of_count(bytes) : json_null(), ok);
    return set;
}

/* The data set of the first cell, and those of cells that train on another one. */
static json_t *data_json(const struct run_history *history, bool *ok)
{
    const struct event_campaign *first = &history->opening;
    json_t *sets = data_set_json(first->data_path, first->data_hash, first->train_tokens,
                                 first->val_tokens, first->val_bytes, ok);
    json_t *others = json_array();
    for (size_t i = 0; i < history->data_count && *ok; i++) {
        const struct event_data *data = &history->data[i];
        json_t *set = data_set_json(data->data_path, data->data_hash, data->train_tokens,
                                    data->val_tokens, data->val_bytes, ok);
        json_put(set, "cell", json_integer(data->cell), ok);
        json_push(others, set, ok);
    }
    json_put(sets, "others", others, ok);
    return sets;
}

static json_t *software_json(bool *ok)
{
    json_t *software = json_object();
    const char *commit = provenance_commit();
    bool known = strcmp(commit, "unknown") != 0;
    json_put(software, "version", json_string(LRSEARCH_VERSION), ok);
    json_put(software, "commit", known ? json_string(commit) : json_null(), ok);
    return software;
}

/* ---- the whole ---- */

/* The members whose doubles keep all digits. */
static json_t *exact_json(const struct report_input *input, bool *ok)
{
    json_t *object = json_object();
    json_put(object, "schema_version", json_integer(1), ok);
    json_put(object, "answer", result_json_value(input->name, input->answer, ok), ok);
    json_put(object, "trials", report_trials_json(input, ok), ok);
    return object;
}

static json_t *drawn_json(const struct report_input *input, bool *ok)
{
    const struct run_history *history = input->history;
    const struct loss_curves none = {0}, *curves = input->curves ? input->curves : &none;
    const size_t cells = input->answer->cell_count > 0 ? input->answer->cell_count : 1;
    char command[PROVENANCE_COMMAND], now[UTC_TEXT];
    json_t *object = json_object();
    put_text(object, "name", input->name, ok);
    put_text(object, "run_dir", input->run_dir, ok);
    json_put(object, "state", json_string(status_state_name(input->state)), ok);
    json_put(object, "written_utc", json_string(utc_format(now, time(NULL))), ok);
    json_put(object, "refresh_s", json_of_size(input->refresh_s), ok);
    json_put(object, "lrsearch", software_json(ok), ok);
    provenance_command(command, sizeof(command), input->run_dir);
    put_text(object, "command", command, ok);
    json_put(object, "next", next_json(input, ok), ok);
    json_put(object, "cells", cells_json(input, ok), ok);
    json_put(object, "varies", varies_json(input->answer, ok), ok);
    json_put(object, "fits", fits_json(input, ok), ok);
    json_put(object, "target", target_json(input, ok), ok);
    JSON_PUT_EACH(object, "law", curves->law_count, law_json(&curves->laws[i], ok), ok);
    JSON_PUT_EACH(object, "contours", curves->contour_count, contour_json(&curves->contours[i], ok),
                  ok);
    JSON_PUT_EACH(object, "rounds", input->round_count, round_json(&input->rounds[i], ok), ok);
    json_put(object, "curves", report_curves_json(history, ok), ok);
    json_put(object, "attempts", report_attempts_json(history, ok), ok);
    json_put(object, "hosts", report_hosts_json(history, ok), ok);
    json_put(object, "wall_s", json_of_seconds(history->wall_s), ok);
    json_put(object, "ranks_per_trial", ranks_json(history, ok), ok);
    JSON_PUT_EACH(object, "group_steps", history->step_count, step_json(&history->steps[i], ok),
                  ok);
    json_put(object, "budget", budget_json(input, ok), ok);
    json_put(object, "outputs", report_outputs_json(input, ok), ok);
    JSON_PUT_EACH(object, "starts", history->start_count, /* as in provenance.json */
                  json_of_fields(&event_session_fields, &history->starts[i].session), ok);
    JSON_PUT_EACH(object, "start_s", history->start_count, json_of_seconds(history->starts[i].at_s),
                  ok);
    json_put(object, "data", data_json(history, ok), ok);
    JSON_PUT_EACH(object, "models", cells, model_json(input, i, ok), ok);
    json_put(object, "plan", plan_json(input->run_dir, ok), ok);
    return object;
}

/* In JSON '<' occurs within strings only, where an escape means the same. */
static char *without_tags(const char *exact, const char *drawn)
{
    size_t tags = 0, used = 0, size = strlen(exact) + strlen(drawn);
    for (const char *part = exact; part; part = part == exact ? drawn : NULL)
        for (const char *at = part; *at; at++)
            tags += *at == '<';
    char *text = lr_malloc(size + 5 * tags + sizeof("{,}"));
    if (!text)
        return NULL;
    for (const char *part = exact; part; part = part == exact ? drawn : NULL) {
        text[used++] = part == exact ? '{' : ',';
        for (const char *at = part; *at; at++) {
            bool tag = *at == '<';
            memcpy(text + used, tag ? "\\u003c" : at, tag ? 6 : 1);
            used += tag ? 6 : 1;
        }
    }
    memcpy(text + used, "}", 2);
    return text;
}

char *report_data_json(const struct report_input *input)
{
    bool ok = true;
    json_use_lr_memory();
    char *exact = json_to_members(exact_json(input, &ok), ok, 17);
    char *drawn = exact ? json_to_members(drawn_json(input, &ok), ok, 15) : NULL;
    char *text = drawn ? without_tags(exact, drawn) : NULL;
    lr_free(exact);
    lr_free(drawn);
    return text;
}
