/* The JSON of a report: the keys that docs/report-data.md names and no others, the answer of
 * result.json, every trial, texts from outside that end neither the script element nor a line, and
 * the size of a page of ten thousand trials. */
#include "temp_dir.h"
#include "cmocka_all.h"

#include <jansson.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include "cells_answer.h"
#include "count_case.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "report/report_data.h"
#include "report/run_history.h"
#include "search/loss_curves.h"
#include "store/journal.h"
#include "store/result_json.h"

enum { MOST = 10000 };
#define EVIL "</script><script>alert(1)</script><!--\xe2\x80\xa8\xff\x1b[31m\xe2\x80\xae"

static char folder[256];
static struct answer answer;
static struct trial trials[MOST];
static const struct trial *list[MOST];
static struct basin_curve basin;
static struct law_line law;
static struct loss_contour contour;
static struct loss_curves curves;
static struct report_fit fit;
static struct report_input input;

static const char *under(const char *name)
{
    static char path[400];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(under(name), "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static int none(void *context, const struct event *event, struct lr_error *err)
{
    (void)context;
    (void)event;
    (void)err;
    return 0;
}

/* ---- the campaign ---- */

static void append(struct journal *journal, const struct event *event)
{
    assert_int_equal(journal_append(journal, event, NULL), 0);
}

/* Each trial was trained by rank 2, with so many points of its loss curve. */
static void append_trial(struct journal *journal, uint32_t id, uint32_t points)
{
    struct event event = {.kind = EVENT_STARTED};
    event.as.started =
        (struct event_started){.trial_id = id, .attempt = 1, .rank = 2, .at_s = id, .host = EVIL};
    append(journal, &event);
    for (uint32_t i = 1; i <= points; i++) {
        event = (struct event){.kind = EVENT_CURVE};
        event.as.curve = (struct event_curve){
            .trial_id = id, .attempt = 1, .tokens = 4096 * i, .train_loss = 4 + 1.0 / i};
        append(journal, &event);
    }
    event = (struct event){.kind = EVENT_ENDED};
    event.as.ended.trial_id = id;
    event.as.ended.attempt = 1;
    event.as.ended.at_s = id + 0.777;
    append(journal, &event);
}

static void write_journal(size_t count, uint32_t points)
{
    struct journal *journal;
    struct event event = {.kind = EVENT_CAMPAIGN};
    assert_int_equal(journal_open(&journal, under("journal.jsonl"), none, NULL, NULL), 0);
    strcpy(event.as.campaign.name, "grid");
    strcpy(event.as.campaign.data_path, EVIL);
    event.as.campaign.data_hash = 0xabc;
    append(journal, &event);
    event = (struct event){.kind = EVENT_DATA};
    event.as.data.cell = 1;
    append(journal, &event);
    event = (struct event){.kind = EVENT_SESSION};
    event.as.session.ranks = 3;
    strcpy(event.as.session.started_utc, "2026-01-31T12:00:00Z");
    append(journal, &event);
    event = (struct event){.kind = EVENT_STEPS};
    event.as.steps = (struct event_steps){.ranks = 2, .samples = 9, .ratio = 1.25};
    append(journal, &event);
    for (uint32_t id = 1; id <= count; id++)
        append_trial(journal, id, id <= 2 ? points : 12);
    journal_close(journal);
}

static void fill_curves(void)
{
    for (int i = 0; i < CURVE_LRS; i++)
        basin.curve.lr[i] = 1e-4 * exp2(0.1 * i);
    basin.tokens = answer.basins[0].horizon.tokens;
    contour.ratio = RATIO_EMBEDDING;
    contour.loss[1][2] = 3.25;
    curves = (struct loss_curves){.basins = &basin,
                                  .basin_count = 1,
                                  .laws = &law,
                                  .law_count = 1,
                                  .contours = &contour,
                                  .contour_count = 1};
}

static int set_up(void **state)
{
    (void)state;
    lr_log_level_set(LR_LOG_ERROR);
    if (temp_dir_make(folder, sizeof(folder)))
        return -1;
    cells_answer(&answer);
    fill_curves();
    input = (struct report_input){.run_dir = folder,
                                  .name = EVIL,
                                  .state = STATUS_RUNNING,
                                  .refresh_s = 5,
                                  .answer = &answer,
                                  .trials = list,
                                  .count = cells_trials(&answer, trials, list),
                                  .budgets = {{"budget.tokens", 1e6 / 3, 2e6}},
                                  .budget_count = 1,
                                  .curves = &curves};
    for (size_t i = 0; i < input.count; i++) {
        trials[i].spec.weight_decay = 0.1;
        trials[i].round = trials[i].attempt = 1;
        trials[i].rank = 2;
    }
    fit = (struct report_fit){.cell = 3, .tokens = 5, .lr_opt = 1e-3, .ci90 = {NAN, 2}};
    input.rounds[0] = (struct report_round){.round = 2, .lr = NAN, .fits = &fit, .fit_count = 1};
    input.rounds[1] = (struct report_round){.round = 0, .lr = 1e-3, .fits = &fit, .fit_count = 1};
    input.round_count = 2;
    trials[1].spec.trainer = TRAINER_COMMAND;
    trials[1].state = TRIAL_FAILED;
    trials[1].result.val_loss = NAN;
    strcpy(trials[1].result.message, EVIL);
    trials[2].result.val_loss = NAN;
    trials[3].purpose = PURPOSE_CONFIRM;
    trials[4].spec.trainer = TRAINER_TRANSFORMER;
    trials[4].spec.d_model = 64;
    trials[4].spec.n_layers = 2;
    write_journal(input.count, 100);
    write_file("plan.yaml", "name: " EVIL "\n");
    write_file("plan.resolved.json", "{\"seed\": 1, \"name\": \"</script>\"}");
    mkdir(under("output"), 0700);
    write_file("output/trial-0002.1.txt", "trial 2, attempt 1: failed\n" EVIL "\nthe end\n");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_dir_remove(folder);
    return 0;
}

static char *data_text(void)
{
    char *text = NULL;
    struct lr_error err = {0};
    if (report_data_text(&text, &input, &err))
        fail_msg("%s", err.text);
    return text;
}

static json_t *data(void)
{
    char *text = data_text();
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(root);
    lr_free(text);
    return root;
}

static json_t *at(const json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    if (!value)
        fail_msg("there is no %s", key);
    return value;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(at(object, key));
    if (!text)
        fail_msg("%s is no text", key);
    return text;
}

/* ---- keys ---- */

enum { KEYS = 400, KEY = 80 };
struct keys {
    char names[KEYS][KEY];
    size_t count;
};

static bool has_key(const struct keys *keys, const char *name)
{
    for (size_t i = 0; i < keys->count; i++)
        if (strcmp(keys->names[i], name) == 0)
            return true;
    return false;
}

static void add_key(struct keys *keys, const char *name)
{
    if (has_key(keys, name))
        return;
    assert_true(keys->count < KEYS && strlen(name) < KEY);
    strcpy(keys->names[keys->count++], name);
}

/* Described elsewhere, or named by a rank. */
static bool is_whole(const char *name)
{
    static const char *const wholes[] = {"answer", "starts[]", "plan.resolved", "trials.same",
                                         "hosts"};
    for (size_t i = 0; i < sizeof(wholes) / sizeof(wholes[0]); i++)
        if (strcmp(name, wholes[i]) == 0)
            return true;
    return false;
}

/* An array of numbers or texts has its own name, one of objects theirs. */
static void collect(struct keys *keys, const char *name, const json_t *value)
{
    char inner[2 * KEY];
    const char *key;
    json_t *member;
    size_t i;
    bool top = !*name;
    if (strcmp(name, "trials.same") == 0)
        json_object_foreach((json_t *)value, key, member)
        {
            snprintf(inner, sizeof(inner), "trials.%s", key);
            add_key(keys, inner);
        }
    if (!is_whole(name) && json_is_object(value)) {
        if (strcmp(name, "fits[].curve") == 0 || strcmp(name, "target.curve") == 0)
            add_key(keys, name);
        json_object_foreach((json_t *)value, key, member)
        {
            snprintf(inner, sizeof(inner), "%s%s%s", name, top ? "" : ".",
                     strcmp(name, "budget") == 0 ? "KEY" : key);
            collect(keys, inner, member);
        }
    } else if (json_is_array(value) && json_is_object(json_array_get(value, 0))) {
        snprintf(inner, sizeof(inner), "%s[]", name);
        json_array_foreach(value, i, member) collect(keys, inner, member);
        add_key(keys, inner);
    } else if (!json_is_null(value) ||
               strcmp(strrchr(name, '.') ? strrchr(name, '.') : "", ".curve") != 0) {
        add_key(keys, name);
    }
}

/* The names in the first column of the document's tables. */
static void read_document(struct keys *keys)
{
    char path[1024], line[1024];
    const char *source = getenv("LRSEARCH_SOURCE_DIR");
    assert_non_null(source);
    snprintf(path, sizeof(path), "%s/docs/report-data.md", source);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file)) {
        if (strncmp(line, "| `", 3) != 0)
            continue;
        line[3 + strcspn(line + 3, "`")] = '\0';
        add_key(keys, line + 3);
    }
    fclose(file);
}

