/* history.db: what is put comes back with all its bits, in order; what is no history is refused and
 * never written to; every allocation may fail. */
#include "temp_dir.h"
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "cmocka_all.h"
#include "lrsearch/memory.h"
#include "history/history.h"
#include "store/json_value.h"
#include "store/result_json.h"
#include "store/run_dir.h"

static char dir[256], file[512];

static int set_up(void **state)
{
    (void)state;
    int rc = temp_dir_make(dir, sizeof(dir));
    snprintf(file, sizeof(file), "%s/history.db", dir);
    return rc;
}

static int tear_down(void **state)
{
    (void)state;
    temp_dir_remove(dir);
    return 0;
}

static struct history_run made(const char *name, const char *run, const char *finished_utc)
{
    struct history_run row;
    memset(&row, 0, sizeof(row));
    snprintf(row.name, sizeof(row.name), "%s", name);
    snprintf(row.run, sizeof(row.run), "%s", run);
    snprintf(row.finished_utc, sizeof(row.finished_utc), "%s", finished_utc);
    snprintf(row.status, sizeof(row.status), "identified");
    row.lr = 0.1 + 1e-17;
    row.loss = row.drift_lr = row.drift_loss = NAN;
    row.ci90[1] = INFINITY;
    row.target_tokens = 1000000000000000u;
    return row;
}

static struct history *opened(enum history_use use)
{
    struct history *history;
    struct lr_error err = {0};
    if (history_open(&history, dir, use, &err))
        fail_msg("%s", err.text);
    return history;
}

static void put(const char *name, const char *run, const char *finished_utc)
{
    struct history *history = opened(HISTORY_WRITE);
    struct history_run row = made(name, run, finished_utc);
    assert_int_equal(history_put(history, &row, NULL), 0);
    history_close(history);
}

static void rows_come_back(void **state)
{
    struct history_run *runs, expected = made("night", "b", "2026-01-02T00:00:00Z");
    struct stat status;
    size_t count;
    (void)state;
    assert_null(opened(HISTORY_READ)); /* there is none yet */
    put("night", "b", "2026-01-02T00:00:00Z");
    put("other", "c", "2026-01-01T00:00:00Z");
    put("night", "it's", "2026-01-03T00:00:00Z");
    put("night", "b", "2026-01-02T00:00:00Z"); /* replaced */
    struct history *history = opened(HISTORY_READ);
    assert_int_equal(history_list(history, NULL, &runs, &count, NULL), 0);
    assert_int_equal(count, 3);
    assert_string_equal(runs[0].run, "c");
    assert_string_equal(runs[2].run, "it's");
    assert_true(isnan(runs[1].loss) && isinf(runs[1].ci90[1]));
    assert_memory_equal(&runs[1].lr, &expected.lr, sizeof(double));
    assert_int_equal(runs[1].target_tokens, expected.target_tokens);
    lr_free(runs);
    assert_int_equal(history_list(history, "night", &runs, &count, NULL), 0);
    assert_int_equal(count, 2);
    lr_free(runs);
    history_close(history);
    history = opened(HISTORY_WRITE);
    assert_int_equal(history_remove(history, "it's", NULL), 0);
    assert_int_equal(history_list(history, NULL, &runs, &count, NULL), 0);
    assert_int_equal(count, 2);
    lr_free(runs);
    history_close(history);
    assert_int_equal(stat(file, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void previous_is_the_newest_before(void **state)
{
    struct history_run run;
    bool found;
    (void)state;
    put("night", "n1", "2026-01-01T00:00:00Z");
    put("night", "n2", "2026-01-02T00:00:00Z");
    put("night", "n3", "2026-01-02T00:00:00Z"); /* of the same second */
    put("night", "n5", "2026-01-05T00:00:00Z");
    put("other", "o", "2026-01-02T00:00:00Z");
    const struct {
        const char *run, *at, *previous;
    } cases[] = {
        {"n1", "2026-01-01T00:00:00Z", NULL},
        {"n3", "2026-01-02T00:00:00Z", "n2"},
        {"n2", "2026-01-02T00:00:00Z", "n1"},
        {"n4", "2026-01-04T00:00:00Z", "n3"}, /* not itself known; n5 is later */
        {"n5", "2026-01-09T00:00:00Z", "n3"}, /* went on and finished again: not itself */
    };
    struct history *history = opened(HISTORY_READ);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int rc = history_previous(history, "night", cases[i].run, cases[i].at, &run, &found, NULL);
        assert_int_equal(rc, 0);
        assert_int_equal(found, cases[i].previous != NULL);
        if (found)
            assert_string_equal(run.run, cases[i].previous);
    }
    history_close(history);
}

static void write_text(const char *text, size_t size)
{
    FILE *out = fopen(file, "w");
    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, size, out), size);
    assert_int_equal(fclose(out), 0);
}

