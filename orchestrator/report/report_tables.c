/* Columns instead of one object a row: 10,000 trials stay below 2 MB. */
#include "report/report_tables.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "report/report_data.h"
#include "report/run_history.h"
#include "store/json_value.h"

/* ---- trials ---- */

static bool all_same(const json_t *array)
{
    size_t count = json_array_size(array);
    for (size_t i = 1; i < count; i++)
        if (!json_equal(json_array_get(array, i), json_array_get(array, 0)))
            return false;
    return count > 0;
}

/* Moves a setting that the campaign does not vary to `same`: one value stands for its column. */
static void fold_column(json_t *table, json_t *same, const char *key, bool *ok)
{
    json_t *column = json_object_get(table, key);
    if (!all_same(column))
        return;
    json_put(same, key, json_incref(json_array_get(column, 0)), ok);
    json_object_del(table, key);
}

/* A column of the trials: `value` is an expression of TRIAL. */
#define COLUMN(key, value) JSON_PUT_EACH(table, key, input->count, value, ok)
#define TRIAL (input->trials[i])
#define SPEC (TRIAL->spec)

json_t *report_trials_json(const struct report_input *input, bool *ok)
{
    static const char *const settings[] = {"embedding_lr_ratio", "output_lr_ratio",
                                           "vector_lr_ratio", "weight_decay"};
    json_t *table = json_object(), *same = json_object();
    COLUMN("id", json_integer(TRIAL->id));
    COLUMN("round", json_integer(TRIAL->round));
    COLUMN("cell", TRIAL->purpose == PURPOSE_SEARCH ? json_integer(TRIAL->cell) : json_null());
    COLUMN("purpose", json_string(trial_purpose_name(TRIAL->purpose)));
    COLUMN("lr", json_of_double(SPEC.lr));
    COLUMN("embedding_lr_ratio", json_of_double(SPEC.embedding_lr_ratio));
    COLUMN("output_lr_ratio", json_of_double(SPEC.output_lr_ratio));
    COLUMN("vector_lr_ratio", json_of_double(SPEC.vector_lr_ratio));
    COLUMN("weight_decay", json_of_double(SPEC.weight_decay));
    COLUMN("tokens", json_of_count(SPEC.horizon_tokens));
    COLUMN("seed", json_of_count(SPEC.seed));
    COLUMN("state", json_string(trial_state_name(TRIAL->state)));
    COLUMN("loss", json_of_double(TRIAL->state == TRIAL_DONE ? TRIAL->result.val_loss : NAN));
    COLUMN("message",
           json_of_shown(trial_state_is_over(TRIAL->state) ? TRIAL->result.message : "", ""));
    COLUMN("seconds", json_of_seconds(TRIAL->spent.attempts > 0 ? TRIAL->spent.seconds : NAN));
    COLUMN("rank", TRIAL->attempt > 0 ? json_integer(TRIAL->rank) : json_null());
    COLUMN("attempts", json_integer(TRIAL->attempt));
    for (size_t s = 0; s < sizeof(settings) / sizeof(settings[0]) && *ok; s++)
        fold_column(table, same, settings[s], ok);
    json_put(table, "same", same, ok);
    return table;
}

/* ---- loss curves ---- */

enum { GRIDS = 32 }; /* token counts that later curves are compared with */

struct grids {
    const struct history_curve *curves[GRIDS];
    size_t index[GRIDS], count; /* index: in the table */
};

/* The curve's token counts, or the index of an earlier curve that has the same: those of a horizon
 * mostly have. */
static json_t *tokens_json(struct grids *grids, const struct history_curve *curve, size_t index,
                           bool *ok)
{
    size_t known = grids->count < GRIDS ? grids->count : GRIDS;
    for (size_t i = 0; i < known; i++)
        if (grids->curves[i]->count == curve->count &&
            memcmp(grids->curves[i]->tokens, curve->tokens,
                   curve->count * sizeof(curve->tokens[0])) == 0)
            return json_integer((json_int_t)grids->index[i]);
    grids->curves[grids->count % GRIDS] = curve;
    grids->index[grids->count++ % GRIDS] = index;
    json_t *tokens = json_array();
    for (uint32_t k = 0; k < curve->count && *ok; k++)
        json_push(tokens, json_of_count(curve->tokens[k]), ok);
    return tokens;
}

