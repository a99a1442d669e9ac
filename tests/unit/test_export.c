/* A campaign in the formats of other programs, read back by SQLite and jansson; what Optuna and
 * protobuf make of it is tests/cli/export_readers.sh's matter. And Optuna's journal as a table. */
#include "cmocka_all.h"

#include <jansson.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include "campaign_driver.h"
#include "export/export_files.h"
#include "export/optuna_table.h"
#include "export/tfevents.h"
#include "lrsearch/memory.h"
#include "store/trial_row.h"

static struct driver driver;
static struct answer answer;
static const struct trial *trials[64];
static struct event_curve points[2];
static struct curve curve_of[64];
static struct curves curves = {.curves = curve_of, .session_utc = "2026-01-31T12:00:00Z"};
static struct export_source source;

static int setup(void **state)
{
    (void)state;
    struct plan plan = test_plan();
    driver_init(&driver, &plan);
    driver_begin(&driver);
    driver_run(&driver);
    driver_answer(&driver, &answer);
    curves.count = campaign_trial_count(driver.campaign);
    assert_in_range(curves.count, 6, 63);
    for (uint32_t id = 1; id <= curves.count; id++)
        trials[id - 1] = campaign_trial(driver.campaign, id);
    points[0] = (struct event_curve){.trial_id = 2, .tokens = 100, .train_loss = 4.5};
    points[1] = (struct event_curve){.trial_id = 2, .tokens = 200, .train_loss = NAN};
    curve_of[1] = (struct curve){.points = points, .count = 2};
    snprintf(curve_of[1].session_utc, sizeof(curve_of[1].session_utc), "%s", curves.session_utc);
    source = (struct export_source){driver.campaign, &answer, trials, curves.count, &curves};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    driver_release(&driver);
    return 0;
}

static struct export_files make(const char *format)
{
    struct export_files files = {0};
    struct lr_error err = {0};
    assert_int_equal(export_format_find(format)->make(&files, &source, &err), 0);
    return files;
}

static double asked(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    int rc = sqlite3_step(statement);
    double value = rc == SQLITE_ROW ? sqlite3_column_double(statement, 0) : NAN;
    sqlite3_finalize(statement);
    return value;
}

static void sqlite_has_every_table(void **state)
{
    (void)state;
    struct export_files files = make("sqlite");
    sqlite3 *db;
    assert_int_equal(files.count, 1);
    assert_string_equal(files.files[0].name, "");
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_deserialize(db, "main", files.files[0].bytes, (sqlite3_int64)files.files[0].size,
                            (sqlite3_int64)files.files[0].size, SQLITE_DESERIALIZE_READONLY),
        SQLITE_OK);
    assert_float_equal(asked(db, "PRAGMA user_version"), 1, 0);
    assert_true(isnan(asked(db, "PRAGMA foreign_key_check")));
    assert_float_equal(asked(db, "SELECT count(*) FROM run"), 1, 0);
    assert_float_equal(asked(db, "SELECT count(*) FROM trial JOIN run ON trial.run = run.id"),
                       (double)curves.count, 0);
    assert_float_equal(asked(db, "SELECT lr FROM trial WHERE id = 3"), trials[2]->spec.lr, 0);
    assert_float_equal(asked(db, "SELECT val_loss FROM trial WHERE id = 3"),
                       trials[2]->result.val_loss, 0);
    assert_float_equal(asked(db, "SELECT count(*) FROM curve WHERE trial = 2"), 2, 0);
    assert_float_equal(asked(db, "SELECT train_loss IS NULL FROM curve WHERE tokens = 200"), 1, 0);
    assert_float_equal(asked(db, "SELECT count(*) FROM horizon"), (double)answer.horizon_count, 0);
    assert_float_equal(asked(db, "SELECT tokens FROM answer"), (double)answer.target.tokens, 0);
    assert_float_equal(asked(db, "SELECT count(*) FROM doubt"), (double)answer.warning_count, 0);
    sqlite3_close(db);
    export_files_release(&files);
}