static void refuses(enum history_use use, const char *words)
{
    struct history *history;
    struct lr_error err = {0};
    assert_int_equal(history_open(&history, dir, use, &err), LR_EDAMAGED);
    if (!strstr(err.text, words) || !strstr(err.text, file) || !strstr(err.text, "--rebuild"))
        fail_msg("%s", err.text);
}

static void is_remade(void)
{
    char moved[600];
    struct stat status;
    history_close(opened(HISTORY_REMAKE));
    put("night", "n1", "2026-01-01T00:00:00Z");
    snprintf(moved, sizeof(moved), "%s.damaged", file);
    assert_int_equal(stat(moved, &status), 0);
    assert_int_equal(remove(moved), 0);
}

static void damage_is_told_and_mended(void **state)
{
    char garbage[8192];
    (void)state;
    memset(garbage, 'x', sizeof(garbage));
    write_text(garbage, sizeof(garbage));
    refuses(HISTORY_READ, "is damaged");
    refuses(HISTORY_WRITE, "is damaged");
    is_remade();
    /* its header is whole, a page is not */
    FILE *out = fopen(file, "r+");
    assert_non_null(out);
    assert_int_equal(fseek(out, 4096, SEEK_SET), 0);
    assert_int_equal(fwrite(garbage, 1, 4096, out), 4096);
    assert_int_equal(fclose(out), 0);
    refuses(HISTORY_READ, "is damaged");
    is_remade();
}

static void another_programs_file_is_left_alone(void **state)
{
    sqlite3 *db;
    (void)state;
    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE runs (x)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    refuses(HISTORY_READ, "is no history of lrsearch");
    refuses(HISTORY_WRITE, "is no history of lrsearch");
    is_remade();
    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 9", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    refuses(HISTORY_READ, "another version");
    is_remade();
}

static void change(const char *sql)
{
    sqlite3 *db;
    char *why = NULL;
    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", sql, why);
    sqlite3_close(db);
}

/* A view of that name would run for ever; a table without a column, or a trigger, is no better. */
static void another_table_is_told_and_mended(void **state)
{
    static const char *const changes[] = {
        "ALTER TABLE runs DROP COLUMN lr",
        "DROP TABLE runs; CREATE TABLE other (x)",
        ("ALTER TABLE runs RENAME TO other; CREATE VIEW runs AS WITH RECURSIVE c (x) AS (SELECT 1 "
         "UNION ALL SELECT x + 1 FROM c) SELECT other.* FROM other, c"),
        "CREATE TRIGGER t AFTER INSERT ON runs BEGIN DELETE FROM runs; END",
    };
    (void)state;
    put("night", "n1", "2026-01-01T00:00:00Z");
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        change(changes[i]);
        refuses(HISTORY_READ, "its table is not the one of a history");
        refuses(HISTORY_WRITE, "its table is not the one of a history");
        is_remade();
    }
}

