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

#define COLUMN_MAP(X)                                                                              \
    X(COLUMN_ID, "id")                                                                             \
    X(COLUMN_ROUND, "round")                                                                       \
    X(COLUMN_CELL, "cell")                                                                         \
    X(COLUMN_PURPOSE, "purpose")                                                                   \
    X(COLUMN_LR, "lr")                                                                             \
    X(COLUMN_EMBEDDING, "embedding_lr_ratio")                                                      \
    X(COLUMN_OUTPUT, "output_lr_ratio")                                                            \
    X(COLUMN_VECTOR, "vector_lr_ratio")                                                            \
    X(COLUMN_DECAY, "weight_decay")                                                                \
    X(COLUMN_TOKENS, "tokens")                                                                     \
    X(COLUMN_SEED, "seed")                                                                         \
    X(COLUMN_STATE, "state")                                                                       \
    X(COLUMN_LOSS, "loss")                                                                         \
    X(COLUMN_MESSAGE, "message")                                                                   \
    X(COLUMN_SECONDS, "seconds")                                                                   \
    X(COLUMN_RANK, "rank")                                                                         \
    X(COLUMN_ATTEMPTS, "attempts")

#define X(name, key) name,
enum column { COLUMN_MAP(X) COLUMNS };
#undef X
#define X(name, key) key,
static const char *const column_keys[COLUMNS] = {COLUMN_MAP(X)};
#undef X

/* Settings that most campaigns do not vary: one value then stands for the column. */
static bool may_be_same(enum column column)
{
    return column >= COLUMN_EMBEDDING && column <= COLUMN_DECAY;
}

static json_t *value_json(const struct trial *trial, enum column column)
{
    const struct trial_spec *spec = &trial->spec;
    switch (column) {
    case COLUMN_ID:
        return json_integer(trial->id);
    case COLUMN_ROUND:
        return json_integer(trial->round);
    case COLUMN_CELL:
        return trial->purpose == PURPOSE_SEARCH ? json_integer(trial->cell) : json_null();
    case COLUMN_PURPOSE:
        return json_string(trial_purpose_name(trial->purpose));
    case COLUMN_LR:
        return json_of_double(spec->lr);
    case COLUMN_EMBEDDING:
        return json_of_double(spec->embedding_lr_ratio);
    case COLUMN_OUTPUT:
        return json_of_double(spec->output_lr_ratio);
    case COLUMN_VECTOR:
        return json_of_double(spec->vector_lr_ratio);
    case COLUMN_DECAY:
        return json_of_double(spec->weight_decay);
    case COLUMN_TOKENS:
        return json_of_count(spec->horizon_tokens);
    case COLUMN_SEED:
        return json_of_count(spec->seed);
    case COLUMN_STATE:
        return json_string(trial_state_name(trial->state));
    case COLUMN_LOSS:
        return json_of_double(trial->state == TRIAL_DONE ? trial->result.val_loss : NAN);
    case COLUMN_MESSAGE:
        return json_of_shown(trial_state_is_over(trial->state) ? trial->result.message : "", "");
    case COLUMN_SECONDS:
        return json_of_seconds(trial->spent.attempts > 0 ? trial->spent.seconds : NAN);
    case COLUMN_RANK:
        return trial->attempt > 0 ? json_integer(trial->rank) : json_null();
    case COLUMN_ATTEMPTS:
        return json_integer(trial->attempt);
    case COLUMNS:
        break;
    }
    return json_null();
}

static bool all_same(const json_t *array)
{
    size_t count = json_array_size(array);
    for (size_t i = 1; i < count; i++)
        if (!json_equal(json_array_get(array, i), json_array_get(array, 0)))
            return false;
    return count > 0;
}

json_t *report_trials_json(const struct report_input *input, bool *ok)
{
    json_t *table = json_object(), *same = json_object();
    for (enum column c = 0; c < COLUMNS && *ok; c++) {
        json_t *array = json_array();
        for (size_t i = 0; i < input->count && *ok; i++)
            json_push(array, value_json(input->trials[i], c), ok);
        if (may_be_same(c) && all_same(array)) {
            json_put(same, column_keys[c], json_incref(json_array_get(array, 0)), ok);
            json_decref(array);
        } else {
            json_put(table, column_keys[c], array, ok);
        }
    }
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

json_t *report_attempts_json(const struct run_history *history, bool *ok)
{
    json_t *table = json_object(), *trial = json_array(), *rank = json_array();
    json_t *begin = json_array(), *end = json_array(), *outcome = json_array();
    for (size_t i = 0; i < history->attempt_count && *ok; i++) {
        const struct attempt *one = &history->attempts[i];
        bool running = one->outcome == HISTORY_RUNNING;
        json_push(trial, json_integer(one->trial), ok);
        json_push(rank, json_integer(one->rank), ok);
        json_push(begin, json_of_seconds(one->begin_s), ok);
        json_push(end, json_of_seconds(one->end_s), ok);
        json_push(outcome, json_string(running ? "running" : outcome_name(one->outcome)), ok);
    }
    json_put(table, "trial", trial, ok);
    json_put(table, "rank", rank, ok);
    json_put(table, "begin_s", begin, ok);
    json_put(table, "end_s", end, ok);
    json_put(table, "outcome", outcome, ok);
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