static void csv_has_a_line_a_trial(void **state)
{
    (void)state;
    static const char curves_text[] = "trial,tokens,train_loss\n2,100,4.5\n2,200,nan\n";
    struct export_files files = make("csv");
    size_t lines = 0;
    assert_int_equal(files.count, 3);
    assert_string_equal(files.files[0].name, "trials.csv");
    for (size_t i = 0; i < files.files[0].size; i++)
        lines += ((const char *)files.files[0].bytes)[i] == '\n';
    assert_int_equal(lines, curves.count + 1);
    assert_string_equal(files.files[1].name, "curves.csv");
    assert_int_equal(files.files[1].size, strlen(curves_text));
    assert_memory_equal(files.files[1].bytes, curves_text, strlen(curves_text));
    assert_string_equal(files.files[2].name, "answer.csv");
    export_files_release(&files);
}

/* The table that import reads has the losses that export wrote. */
static void optuna_comes_back(void **state)
{
    (void)state;
    struct export_files files = make("optuna");
    struct csv csv = {0};
    struct lr_error err = {0};
    size_t studies = 0, lines = 0, told = 0;
    assert_int_equal(
        optuna_table(&csv, &studies, "f", files.files[0].bytes, files.files[0].size, &err), 0);
    assert_int_equal(studies, 1);
    for (size_t i = 0; i < csv.used; i++)
        lines += csv.bytes[i] == '\n';
    for (size_t i = 0; i < curves.count; i++)
        told += trials[i]->state == TRIAL_DONE || trials[i]->state == TRIAL_DIVERGED;
    assert_int_equal(lines, told + 1);
    assert_memory_equal(csv.bytes, "study,number,value,lr,tokens,", 29);
    csv_release(&csv);
    export_files_release(&files);
}

static void table_is(const char *journal, const char *expected)
{
    struct csv csv = {0};
    struct lr_error err = {0};
    size_t studies;
    int rc = optuna_table(&csv, &studies, "f", journal, strlen(journal), &err);
    assert_string_equal(err.text, rc ? expected : "");
    if (!rc) {
        assert_int_equal(csv.used, strlen(expected));
        assert_memory_equal(csv.bytes, expected, csv.used);
    }
    csv_release(&csv);
}

#define STUDY "{\"op_code\":0,\"study_name\":\"s\",\"directions\":[1]}\n"
#define TRIAL "{\"op_code\":4,\"study_id\":0,\"datetime_start\":null}\n"
#define CHOICES                                                                                    \
    "\"{\\\"name\\\":\\\"CategoricalDistribution\\\",\\\"attributes\\\":{\\\"choices\\\":["        \
    "\\\"NaN\\\",\\\"b\\\"]}}\""
#define PARAM "{\"op_code\":5,\"trial_id\":0,\"param_name\":\"p\",\"param_value_internal\":0,"

static void optuna_is_played_as_it_does(void **state)
{
    (void)state;
    /* operations on what is over have no effect; NaN is no JSON, but Python's */
    table_is(STUDY TRIAL PARAM
             "\"distribution\":" CHOICES "}\n"
             "{\"op_code\":7,\"trial_id\":0,\"step\":1,\"intermediate_value\":NaN}\n"
             "{\"op_code\":8,\"trial_id\":0,\"user_attr\":{\"a\":-Infinity}}\n"
             "{\"op_code\":6,\"trial_id\":0,\"state\":1,\"values\":[2.5]}\n"
             "{\"op_code\":6,\"trial_id\":0,\"state\":1,\"values\":[9]}\n",
             "study,number,value,p,a\ns,0,2.5,NaN,\n");
    /* failed: diverged only if it says so; of a study that was deleted nothing is left */
    table_is(STUDY TRIAL TRIAL "{\"op_code\":6,\"trial_id\":0,\"state\":3,\"values\":null}\n"
                               "{\"op_code\":8,\"trial_id\":1,\"user_attr\":{\"outcome\":"
                               "\"diverged\"}}\n"
                               "{\"op_code\":6,\"trial_id\":1,\"state\":3,\"values\":null}\n",
             "study,number,value,outcome\ns,1,,diverged\n");
    table_is(STUDY TRIAL "{\"op_code\":6,\"trial_id\":0,\"state\":1,\"values\":[1]}\n"
                         "{\"op_code\":1,\"study_id\":0}\n",
             "study,number,value\n");
    table_is(STUDY "{\"op_code\":4,\"stu", "study,number,value\n"); /* being written */
}

