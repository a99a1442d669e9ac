/* The files of a run that are derived from its journal: for other programs, so every key, column
 * and digit counts. */
#include "temp_dir.h"
#include "cmocka_all.h"

#include <jansson.h>
#include <math.h>
#include <string.h>
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "store/csv.h"
#include "store/event_json.h"
#include "store/journal.h"
#include "store/provenance.h"
#include "store/result_json.h"
#include "store/run_dir.h"
#include "store/run_tables.h"

static char folder[256];

static int set_up(void **state)
{
    (void)state;
    lr_log_level_set(LR_LOG_ERROR);
    return temp_dir_make(folder, sizeof(folder));
}

static int tear_down(void **state)
{
    (void)state;
    temp_dir_remove(folder);
    return 0;
}

static const char *under(const char *name)
{
    static char path[4][400];
    static unsigned turn;
    char *out = path[turn++ % 4];
    snprintf(out, sizeof(path[0]), "%s/%s", folder, name);
    return out;
}

static char *read_text(const char *dir, const char *name)
{
    char *text = NULL;
    struct lr_error err = {0};
    if (run_dir_read(dir, name, &text, &err))
        fail_msg("%s", err.text);
    assert_non_null(text);
    return text;
}

/* ---- result.json ---- */

static struct answer an_answer(void)
{
    struct answer answer = {.status = ANSWER_IDENTIFIED, .horizon_count = 2};
    answer.target = (struct target_answer){.tokens = 8388608,
                                           .width = 64,
                                           .vocab = 256,
                                           .lr = 1.0 / 3,
                                           .ci90 = {1e-300, 7e22},
                                           .embedding_lr = 5e-324,
                                           .loss_penalty = 0.0062,
                                           .loss_penalty_if_wrong_2x = 0.0171,
                                           .keep_lr = 5.1e-3,
                                           .keep_penalty = NAN,
                                           .no_basin = 0.02,
                                           .weight_decay = 0.15};
    answer.confidence =
        (struct confidence_answer){CONFIDENCE_STRONG, 0.9, true, BACK_TEST_PASSED, 0.25};
    answer.advice = (struct advice_answer){.kind = ADVICE_HORIZON, .tokens = 1048576};
    snprintf(answer.stopped, sizeof(answer.stopped), "nothing is worth its tokens");
    answer.law = (struct law_answer){
        -0.538, {0.31, 0.77}, 1.2, NAN, 0.23, 0.17, {524288, 2.2e-3, {1e-3, 3e-3}, 2.4e-3}, ""};
    answer.horizons[0] = (struct horizon_answer){131072, 5.12e-3, {4.2e-3, 6.2e-3},
                                                 0.0641, 2.9134,  0.1,
                                                 8,      1,       false,
                                                 false,  NAN,     4e-3,
                                                 2.917,  true,    false};
    answer.horizons[1] = (struct horizon_answer){
        UINT64_MAX, NAN, {NAN, INFINITY}, NAN, -INFINITY, NAN, 6, 6, true, false, NAN,
        NAN,        NAN, false,           true};
    answer.ratios[RATIO_EMBEDDING] =
        (struct ratio_answer){true, 8, 9.5, {4, 17}, false, false, 10, false};
    answer.ratios[RATIO_DECAY] =
        (struct ratio_answer){true, 0.15, 0.15, {0.1, 0.3}, true, false, 23, false};
    answer.cost = (struct answer_cost){23, 7340032, 1.17e13, 203.4, 0.875, 0, 0, 0};
    answer_warn(&answer, "plain");
    answer_warn(&answer, "quo\"ted \\ \n bad \xff utf \xc3");
    return answer;
}

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    assert_non_null(value);
    if (json_is_null(value))
        return NAN;
    assert_true(json_is_number(value));
    return json_number_value(value);
}