static void values_of_another_kind_are_told_and_mended(void **state)
{
    static const char *const changes[] = {
        "lr = 'abc'",
        "lr_low = x'00'",
        "trials = 1e300",
        "loss_tokens = -1",
        "target_width = 4294967296",
        "drifted = 2",
        "tokens = 'many'",
        "host = x'ff'",
        "status = printf('%.*c', 100, 'x')",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        char sql[256], column[32];
        struct history_run *runs;
        struct lr_error err = {0};
        size_t count;
        put("night", "n1", "2026-01-01T00:00:00Z");
        snprintf(sql, sizeof(sql), "UPDATE runs SET %s", changes[i]);
        snprintf(column, sizeof(column), "in column %.*s);", (int)strcspn(changes[i], " "),
                 changes[i]);
        change(sql);
        struct history *history = opened(HISTORY_READ);
        assert_int_equal(history_list(history, NULL, &runs, &count, &err), LR_EDAMAGED);
        if (!strstr(err.text, file) || !strstr(err.text, column) || !strstr(err.text, "--rebuild"))
            fail_msg("%s", err.text);
        history_close(history);
        is_remade();
    }
}

static void what_is_no_file_is_told_and_mended(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(file, 0600), 0);
    refuses(HISTORY_READ, "is no regular file");
    is_remade();
    assert_int_equal(remove(file), 0);
    assert_int_equal(mkdir(file, 0700), 0);
    refuses(HISTORY_WRITE, "is no regular file");
    is_remade();
}

/* SQLite applies a rollback journal that is there: it would wait for ever at a pipe. */
static void a_rollback_journal_that_is_no_file_is_told_and_mended(void **state)
{
    char journal[600], moved[600];
    struct stat status;
    (void)state;
    snprintf(journal, sizeof(journal), "%s-journal", file);
    snprintf(moved, sizeof(moved), "%s.damaged-journal", file);
    for (int kind = 0; kind < 3; kind++) {
        put("night", "n1", "2026-01-01T00:00:00Z");
        if (kind == 0)
            assert_int_equal(mkfifo(journal, 0600), 0);
        else if (kind == 1)
            assert_int_equal(symlink("/nowhere", journal), 0);
        else
            assert_int_equal(mkdir(journal, 0700), 0);
        refuses(HISTORY_READ, "-journal: is no regular file");
        refuses(HISTORY_WRITE, "-journal: is no regular file");
        is_remade();
        assert_int_equal(lstat(moved, &status), 0);
        assert_int_equal(remove(moved), 0);
    }
}

/* One that names another file, which SQLite would remove when it has applied the journal. */
static void write_rollback_journal(const char *path, const char *other)
{
    static const unsigned char magic[] = {0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7};
    unsigned char bytes[512 + 4 + 600 + 16] = {0};
    size_t length = strlen(other), sum = 0;
    memcpy(bytes, magic, sizeof(magic));
    bytes[15] = 1;  /* the nonce; no pages to restore */
    bytes[19] = 3;  /* pages of the database */
    bytes[22] = 2;  /* sectors of 512 bytes */
    bytes[26] = 16; /* pages of 4096 */
    unsigned char *tail = bytes + 512;
    tail[1] = 4; /* the page of the locks, from 1 GiB on */
    tail[3] = 1;
    memcpy(tail + 4, other, length);
    for (size_t i = 0; i < length; i++)
        sum += (unsigned char)other[i];
    unsigned char *end = tail + 4 + length;
    end[2] = (unsigned char)(length >> 8);
    end[3] = (unsigned char)length;
    end[6] = (unsigned char)(sum >> 8);
    end[7] = (unsigned char)sum;
    memcpy(end + 8, magic, sizeof(magic));
    FILE *out = fopen(path, "wb");
    assert_int_equal(fwrite(bytes, 1, (size_t)(end + 16 - bytes), out), end + 16 - bytes);
    fclose(out);
}