static void optuna_damage_is_told(void **state)
{
    (void)state;
    static const char end[] = "; is it whole, and Optuna's journal file?";
    char text[LR_ERROR_TEXT];
    const struct {
        const char *journal, *what;
    } cases[] = {
        {STUDY "{\"op_code\":4,\n" TRIAL, "f:2: is no JSON"},
        {"[1]\n", "f:1: has no op_code"},
        {STUDY "{\"op_code\":17}\n", "f:2: has an op_code that this version does not know"},
        {"{\"op_code\":0}\n", "f:1: a study has no name or no direction"},
        {STUDY "{\"op_code\":4}\n", "f:2: a trial has no study_id"},
        {STUDY TRIAL PARAM "\"distribution\":7}\n{\"op_code\":6,\"trial_id\":0}\n",
         "f:4: a trial has no state"},
        {STUDY TRIAL "{\"op_code\":8,\"trial_id\":0}\n", "f:3: a user attribute is missing"},
        {"{\"op_code\":1,\"study_id\":3}\n", "f:1: a study is deleted that was not created"},
        {STUDY TRIAL "{\"op_code\":5,\"trial_id\":0,\"param_name\":\"p\","
                     "\"param_value_internal\":1e300,\"distribution\":" CHOICES "}\n",
         "f:3: a parameter has no value"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(text, sizeof(text), "%s%s", cases[i].what, end);
        struct csv csv = {0};
        struct lr_error err = {0};
        size_t studies;
        assert_int_equal(
            optuna_table(&csv, &studies, "f", cases[i].journal, strlen(cases[i].journal), &err),
            LR_EDATA);
        assert_string_equal(err.text, text);
        csv_release(&csv);
    }
    table_is("{\"op_code\":0,\"study_name\":\"s\",\"directions\":[2]}\n",
             "f: study s maximizes its value; a loss is minimized: copy the studies of losses to a "
             "file of their own");
}

static void tensorboard_has_a_folder_a_trial(void **state)
{
    (void)state;
    struct export_files files = make("tensorboard");
    assert_int_equal(files.count, curves.count + 1);
    assert_string_equal(files.files[1].name, "trial-0001/events.out.tfevents.0.lrsearch");
    assert_memory_equal(files.files[1].bytes, "\x18\0\0\0\0\0\0\0", 8);
    export_files_release(&files);
    assert_int_equal(tfevents_crc32c("123456789", 9), 0xe3069283); /* RFC 3720 */
}

static void rows_have_room(void **state)
{
    (void)state;
    struct trial_cell row[TRIAL_ROW_CELLS];
    size_t count = trial_row_fill(row, trials[0]);
    assert_in_range(count, 60, TRIAL_ROW_CELLS - 8);
    assert_int_equal(trial_row_fill(row, NULL), count);
    assert_null(trial_row_find(row, count, "val_loss")); /* not known */
    assert_null(trial_row_find(row, count, "nothing"));
}

static void times_are_utc(void **state)
{
    (void)state;
    char text[32];
    assert_float_equal(export_utc_seconds("1970-01-01T00:00:00Z"), 0, 0);
    assert_float_equal(export_utc_seconds("2026-01-31T12:00:00Z"), 1769860800, 0);
    assert_float_equal(export_utc_seconds("2024-02-29T23:59:59Z"), 1709251199, 0);
    assert_true(isnan(export_utc_seconds("")));
    export_utc_text(text, 1769860800.25);
    assert_string_equal(text, "2026-01-31T12:00:00.250000");
}

static void memory_may_end_anywhere(void **state)
{
    (void)state;
    for (size_t f = 0; f < export_format_count; f++) {
        int rc = LR_ENOMEM;
        for (long n = 0; rc; n += n < 100 ? 1 : 1 + n / 10) {
            struct export_files files = {0};
            struct lr_error err = {0};
            lr_memory_fail_after(n);
            rc = export_formats[f].make(&files, &source, &err);
            lr_memory_fail_after(-1);
            assert_true(rc == 0 || rc == LR_ENOMEM);
            export_files_release(&files);
            if (!rc)
                assert_true(n > 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sqlite_has_every_table),
        cmocka_unit_test(csv_has_a_line_a_trial),
        cmocka_unit_test(optuna_comes_back),
        cmocka_unit_test(optuna_is_played_as_it_does),
        cmocka_unit_test(optuna_damage_is_told),
        cmocka_unit_test(tensorboard_has_a_folder_a_trial),
        cmocka_unit_test(rows_have_room),
        cmocka_unit_test(times_are_utc),
        cmocka_unit_test(memory_may_end_anywhere),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