static void assert_interval(const json_t *object, const char *key, double low, double high)
{
    const json_t *array = json_object_get(object, key);
    assert_int_equal(json_array_size(array), 2);
    const double ends[] = {low, high};
    for (size_t i = 0; i < 2; i++)
        if (isfinite(ends[i]))
            assert_true(json_real_value(json_array_get(array, i)) == ends[i]);
        else
            assert_true(json_is_null(json_array_get(array, i)));
}

static void result_reads_back(void **state)
{
    (void)state;
    struct lr_error err = {0};
    struct answer answer = an_answer();
    assert_int_equal(result_json_write(folder, "nightly", &answer, &err), 0);
    char *text = read_text(folder, "result.json"), *again = result_json("nightly", &answer);
    assert_string_equal(text, again);
    assert_int_equal(text[strlen(text) - 1], '\n');
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(root);
    assert_int_equal(json_object_size(root), 24); /* those of axes: test_axes_files.c */
    assert_true(json_is_null(json_object_get(root, "best_batch"))); /* nobody asked for it */
    assert_true(number(root, "schema_version") == 1);
    assert_string_equal(json_string_value(json_object_get(root, "name")), "nightly");
    assert_string_equal(json_string_value(json_object_get(root, "status")), "identified");
    assert_string_equal(json_string_value(json_object_get(root, "reason")), "");

    const json_t *part = json_object_get(root, "target");
    assert_int_equal(json_object_size(part), 19);
    assert_true(number(part, "weight_decay") == 0.15);
    assert_true(number(part, "tokens") == 8388608);
    assert_true(number(part, "width") == 64);
    assert_true(number(part, "vocab") == 256);
    assert_true(number(part, "lr") == 1.0 / 3); /* every bit */
    assert_interval(part, "ci90", 1e-300, 7e22);
    assert_true(number(part, "embedding_lr") == 5e-324);
    assert_true(number(part, "loss_penalty") == 0.0062);
    assert_true(number(part, "loss_penalty_if_wrong_2x") == 0.0171);
    assert_true(number(part, "keep_lr") == 5.1e-3);
    assert_true(isnan(number(part, "keep_penalty")));
    assert_true(number(part, "no_basin") == 0.02);

    part = json_object_get(json_object_get(root, "ratios"), "embedding_lr_ratio");
    assert_int_equal(json_object_size(part), 6);
    assert_true(number(part, "value") == 8);
    assert_true(json_is_true(json_object_get(part, "searched")));
    assert_true(number(part, "optimum") == 9.5);
    assert_interval(part, "ci90", 4, 17);
    part = json_object_get(json_object_get(root, "ratios"), "output_lr_ratio");
    assert_true(json_is_false(json_object_get(part, "searched")));
    assert_int_equal(json_object_size(json_object_get(root, "ratios")), 3);

    part = json_object_get(root, "weight_decay"); /* it is no ratio of LRs */
    assert_int_equal(json_object_size(part), 6);
    assert_true(number(part, "value") == 0.15 && number(part, "optimum") == 0.15);
    assert_interval(part, "ci90", 0.1, 0.3);
    assert_true(number(part, "trials") == 23 && json_is_true(json_object_get(part, "at_edge")));

    part = json_object_get(root, "law");
    assert_int_equal(json_object_size(part), 7);
    assert_true(number(part, "beta") == -0.538);
    assert_interval(part, "beta_ci90", 0.31, 0.77);
    assert_true(number(part, "b") == 1.2);
    assert_true(isnan(number(part, "r2")));
    assert_true(number(part, "prior_weight") == 0.23);
    part = json_object_get(part, "holdout");
    assert_int_equal(json_object_size(part), 3);
    assert_true(number(part, "tokens") == 524288);
    assert_true(number(part, "lr_predicted") == 2.2e-3);
    assert_true(number(part, "lr_measured") == 2.4e-3);

    const json_t *horizons = json_object_get(root, "horizons");
    assert_int_equal(json_array_size(horizons), 2);
    part = json_array_get(horizons, 0);
    assert_int_equal(json_object_size(part), 10);
    assert_true(number(part, "tokens") == 131072);
    assert_true(number(part, "lr_opt") == 5.12e-3);
    assert_interval(part, "ci90", 4.2e-3, 6.2e-3);
    assert_true(number(part, "curvature") == 0.0641);
    assert_true(number(part, "loss_min") == 2.9134);
    assert_true(number(part, "trials") == 8);
    assert_true(json_is_false(json_object_get(part, "at_edge")));
    assert_true(number(json_object_get(part, "lowest_seen"), "lr") == 4e-3);
    assert_true(number(json_object_get(part, "lowest_seen"), "loss") == 2.917);
    assert_true(json_is_true(json_object_get(part, "interpolated")));
    assert_true(json_is_false(json_object_get(part, "bracketed")));
    part = json_array_get(horizons, 1);
    assert_true(number(part, "tokens") == (double)UINT64_MAX);
    assert_true(isnan(number(part, "lr_opt")));
    assert_interval(part, "ci90", NAN, NAN);
    assert_true(isnan(number(part, "loss_min")));
    assert_true(json_is_true(json_object_get(part, "at_edge")));
    assert_true(isnan(number(json_object_get(part, "lowest_seen"), "lr")));
    assert_true(isnan(number(json_object_get(part, "lowest_seen"), "loss")));
    assert_true(json_is_true(json_object_get(part, "bracketed")));

    part = json_object_get(root, "cost");
    assert_int_equal(json_object_size(part), 8);
    assert_true(number(part, "trials") == 23);
    assert_true(number(part, "tokens") == 7340032);
    assert_true(number(part, "flops") == 1.17e13);
    assert_true(number(part, "core_seconds") == 203.4);
    assert_true(number(part, "target_run_fraction") == 0.875);
    part = json_object_get(root, "warnings");
    assert_int_equal(json_array_size(part), 2);
    assert_string_equal(json_string_value(json_array_get(part, 0)), "plain");
    assert_string_equal(json_string_value(json_array_get(part, 1)),
                        "quo\"ted \\ \n bad \xef\xbf\xbd utf \xef\xbf\xbd");
    json_decref(root);
    lr_free(text);
    lr_free(again);
}