static size_t missing(const struct keys *from, const struct keys *in, const char *where)
{
    size_t count = 0;
    for (size_t i = 0; i < from->count; i++) {
        char plain[KEY];
        snprintf(plain, sizeof(plain), "%s", from->names[i]);
        size_t length = strlen(plain);
        if (length > 2 && strcmp(plain + length - 2, "[]") == 0)
            plain[length - 2] = '\0'; /* of numbers or texts, where the document says [] */
        if (!has_key(in, from->names[i]) && !has_key(in, plain)) {
            print_error("%s is not in %s\n", from->names[i], where);
            count++;
        }
    }
    return count;
}

static void every_key_is_documented(void **state)
{
    (void)state;
    static struct keys seen, told;
    json_t *root = data();
    collect(&seen, "", root);
    read_document(&told);
    assert_true(told.count > 100);
    for (size_t i = 0; i < told.count; i++) { /* [] of plain values, as collect() names them */
        size_t length = strlen(told.names[i]);
        if (length > 2 && strcmp(told.names[i] + length - 2, "[]") == 0 &&
            !has_key(&seen, told.names[i]))
            told.names[i][length - 2] = '\0';
    }
    assert_int_equal(
        missing(&seen, &told, "docs/report-data.md") + missing(&told, &seen, "the data"), 0);
    json_decref(root);
}