json_t *report_curves_json(const struct run_history *history, bool *ok)
{
    json_t *table = json_object(), *trials = json_array(), *tokens = json_array();
    json_t *losses = json_array();
    struct grids grids = {.count = 0};
    for (size_t i = 0; i < history->count && *ok; i++) {
        const struct history_curve *curve = history->curves[i];
        if (!curve || curve->count == 0)
            continue;
        json_t *loss = json_array();
        for (uint32_t k = 0; k < curve->count && *ok; k++)
            json_push(loss, json_of_rounded(curve->loss[k], 5), ok);
        json_push(tokens, tokens_json(&grids, curve, json_array_size(trials), ok), ok);
        json_push(trials, json_integer((json_int_t)i + 1), ok);
        json_push(losses, loss, ok);
    }
    json_put(table, "trial", trials, ok);
    json_put(table, "tokens", tokens, ok);
    json_put(table, "loss", losses, ok);
    return table;
}

/* ---- who trained what ---- */

static const char *outcome_text(const struct attempt *attempt)
{
    return attempt->outcome == HISTORY_RUNNING ? "running" : outcome_name(attempt->outcome);
}

json_t *report_attempts_json(const struct run_history *history, bool *ok)
{
    const struct attempt *attempts = history->attempts;
    const size_t count = history->attempt_count;
    json_t *table = json_object();
    JSON_PUT_EACH(table, "trial", count, json_integer(attempts[i].trial), ok);
    JSON_PUT_EACH(table, "rank", count, json_integer(attempts[i].rank), ok);
    JSON_PUT_EACH(table, "begin_s", count, json_of_seconds(attempts[i].begin_s), ok);
    JSON_PUT_EACH(table, "end_s", count, json_of_seconds(attempts[i].end_s), ok);
    JSON_PUT_EACH(table, "outcome", count, json_string(outcome_text(&attempts[i])), ok);
    return table;
}

json_t *report_hosts_json(const struct run_history *history, bool *ok)
{
    json_t *hosts = json_object();
    for (size_t i = 0; i < history->attempt_count && *ok; i++) {
        const struct attempt *one = &history->attempts[i];
        char rank[16];
        snprintf(rank, sizeof(rank), "%u", (unsigned)one->rank);
        if (one->rank > 0 && one->host[0])
            json_put(hosts, rank, json_of_shown(one->host, ""), ok);
    }
    return hosts;
}

/* ---- the output of failed commands ---- */

enum { OUTPUTS = 20, OUTPUT_BYTES = 8192 };

static bool has_failed(const struct trial *trial, uint32_t attempt)
{
    bool good = trial->state == TRIAL_DONE || trial->state == TRIAL_DIVERGED ||
                trial->state == TRIAL_RUNNING;
    return attempt < trial->attempt || !good;
}

/* The first line says what failed; of the rest the end is kept. */
static json_t *output_json(const struct trial *trial, uint32_t attempt, const char *text, bool *ok)
{
    json_t *output = json_object();
    char heading[256];
    size_t first = strcspn(text, "\n"), length = strlen(text);
    const char *rest = text[first] ? text + first + 1 : text + first;
    snprintf(heading, sizeof(heading), "%.*s", (int)(first < 255 ? first : 255), text);
    if (length - (size_t)(rest - text) > OUTPUT_BYTES)
        rest = text + length - OUTPUT_BYTES;
    json_put(output, "trial", json_integer(trial->id), ok);
    json_put(output, "attempt", json_integer(attempt), ok);
    json_put(output, "heading", json_of_shown(heading, ""), ok);
    json_put(output, "text", json_of_shown(rest, "\n\t"), ok);
    return output;
}

json_t *report_outputs_json(const struct report_input *input, bool *ok)
{
    json_t *outputs = json_array();
    for (size_t i = input->count; i-- > 0 && *ok;) {
        const struct trial *trial = input->trials[i];
        if (trial->spec.trainer != TRAINER_COMMAND)
            continue;
        for (uint32_t attempt = trial->attempt; attempt > 0; attempt--) {
            char name[TRIAL_PATH], *text = NULL;
            struct lr_error err = {0};
            if (!has_failed(trial, attempt))
                continue;
            if (json_array_size(outputs) == OUTPUTS)
                return outputs;
            run_dir_output_file(name, "output", trial->id, attempt);
            if (run_dir_read(input->run_dir, name, &text, &err)) /* costs only itself */
                json_push(outputs, output_json(trial, attempt, err.text, ok), ok);
            else if (text)
                json_push(outputs, output_json(trial, attempt, text, ok), ok);
            lr_free(text);
        }
    }
    return outputs;
}