static json_t *result_of(const struct answer *answer)
{
    char *text = result_json("nightly", answer);
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(root);
    lr_free(text);
    return root;
}

static void confidence_and_advice(void **state)
{
    (void)state;
    struct answer answer = an_answer();
    json_t *root = result_of(&answer);
    const json_t *part = json_object_get(root, "confidence");
    assert_int_equal(json_object_size(part), 5);
    assert_string_equal(json_string_value(json_object_get(part, "word")), "strong");
    assert_true(number(part, "interval_octaves") == 0.9);
    assert_true(json_is_true(json_object_get(part, "bracketed")));
    assert_string_equal(json_string_value(json_object_get(part, "back_test")), "passed");
    assert_true(number(part, "assumption_share") == 0.25);
    assert_string_equal(json_string_value(json_object_get(root, "stopped")), answer.stopped);
    part = json_object_get(root, "advice");
    assert_int_equal(json_object_size(part), 7);
    assert_string_equal(json_string_value(json_object_get(part, "kind")), "horizon");
    assert_true(number(part, "tokens") == 1048576);
    assert_true(json_is_null(json_object_get(part, "lr")));
    assert_true(isnan(number(part, "seeds")) && isnan(number(part, "min_gain")));
    json_decref(root);

    answer.advice = (struct advice_answer){.kind = ADVICE_RANGE, .lr = {1e-4, 1}};
    root = result_of(&answer);
    assert_interval(json_object_get(root, "advice"), "lr", 1e-4, 1);
    json_decref(root);
    answer.advice = (struct advice_answer){.kind = ADVICE_SEEDS, .seeds = 3};
    root = result_of(&answer);
    assert_true(number(json_object_get(root, "advice"), "seeds") == 3);
    json_decref(root);
    answer.advice = (struct advice_answer){.kind = ADVICE_MIN_GAIN, .min_gain = 1e-3};
    root = result_of(&answer);
    assert_true(number(json_object_get(root, "advice"), "min_gain") == 1e-3);
    assert_true(json_is_null(json_object_get(json_object_get(root, "advice"), "ratio")));
    json_decref(root);
    answer.advice =
        (struct advice_answer){.kind = ADVICE_RATIO, .ratio = RATIO_DECAY, .range = {.01, 1.6}};
    answer.ratios[RATIO_DECAY].ci90[1] = NAN;
    root = result_of(&answer);
    part = json_object_get(root, "advice");
    assert_string_equal(json_string_value(json_object_get(part, "kind")), "ratio");
    assert_string_equal(json_string_value(json_object_get(part, "ratio")), "weight_decay");
    assert_interval(part, "range", .01, 1.6);
    assert_interval(json_object_get(root, "weight_decay"), "ci90", 0.1, NAN);
    json_decref(root);

    answer.advice.kind = ADVICE_NONE;
    answer.confidence = (struct confidence_answer){.interval_octaves = NAN};
    answer.stopped[0] = '\0';
    root = result_of(&answer);
    assert_true(json_is_null(json_object_get(root, "advice")));
    assert_true(json_is_null(json_object_get(root, "stopped")));
    part = json_object_get(root, "confidence");
    assert_true(json_is_null(json_object_get(part, "word")));
    assert_true(isnan(number(part, "interval_octaves")));
    assert_string_equal(json_string_value(json_object_get(part, "back_test")), "none");
    json_decref(root);
}