static void a_rollback_journal_removes_no_other_file(void **state)
{
    char journal[600], other[512];
    struct stat status;
    (void)state;
    snprintf(journal, sizeof(journal), "%s-journal", file);
    snprintf(other, sizeof(other), "%s/precious", dir);
    FILE *out = fopen(other, "wb");
    fputs("the only copy", out);
    fclose(out);
    for (int use = HISTORY_READ; use <= HISTORY_REMAKE; use++) {
        put("night", "n1", "2026-01-01T00:00:00Z");
        write_rollback_journal(journal, other);
        history_close(opened((enum history_use)use));
        assert_int_equal(stat(other, &status), 0);
        assert_int_equal(stat(journal, &status), -1); /* it was applied */
    }
    /* As a removal of it by SQLite itself would show: the journal is one that it understands. */
    sqlite3 *db;
    write_rollback_journal(journal, other);
    sqlite3_open(file, &db);
    sqlite3_exec(db, "SELECT * FROM runs", NULL, NULL, NULL);
    sqlite3_close(db);
    assert_int_equal(stat(other, &status), -1);
    if (geteuid() != 0)
        return;
    write_rollback_journal(journal, other);
    assert_int_equal(chown(journal, 4711, 4711), 0);
    struct history *history;
    struct lr_error err = {0};
    assert_int_equal(history_open(&history, dir, HISTORY_READ, &err), LR_ECREATE);
    assert_non_null(strstr(err.text, "history.db-journal: belongs to another user (uid 4711), who "
                                     "could change the history with it; remove it"));
}

/* A writer that is killed in the midst leaves a journal that has to be applied before anything is
 * read. */
