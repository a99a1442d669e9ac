/* A campaign in the formats of other programs, read back by SQLite; what protobuf makes of it is
 * tests/cli/export_readers.sh's matter. */
#include "cmocka_all.h"

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include "campaign_driver.h"
#include "export/export_files.h"
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
    assert_float_equal(asked(db, "SELECT count(*) FROM warning"), (double)answer.warning_count, 0);
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
        cmocka_unit_test(tensorboard_has_a_folder_a_trial),
        cmocka_unit_test(rows_have_room),
        cmocka_unit_test(memory_may_end_anywhere),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