static void result_keys_in_order(void **state)
{
    (void)state;
    static const char *const keys[] = {"\"schema_version\": 1",
                                       "\"name\"",
                                       "\"status\"",
                                       "\"reason\"",
                                       "\"target\"",
                                       "\"tokens\"",
                                       "\"width\"",
                                       "\"vocab\"",
                                       "\"lr\"",
                                       "\"ci90\"",
                                       "\"embedding_lr\"",
                                       "\"loss_penalty\"",
                                       "\"loss_penalty_if_wrong_2x\"",
                                       "\"law\"",
                                       "\"beta\"",
                                       "\"beta_ci90\"",
                                       "\"b\"",
                                       "\"r2\": null",
                                       "\"prior_weight\"",
                                       "\"holdout\": null",
                                       "\"horizons\": []",
                                       "\"cost\"",
                                       "\"trials\"",
                                       "\"tokens\"",
                                       "\"flops\"",
                                       "\"core_seconds\"",
                                       "\"target_run_fraction\"",
                                       "\"lost_attempts\"",
                                       "\"lost_tokens\"",
                                       "\"reused_tokens\"",
                                       "\"warnings\": []"};
    struct answer answer = an_answer();
    answer.horizon_count = answer.warning_count = 0;
    answer.law.holdout.tokens = 0;
    char *text = result_json("n", &answer), *at = text;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        at = strstr(at, keys[i]);
        if (!at)
            fail_msg("%s is missing or out of order in %s", keys[i], text);
    }
    lr_free(text);
}

/* ---- CSV ---- */

static void csv_cells(void **state)
{
    (void)state;
    struct csv csv = {0};
    csv_text(&csv, "plain");
    csv_text(&csv, "");
    csv_text(&csv, "a,b");
    csv_text(&csv, "say \"no\"");
    csv_text(&csv, "two\nlines");
    csv_count(&csv, UINT64_MAX);
    csv_end_row(&csv);
    csv_double(&csv, 0.1);
    csv_double(&csv, 1.0 / 3);
    csv_double(&csv, -NAN);
    csv_double(&csv, -INFINITY);
    csv_double(&csv, 1e-5);
    csv_double(&csv, 3);
    csv_end_row(&csv);
    static const char expected[] =
        "plain,,\"a,b\",\"say \"\"no\"\"\",\"two\nlines\",18446744073709551615\n"
        "0.1,0.3333333333333333,nan,-inf,1e-05,3\n";
    assert_false(csv.failed);
    assert_int_equal(csv.used, strlen(expected));
    assert_memory_equal(csv.bytes, expected, csv.used);
    csv_release(&csv);
}