/* ---- values ---- */

static void answer_is_that_of_result_json(void **state)
{
    (void)state;
    json_t *root = data();
    char *text = result_json(EVIL, &answer);
    json_t *result = json_loads(text, 0, NULL);
    assert_non_null(result);
    assert_true(json_equal(at(root, "answer"), result));
    lr_free(text);
    json_decref(result);
    json_decref(root);
}

static void every_trial_is_there(void **state)
{
    (void)state;
    static const char *const columns[] = {
        "id",     "round",   "cell",  "purpose", "lr",      "embedding_lr_ratio",
        "tokens", "seed",    "state", "loss",    "message", "seconds",
        "rank",   "attempts"};
    json_t *root = data(), *table = at(root, "trials");
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
        assert_int_equal(json_array_size(at(table, columns[i])), input.count);
    for (size_t i = 0; i < input.count; i++) {
        const json_t *loss = json_array_get(at(table, "loss"), i);
        assert_int_equal(json_integer_value(json_array_get(at(table, "id"), i)), i + 1);
        assert_true(json_real_value(json_array_get(at(table, "lr"), i)) == trials[i].spec.lr);
        if (trials[i].state == TRIAL_DONE && i != 2)
            assert_true(json_real_value(loss) == trials[i].result.val_loss);
        else
            assert_true(json_is_null(loss));
    }
    assert_true(json_is_null(json_array_get(at(table, "cell"), 3)));
    assert_true(json_real_value(at(at(table, "same"), "weight_decay")) == 0.1);
    assert_null(json_object_get(table, "weight_decay"));
    assert_null(json_object_get(at(table, "same"), "embedding_lr_ratio"));
    json_decref(root);
}