static void a_killed_write_is_undone_by_a_reader(void **state)
{
    struct history_run *runs;
    size_t count;
    int status;
    (void)state;
    put("night", "n1", "2026-01-01T00:00:00Z");
    pid_t child = fork();
    if (child == 0) {
        sqlite3 *db;
        sqlite3_open(file, &db);
        sqlite3_exec(db,
                     "PRAGMA cache_spill = 1; PRAGMA cache_size = 1; BEGIN; DELETE FROM runs; "
                     "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 9999) "
                     "INSERT INTO runs (run, name, finished_utc, status) SELECT x, x, x, x FROM c",
                     NULL, NULL, NULL);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    struct history *history = opened(HISTORY_READ);
    assert_int_equal(history_list(history, NULL, &runs, &count, NULL), 0);
    assert_int_equal(count, 1);
    assert_string_equal(runs[0].run, "n1");
    lr_free(runs);
    history_close(history);
}

static void a_healthy_one_is_kept(void **state)
{
    struct history_run *runs;
    size_t count;
    (void)state;
    put("night", "n1", "2026-01-01T00:00:00Z");
    struct history *history = opened(HISTORY_REMAKE);
    assert_int_equal(history_list(history, NULL, &runs, &count, NULL), 0);
    assert_int_equal(count, 1);
    lr_free(runs);
    history_close(history);
}

static void result_tells_the_baseline(void **state)
{
    static struct answer answer;
    (void)state;
    char *text = result_json("night", &answer);
    assert_non_null(strstr(text, "\"baseline\": null"));
    lr_free(text);
    answer.baseline = (struct baseline_answer){
        .wanted = true, .run_dir = "logs/n1", .limit_lr = 1.5, .drift = {.lr_ratio = 2}};
    answer.baseline.drift.lr_beyond = true;
    snprintf(answer.baseline.drift.loss_reason, ANSWER_TEXT, "other data");
    text = result_json("night", &answer);
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    const json_t *part = json_object_get(root, "baseline"), *drift = json_object_get(part, "drift");
    assert_string_equal(json_string_value(json_object_get(part, "run_dir")), "logs/n1");
    assert_true(json_is_null(json_object_get(part, "reason")));
    const json_t *tolerance = json_object_get(part, "tolerance");
    assert_true(json_real_value(json_object_get(tolerance, "lr")) == 1.5);
    assert_true(json_is_null(json_object_get(tolerance, "loss"))); /* no limit */
    assert_true(json_real_value(json_object_get(json_object_get(drift, "lr"), "ratio")) == 2);
    assert_true(json_is_true(json_object_get(json_object_get(drift, "lr"), "beyond")));
    const json_t *loss = json_object_get(drift, "loss");
    assert_true(json_is_null(json_object_get(loss, "tokens")));
    assert_string_equal(json_string_value(json_object_get(loss, "reason")), "other data");
    json_decref(root);
    lr_free(text);
    snprintf(answer.baseline.reason, ANSWER_TEXT, "there is none");
    text = result_json("night", &answer);
    assert_non_null(strstr(text, "\"drift\": null"));
    lr_free(text);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    put("night", "n1", "2026-01-01T00:00:00Z");
    for (long successes = 0;; successes++) {
        struct history *history = NULL;
        struct history_run *runs = NULL;
        size_t count = 0;
        lr_memory_fail_after(successes);
        int rc = history_open(&history, dir, HISTORY_READ, NULL);
        rc = rc ? rc : history_list(history, NULL, &runs, &count, NULL);
        lr_memory_fail_after(-1);
        lr_free(runs);
        history_close(history);
        if (rc == 0)
            break;
        assert_int_equal(rc, LR_ENOMEM);
        assert_true(successes < 20);
    }
}

/* ---- each step of SQLite may fail ---- */

static long steps_left = -1;

static int interrupt_at_last(void *context)
{
    (void)context;
    return steps_left >= 0 && steps_left-- == 0;
}

static int watch_steps(sqlite3 *db, const char **error, const void *routines)
{
    (void)error, (void)routines;
    sqlite3_exec(db, "PRAGMA synchronous = OFF", NULL, NULL, NULL); /* ten times as fast */
    sqlite3_progress_handler(db, 1, interrupt_at_last, NULL);
    return SQLITE_OK;
}

static int put_and_list(struct lr_error *err)
{
    struct history *history = NULL;
    struct history_run row = made("night", "n1", "2026-01-01T00:00:00Z"), *runs = NULL;
    size_t count = 0;
    int rc = history_open(&history, dir, HISTORY_WRITE, err);
    rc = rc ? rc : history_put(history, &row, err);
    history_close(history);
    history = NULL;
    rc = rc ? rc : history_open(&history, dir, HISTORY_READ, err);
    rc = rc ? rc : history_list(history, NULL, &runs, &count, err);
    history_close(history);
    lr_free(runs);
    return rc;
}

/* The text tells SQLite's reason, and what was begun is not in the way of the next try. */
static void each_step_may_fail(void **state)
{
    long steps = 0;
    (void)state;
    assert_int_equal(sqlite3_auto_extension((void (*)(void))watch_steps), SQLITE_OK);
    for (;; steps++) {
        struct lr_error err = {0};
        steps_left = steps;
        int rc = put_and_list(&err);
        steps_left = -1;
        if (rc == 0)
            break;
        if (rc != LR_EIO || !strstr(err.text, file) || !strstr(err.text, "interrupted"))
            fail_msg("after %ld steps: %d, %s", steps, rc, err.text);
        if (put_and_list(&err))
            fail_msg("%s", err.text);
        assert_int_equal(remove(file), 0);
    }
    sqlite3_reset_auto_extension();
    assert_true(steps > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_come_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(previous_is_the_newest_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damage_is_told_and_mended, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_programs_file_is_left_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_killed_write_is_undone_by_a_reader, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_file_is_told_and_mended, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_rollback_journal_that_is_no_file_is_told_and_mended,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_rollback_journal_removes_no_other_file, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(values_of_another_kind_are_told_and_mended, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(another_table_is_told_and_mended, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_healthy_one_is_kept, set_up, tear_down),
        cmocka_unit_test(result_tells_the_baseline),
        cmocka_unit_test_setup_teardown(each_allocation_may_fail, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_step_may_fail, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