#define COLUMNS 72

/* Splits one record (no line breaks in cells here); returns the number of cells. */
static size_t split(char *line, char **cells)
{
    size_t count = 0;
    bool quoted = false;
    cells[count++] = line;
    for (char *c = line; *c; c++) {
        if (*c == '"')
            quoted = !quoted;
        if (*c == ',' && !quoted) {
            *c = '\0';
            cells[count++] = c + 1;
        }
    }
    return count;
}

static struct trial a_trial(uint32_t id, enum trial_state state)
{
    struct trial trial = {.id = id, .round = 2, .replicate = 1, .attempt = 3, .state = state};
    trial.spec.lr = 0.1;
    trial.spec.source = SOURCE_SYNTHETIC;
    trial.spec.precision = PRECISION_BF16;
    trial.spec.parametrization = PARAM_LVP;
    snprintf(trial.spec.products, sizeof(trial.spec.products), "/a,b");
    trial.wsd_prefix_tokens = 55;
    trial.result.outcome = OUTCOME_DIVERGED;
    trial.result.val_loss = NAN;
    trial.result.tokens = 77;
    snprintf(trial.result.message, sizeof(trial.result.message), "loss \"inf\"");
    return trial;
}

static void trials_as_rows(void **state)
{
    (void)state;
    struct lr_error err = {0};
    struct trial over = a_trial(1, TRIAL_DIVERGED), open = a_trial(2, TRIAL_PENDING);
    const struct trial *trials[] = {&over, &open};
    over.cell = 5;
    over.purpose = PURPOSE_CONFIRM;
    size_t columns = 8 + trial_result_fields.count, used = 0;
    char *names[COLUMNS], *cells[COLUMNS];
    for (size_t i = 0; i < trial_spec_fields.count; i++)
        columns += trial_spec_fields.fields[i].type != FIELD_STRUCT;
    assert_true(columns < COLUMNS);
    assert_int_equal(trials_csv_write(folder, trials, 2, &err), 0);
    char *text = read_text(folder, "trials.csv"), *rest = NULL;
    assert_int_equal(split(strtok_r(text, "\n", &rest), names), columns);
    static const char *const own[] = {"id",      "round", "replicate", "state",
                                      "attempt", "cell",  "purpose",   "wsd_prefix_tokens"};
    for (size_t i = 0; i < 8; i++)
        assert_string_equal(names[used++], own[i]);
    for (size_t i = 0; i < trial_spec_fields.count; i++)
        if (trial_spec_fields.fields[i].type != FIELD_STRUCT)
            assert_string_equal(names[used++], trial_spec_fields.fields[i].name);
    for (size_t i = 0; i < trial_result_fields.count; i++)
        assert_string_equal(names[used++], trial_result_fields.fields[i].name);
    static const struct {
        const char *name, *over, *open;
    } expected[] = {
        {"id", "1", "2"},
        {"state", "diverged", "pending"},
        {"attempt", "3", "3"},
        {"cell", "5", "0"},
        {"purpose", "confirm", "search"},
        {"lr", "0.1", "0.1"},
        {"source", "synthetic", "synthetic"},
        {"precision", "bf16", "bf16"},
        {"parametrization", "lvp", "lvp"},
        {"wsd_prefix_tokens", "55", "55"},
        {"products", "\"/a,b\"", "\"/a,b\""},
        {"outcome", "diverged", ""},
        {"val_loss", "nan", ""},
        {"tokens", "77", ""},
        {"message", "\"loss \"\"inf\"\"\"", ""},
    };
    for (int row = 0; row < 2; row++) {
        assert_int_equal(split(strtok_r(NULL, "\n", &rest), cells), columns);
        for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
            size_t column = 0;
            while (strcmp(names[column], expected[i].name) != 0)
                assert_true(++column < columns);
            assert_string_equal(cells[column], row == 0 ? expected[i].over : expected[i].open);
        }
    }
    assert_null(strtok_r(NULL, "\n", &rest));
    lr_free(text);
    assert_int_equal(trials_csv_write(folder, NULL, 0, &err), 0); /* only the header */
}