static void figures_have_their_numbers(void **state)
{
    (void)state;
    json_t *root = data(), *first = json_array_get(at(root, "fits"), 0);
    assert_int_equal(json_array_size(at(root, "fits")), answer.basin_count);
    assert_int_equal(json_array_size(at(at(first, "curve"), "lr")), CURVE_LRS);
    assert_true(json_is_null(at(json_array_get(at(root, "fits"), 1), "curve")));
    json_t *losses = at(json_array_get(at(root, "contours"), 0), "loss");
    assert_int_equal(json_array_size(losses), CONTOUR_VALUES * CONTOUR_LRS);
    assert_true(json_real_value(json_array_get(losses, CONTOUR_LRS + 2)) == 3.25);
    json_t *rounds = at(root, "rounds");
    assert_int_equal(json_array_size(rounds), 2);
    assert_int_equal(json_integer_value(at(json_array_get(rounds, 0), "round")), 2);
    assert_true(json_is_null(at(json_array_get(rounds, 1), "round")));
    assert_true(json_is_null(at(json_array_get(rounds, 0), "lr")));
    assert_true(json_number_value(at(at(at(root, "budget"), "tokens"), "used")) == 333333);
    assert_int_equal(json_array_size(at(root, "varies")), 2);
    assert_string_equal(text_of(json_array_get(at(root, "cells"), 0), "name"),
                        "width 64, vocabulary 256");
    assert_int_equal(json_array_size(at(root, "models")), answer.cell_count);
    assert_string_equal(text_of(at(root, "data"), "hash"), "0000000000000abc");
    assert_int_equal(json_array_size(at(at(root, "curves"), "trial")), input.count);
    size_t points = json_array_size(json_array_get(at(at(root, "curves"), "loss"), 0));
    assert_true(points > 20 && points <= 48);
    json_t *tokens = at(at(root, "curves"), "tokens"); /* the first's are those of all */
    assert_int_equal(json_array_size(json_array_get(tokens, 0)), points);
    assert_true(json_is_integer(json_array_get(tokens, 1)));
    assert_int_equal(json_integer_value(json_array_get(tokens, 1)), 0);
    assert_int_equal(json_array_size(at(at(root, "attempts"), "rank")), input.count);
    assert_true(json_real_value(json_array_get(at(at(root, "attempts"), "end_s"), 0)) == 1.78);
    json_decref(root);
}

/* ---- texts from outside ---- */

static void texts_stay_texts(void **state)
{
    (void)state;
    char *text = data_text();
    assert_null(strchr(text, '<'));
    assert_null(strchr(text, '\n'));
    for (const char *c = text; *c; c++)
        assert_true(*c >= ' ' && *c <= '~');
    json_t *root = json_loads(text, 0, NULL), *output = json_array_get(at(root, "outputs"), 0);
    assert_memory_equal(text_of(root, "name"), "</script><script>", 17);
    assert_string_equal(text_of(output, "heading"), "trial 2, attempt 1: failed");
    assert_non_null(strstr(text_of(output, "text"), "</script>"));
    assert_non_null(strstr(text_of(output, "text"), "\nthe end\n"));
    assert_null(strchr(text_of(output, "text"), '\x1b'));
    assert_null(strstr(text_of(root, "name"), "\xe2\x80\xae"));
    assert_memory_equal(text_of(at(root, "plan"), "given"), "name: </script>", 15);
    assert_string_equal(text_of(at(at(root, "plan"), "resolved"), "name"), "</script>");
    assert_int_equal(json_array_size(at(root, "outputs")), 1);
    lr_free(text);
    json_decref(root);
}

static void next_steps(void **state)
{
    (void)state;
    json_t *root = data();
    assert_int_equal(json_array_size(at(root, "next")), 0); /* it runs */
    json_decref(root);
    input.state = STATUS_FINISHED;
    root = data();
    assert_true(json_array_size(at(root, "next")) > 0);
    json_decref(root);
}