static int ignore(void *context, const struct event *event, struct lr_error *err)
{
    (void)context;
    (void)event;
    (void)err;
    return 0;
}

static void add_curve(struct journal *journal, uint32_t id, uint32_t attempt, uint64_t tokens,
                      double loss)
{
    struct event event = {.kind = EVENT_CURVE};
    event.as.curve.trial_id = id;
    event.as.curve.attempt = attempt;
    event.as.curve.tokens = tokens;
    event.as.curve.train_loss = loss;
    assert_int_equal(journal_append(journal, &event, NULL), 0);
}

static void curves_of_what_counted(void **state)
{
    (void)state;
    struct lr_error err = {0};
    struct journal *journal = NULL;
    struct trial done = a_trial(1, TRIAL_DONE), diverged = a_trial(2, TRIAL_DIVERGED),
                 open = a_trial(3, TRIAL_RUNNING), silent = a_trial(4, TRIAL_DONE);
    const struct trial *trials[] = {&done, &diverged, &open, &silent};
    assert_int_equal(run_dir_open(under("run"), &err), 0);
    assert_int_equal(journal_open(&journal, under("run/journal.jsonl"), ignore, NULL, &err), 0);
    add_curve(journal, 1, 2, 50, 9.5); /* of an attempt that was lost */
    add_curve(journal, 1, 2, 100, 9.25);
    add_curve(journal, 1, 3, 100, 3.5); /* and went on from a checkpoint */
    add_curve(journal, 2, 3, 100, 5.25);
    add_curve(journal, 3, 3, 100, 4);
    add_curve(journal, 1, 3, 200, 3.25);
    add_curve(journal, 2, 3, 200, NAN);
    /* while the journal is open for writing, and stays so */
    assert_int_equal(curves_csv_write(under("run"), trials, 4, &err), 0);
    add_curve(journal, 1, 3, 300, 3);
    journal_close(journal);
    char *text = read_text(under("run"), "curves/trial-0001.csv");
    assert_string_equal(text, "tokens,train_loss\n50,9.5\n100,3.5\n200,3.25\n");
    lr_free(text);
    text = read_text(under("run"), "curves/trial-0002.csv");
    assert_string_equal(text, "tokens,train_loss\n100,5.25\n200,nan\n");
    lr_free(text);
    assert_int_equal(access(under("run/curves/trial-0003.csv"), F_OK), -1);
    assert_int_equal(access(under("run/curves/trial-0004.csv"), F_OK), -1);
}

/* The machine of every start, as the journal has it. */
static void provenance(void **state)
{
    (void)state;
    struct lr_error err = {0};
    struct event_session starts[2] = {{.ranks = 64}, {.host = "node7", .cpu = "Xeon"}};
    static const char *const words[] = {"my plan.yaml", "--set", "name=it's; ls"};
    static const char command[] = "lrsearch 'my plan.yaml' --set 'name=it'\\''s; ls'";
    const struct provenance_arguments arguments = {words, 3}, none = {NULL, 0};
    char read[64];
    provenance_here(&starts[0]);
    assert_int_equal(
        provenance_write(folder, "ooooooooooooobo", UINT64_MAX, &arguments, starts, 2, &err), 0);
    char *text = read_text(folder, "provenance.json");
    json_t *root = json_loads(text, 0, NULL);
    assert_true(number(root, "seed") == (double)UINT64_MAX);
    assert_string_equal(json_string_value(json_object_get(root, "matmul")), "ooooooooooooobo");
    assert_string_equal(json_string_value(json_object_get(root, "matmul_by")),
                        "own; openblas: output d_in");
    const json_t *all = json_object_get(root, "starts");
    assert_int_equal(json_array_size(all), 2);
    for (size_t i = 0; i < 2; i++) {
        json_t *wanted = json_of_fields(&event_session_fields, &starts[i]);
        assert_true(json_equal(json_array_get(all, i), wanted));
        json_decref(wanted);
    }
    assert_true(starts[0].version[0] && starts[0].compiler[0] && starts[0].system[0]);
    assert_true(starts[0].cpu[0] && strlen(starts[0].started_utc) == 20);
    assert_string_equal(starts[0].commit, "unknown"); /* the program's own file is not linked */
    assert_int_equal(starts[0].format, JOURNAL_FORMAT);
    static const char *const libraries[] = {"libyaml ", "libuv ",  "jansson ",
                                            "xxhash ",  "zlib ",   "SQLite ",
                                            "PCRE2 ",   "libcsv ", "sentencepiece "};
    for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++) {
        const char *found = strstr(starts[0].libraries, libraries[i]);
        assert_non_null(found);
        assert_in_range(found[strlen(libraries[i])], '0', '9');
    }
    assert_true(strlen(starts[0].libraries) + 1 < sizeof(starts[0].libraries)); /* not cut off */
    json_decref(root);
    lr_free(text);
    assert_string_equal(provenance_command(read, sizeof(read), folder), command);
    assert_string_equal(provenance_command(read, sizeof(command) - 1, folder), "");
    assert_string_equal(provenance_command(read, sizeof(read), under("nowhere")), "");
    assert_int_equal(provenance_write(folder, "", 1, &none, starts, 1, &err), 0);
    assert_string_equal(provenance_command(read, sizeof(read), folder), "");
}

/* ---- without memory ---- */

static int write_result(struct lr_error *err)
{
    struct answer answer = an_answer();
    return result_json_write(folder, "n", &answer, err);
}

static int write_trials(struct lr_error *err)
{
    struct trial trial = a_trial(1, TRIAL_DONE);
    const struct trial *trials[] = {&trial, &trial, &trial};
    return trials_csv_write(folder, trials, 3, err);
}

static int write_curves(struct lr_error *err)
{
    struct trial trial = a_trial(1, TRIAL_DONE);
    const struct trial *trials[] = {&trial};
    return curves_csv_write(folder, trials, 1, err);
}

static int write_provenance(struct lr_error *err)
{
    static const char *const words[] = {"plan.yaml"};
    struct event_session starts[2] = {{.ranks = 2}, {.ranks = 3}};
    return provenance_write(folder, "", 1, &(struct provenance_arguments){words, 1}, starts, 2,
                            err);
}

static int open_directory(struct lr_error *err)
{
    return run_dir_open(folder, err);
}

static int read_journal(struct lr_error *err)
{
    char *text = NULL;
    int rc = run_dir_read(folder, "journal.jsonl", &text, err);
    lr_free(text);
    return rc;
}

static void without_memory(void **state)
{
    (void)state;
    static int (*const calls[])(struct lr_error * err) = {
        open_directory, write_result, write_trials, write_curves, write_provenance, read_journal};
    struct lr_error err = {0};
    struct journal *journal = NULL;
    assert_int_equal(journal_open(&journal, under("journal.jsonl"), ignore, NULL, &err), 0);
    add_curve(journal, 1, 3, 100, 3.5);
    journal_close(journal);
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        long n = 0;
        for (int rc = -1; rc; n++) {
            err = (struct lr_error){0};
            lr_memory_fail_after(n);
            rc = calls[i](&err);
            lr_memory_fail_after(-1);
            if (rc && (rc != LR_ENOMEM || !strstr(err.text, "out of memory")))
                fail_msg("call %zu, allocation %ld: %s", i, n, err.text);
        }
        assert_true(n > 1);
    }
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(result_reads_back),    IN_FOLDER(confidence_and_advice),
        IN_FOLDER(result_keys_in_order), IN_FOLDER(csv_cells),
        IN_FOLDER(trials_as_rows),       IN_FOLDER(curves_of_what_counted),
        IN_FOLDER(provenance),           IN_FOLDER(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