static void nothing_known(void **state)
{
    (void)state;
    cells_answer_unknown(&answer);
    answer.cell_count = answer.basin_count = answer.horizon_count = 0;
    unlink(under("plan.yaml"));
    write_file("plan.resolved.json", "{");
    input = (struct report_input){.run_dir = folder, .name = "", .answer = &answer};
    json_t *root = data();
    assert_int_equal(json_array_size(at(root, "cells")), 1);
    assert_int_equal(json_array_size(at(root, "models")), 1);
    assert_int_equal(json_array_size(at(at(root, "trials"), "id")), 0);
    assert_true(json_is_null(at(at(root, "plan"), "resolved")));
    assert_true(json_is_null(at(at(root, "target"), "curve")));
    json_decref(root);
}

/* Only what is built here: test_journal has the reading. */
static void without_memory(void **state)
{
    (void)state;
    struct run_history history;
    size_t failed = 0;
    input.count = 4;
    input.history = &history;
    unlink(under("plan.resolved.json"));
    assert_int_equal(run_history_read(&history, folder, input.count, NULL), 0);
    for (long n = 0;; n += n < 50 ? 1 : 97) {
        lr_memory_fail_after(n);
        char *text = report_data_json(&input);
        lr_memory_fail_after(-1);
        if (text) {
            lr_free(text);
            break;
        }
        failed++;
    }
    assert_true(failed > 50);
    run_history_release(&history);
}

/* ---- the page ---- */

static char *page(size_t *size)
{
    struct stat status;
    struct lr_error err = {0};
    if (report_write(&input, &err))
        fail_msg("%s", err.text);
    assert_int_equal(stat(under("report.html"), &status), 0);
    *size = (size_t)status.st_size;
    char *text = malloc(*size + 1);
    FILE *file = fopen(under("report.html"), "r");
    assert_non_null(text);
    assert_non_null(file);
    assert_int_equal(fread(text, 1, *size, file), *size);
    text[*size] = '\0';
    fclose(file);
    return text;
}

static void page_is_whole(void **state)
{
    (void)state;
    size_t size;
    answer.warning_count = 1;
    strcpy(answer.warnings[0], EVIL);
    answer.status = ANSWER_IDENTIFIED;
    char *text = page(&size);
    assert_int_equal(count_of(text, "<script"), 3); /* data, D3, the page's own */
    assert_int_equal(count_of(text, "</script"), 3);
    assert_int_equal(count_of(text, "alert(1)</script"), 0);
    assert_int_equal(count_of(text, "id=\"warnings\""), 1);
    assert_int_equal(count_of(text, "<noscript>"), 1);
    assert_int_equal(count_of(text, "http-equiv=\"refresh\" content=\"5\""), 1);
    assert_int_equal(count_of(text, "Redistribution and use in source and binary forms"), 1);
    assert_true(text[size - 2] == '>'); /* no NUL cuts it */
    char value[80];
    snprintf(value, sizeof(value), "<data id=\"lr\" value=\"%.17g\">", answer.target.lr);
    assert_int_equal(count_of(text, value), 1);
    free(text);
    input.refresh_s = 0;
    text = page(&size);
    assert_int_equal(count_of(text, "http-equiv=\"refresh\""), 0);
    free(text);
}

static void ten_thousand_trials(void **state)
{
    (void)state;
    size_t size;
    unlink(under("journal.jsonl"));
    for (size_t i = 0; i < MOST; i++) {
        trials[i] = trials[0];
        trials[i].id = (uint32_t)i + 1;
        trials[i].spec.lr = 1e-3 * exp(1e-4 * (double)i);
        trials[i].spec.embedding_lr_ratio = exp(1e-4 * (double)i);
        trials[i].result.val_loss = 3 + 0.1 * sin((double)i);
        trials[i].spent.attempts = 1;
        trials[i].spent.seconds = 100 * fabs(cos((double)i));
        list[i] = &trials[i];
    }
    input.count = MOST;
    write_journal(MOST, 12);
    free(page(&size));
    print_message("%zu bytes\n", size);
    assert_in_range(size, 1000000, 4000000);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(every_key_is_documented), CASE(answer_is_that_of_result_json),
        CASE(every_trial_is_there),    CASE(figures_have_their_numbers),
        CASE(texts_stay_texts),        CASE(next_steps),
        CASE(nothing_known),           CASE(without_memory),
        CASE(page_is_whole),           CASE(ten_thousand_trials),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
