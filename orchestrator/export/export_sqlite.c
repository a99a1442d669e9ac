/* export_sqlite() builds one SQLite database in memory, in one transaction, and returns it as the
 * bytes of its file. Its table `trial` has the columns of trials.csv under the same names.
 *
 * SQLite's integers are signed: a count above 2^63 - 1 (a hash) is stored as a text of its
 * digits. */
#include <inttypes.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include "export/export_files.h"
#include "lrsearch/memory.h"
#include "store/trial_row.h"

#define SCHEMA_VERSION 1 /* PRAGMA user_version */

static const char schema[] =
    "PRAGMA foreign_keys = ON;"
    "BEGIN;"
    "CREATE TABLE run (id INTEGER PRIMARY KEY, name TEXT NOT NULL, version TEXT NOT NULL,"
    "  seed, finished INTEGER NOT NULL, plan_hash);"
    "CREATE TABLE curve (trial INTEGER NOT NULL REFERENCES trial(id), tokens INTEGER NOT NULL,"
    "  train_loss REAL, PRIMARY KEY (trial, tokens)) WITHOUT ROWID;"
    "CREATE TABLE horizon (run INTEGER NOT NULL REFERENCES run(id), cell INTEGER NOT NULL,"
    "  tokens INTEGER NOT NULL, lr_opt REAL, ci90_low REAL, ci90_high REAL, loss_min REAL,"
    "  curvature REAL, trials INTEGER NOT NULL, diverged INTEGER NOT NULL,"
    "  at_edge INTEGER NOT NULL, flat INTEGER NOT NULL, lowest_lr REAL, lowest_loss REAL,"
    "  interpolated INTEGER NOT NULL, bracketed INTEGER NOT NULL, PRIMARY KEY (run, cell, tokens))"
    "  WITHOUT ROWID;"
    "CREATE TABLE warning (run INTEGER NOT NULL REFERENCES run(id), text TEXT NOT NULL);";

static int failed(sqlite3 *db, struct lr_error *err)
{
    return lr_fail(err, sqlite3_errcode(db) == SQLITE_NOMEM ? LR_ENOMEM : LR_EINTERNAL,
                   "the database cannot be built: %s", sqlite3_errmsg(db));
}

static int run_sql(sqlite3 *db, const char *sql, struct lr_error *err)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : failed(db, err);
}

/* ---- rows: values are bound in order ---- */

struct insert {
    sqlite3 *db;
    sqlite3_stmt *statement;
    int next;
    bool failed;
};

static void note_failure(struct insert *insert, int rc)
{
    insert->failed = insert->failed || rc != SQLITE_OK;
}

static struct insert insert_begin(sqlite3 *db, const char *table, size_t columns)
{
    struct insert insert = {.db = db, .next = 1};
    char sql[64 + 2 * TRIAL_ROW_CELLS];
    size_t used = (size_t)snprintf(sql, sizeof(sql), "INSERT INTO %s VALUES (", table);
    for (size_t i = 0; i < columns; i++)
        used += (size_t)snprintf(sql + used, sizeof(sql) - used, "%s?", i ? "," : "");
    snprintf(sql + used, sizeof(sql) - used, ")");
    note_failure(&insert, sqlite3_prepare_v2(db, sql, -1, &insert.statement, NULL));
    return insert;
}

static void put_null(struct insert *insert)
{
    note_failure(insert, sqlite3_bind_null(insert->statement, insert->next++));
}

static void put_text(struct insert *insert, const char *text)
{
    note_failure(insert,
                 sqlite3_bind_text(insert->statement, insert->next++, text, -1, SQLITE_TRANSIENT));
}

static void put_count(struct insert *insert, uint64_t count)
{
    char text[24];
    if (count <= INT64_MAX) {
        note_failure(insert, sqlite3_bind_int64(insert->statement, insert->next++, (int64_t)count));
        return;
    }
    snprintf(text, sizeof(text), "%" PRIu64, count);
    put_text(insert, text);
}

/* SQLite stores NaN as NULL. */
static void put_number(struct insert *insert, double number)
{
    note_failure(insert, sqlite3_bind_double(insert->statement, insert->next++, number));
}

static void insert_row(struct insert *insert)
{
    if (!insert->failed)
        insert->failed = sqlite3_step(insert->statement) != SQLITE_DONE;
    if (!insert->failed) /* a reset after a failure would replace its message */
        note_failure(insert, sqlite3_reset(insert->statement));
    insert->next = 1;
}

static int insert_end(struct insert *insert, struct lr_error *err)
{
    int rc = insert->failed ? failed(insert->db, err) : 0;
    sqlite3_finalize(insert->statement);
    return rc;
}

/* ---- tables ---- */

static int fill_run(sqlite3 *db, const struct export_source *source, struct lr_error *err)
{
    const struct event_campaign *opening = campaign_opening(source->campaign);
    struct insert insert = insert_begin(db, "run", 6);
    put_count(&insert, 1);
    put_text(&insert, opening->name);
    put_text(&insert, opening->version);
    put_count(&insert, campaign_plan(source->campaign)->seed);
    put_count(&insert, campaign_finished(source->campaign));
    put_count(&insert, opening->plan_hash);
    insert_row(&insert);
    return insert_end(&insert, err);
}

/* Seeds and hashes have no column type: INTEGER would turn those above 2^63 - 1 into a REAL. */
static const char *type_of(const struct trial_cell *cell)
{
    if (cell->kind == CELL_TEXT)
        return " TEXT";
    if (cell->kind == CELL_NUMBER)
        return " REAL";
    return strcmp(cell->name, "seed") == 0 || strcmp(cell->name, "data_hash") == 0 ? ""
                                                                                   : " INTEGER";
}

static int create_trial(sqlite3 *db, const struct trial_cell *row, size_t count,
                        struct lr_error *err)
{
    char sql[64 * TRIAL_ROW_CELLS];
    size_t used = (size_t)snprintf(sql, sizeof(sql),
                                   "CREATE TABLE trial (run INTEGER NOT NULL REFERENCES run(id)");
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(sql + used, sizeof(sql) - used, ", \"%s\"%s%s", row[i].name,
                                 type_of(&row[i]), i ? "" : " PRIMARY KEY");
    snprintf(sql + used, sizeof(sql) - used, ")");
    return run_sql(db, sql, err);
}

static int fill_trials(sqlite3 *db, const struct export_source *source, struct lr_error *err)
{
    struct trial_cell row[TRIAL_ROW_CELLS];
    size_t count = trial_row_fill(row, NULL);
    int rc = create_trial(db, row, count, err);
    if (rc)
        return rc;
    struct insert insert = insert_begin(db, "trial", count + 1);
    for (size_t i = 0; i < source->trial_count && !insert.failed; i++) {
        trial_row_fill(row, source->trials[i]);
        put_count(&insert, 1);
        for (size_t c = 0; c < count; c++) {
            if (!row[c].known)
                put_null(&insert);
            else if (row[c].kind == CELL_TEXT)
                put_text(&insert, row[c].text);
            else if (row[c].kind == CELL_COUNT)
                put_count(&insert, row[c].count);
            else
                put_number(&insert, row[c].number);
        }
        insert_row(&insert);
    }
    return insert_end(&insert, err);
}

static int fill_curves(sqlite3 *db, const struct export_source *source, struct lr_error *err)
{
    struct insert insert = insert_begin(db, "curve", 3);
    for (size_t i = 0; i < source->curves->count && !insert.failed; i++) {
        const struct curve *curve = &source->curves->curves[i];
        for (size_t p = 0; p < curve->count && !insert.failed; p++) {
            put_count(&insert, i + 1);
            put_count(&insert, curve->points[p].tokens);
            put_number(&insert, curve->points[p].train_loss);
            insert_row(&insert);
        }
    }
    return insert_end(&insert, err);
}

static void put_horizon(struct insert *insert, uint32_t cell, const struct horizon_answer *horizon)
{
    put_count(insert, 1);
    put_count(insert, cell);
    put_count(insert, horizon->tokens);
    put_number(insert, horizon->lr_opt);
    put_number(insert, horizon->ci90[0]);
    put_number(insert, horizon->ci90[1]);
    put_number(insert, horizon->loss_min);
    put_number(insert, horizon->curvature);
    put_count(insert, horizon->trials);
    put_count(insert, horizon->diverged);
    put_count(insert, horizon->at_edge);
    put_count(insert, horizon->flat);
    put_number(insert, horizon->lowest_lr);
    put_number(insert, horizon->lowest_loss);
    put_count(insert, horizon->interpolated);
    put_count(insert, horizon->bracketed);
    insert_row(insert);
}

static int fill_horizons(sqlite3 *db, const struct export_source *source, struct lr_error *err)
{
    const struct answer *answer = source->answer;
    struct insert insert = insert_begin(db, "horizon", 16);
    for (size_t i = 0; i < answer->basin_count; i++)
        put_horizon(&insert, answer->basins[i].cell, &answer->basins[i].horizon);
    for (size_t i = 0; i < answer->horizon_count && answer->cell_count == 0; i++)
        put_horizon(&insert, 0, &answer->horizons[i]);
    return insert_end(&insert, err);
}

static int create_answer(sqlite3 *db, const struct export_number *numbers, struct lr_error *err)
{
    char sql[1024];
    size_t used = (size_t)snprintf(
        sql, sizeof(sql),
        "CREATE TABLE answer (run INTEGER PRIMARY KEY REFERENCES run(id), status TEXT NOT NULL, "
        "reason TEXT NOT NULL, tokens INTEGER NOT NULL, trials INTEGER NOT NULL, "
        "trained_tokens INTEGER NOT NULL");
    for (int i = 0; i < EXPORT_ANSWER_NUMBERS; i++)
        used += (size_t)snprintf(sql + used, sizeof(sql) - used, ", %s REAL", numbers[i].name);
    snprintf(sql + used, sizeof(sql) - used,
             ", confidence TEXT, bracketed INTEGER NOT NULL, back_test TEXT NOT NULL)");
    return run_sql(db, sql, err);
}

static int fill_answer(sqlite3 *db, const struct export_source *source, struct lr_error *err)
{
    const struct answer *answer = source->answer;
    struct export_number numbers[EXPORT_ANSWER_NUMBERS];
    export_answer(numbers, answer);
    int rc = create_answer(db, numbers, err);
    if (rc)
        return rc;
    struct insert insert = insert_begin(db, "answer", 9 + EXPORT_ANSWER_NUMBERS);
    put_count(&insert, 1);
    put_text(&insert, answer_status_name(answer->status));
    put_text(&insert, answer->reason);
    put_count(&insert, answer->target.tokens);
    put_count(&insert, answer->cost.trials);
    put_count(&insert, answer->cost.tokens);
    for (int i = 0; i < EXPORT_ANSWER_NUMBERS; i++)
        put_number(&insert, numbers[i].value);
    if (answer->confidence.word == CONFIDENCE_NONE)
        put_null(&insert);
    else
        put_text(&insert, confidence_name(answer->confidence.word));
    put_count(&insert, answer->confidence.bracketed);
    put_text(&insert, back_test_name(answer->confidence.back_test));
    insert_row(&insert);
    return insert_end(&insert, err);
}

static int fill_warnings(sqlite3 *db, const struct export_source *source, struct lr_error *err)
{
    const struct answer *answer = source->answer;
    struct insert insert = insert_begin(db, "warning", 2);
    for (size_t i = 0; i < answer->warning_count; i++) {
        put_count(&insert, 1);
        put_text(&insert, answer->warnings[i]);
        insert_row(&insert);
    }
    return insert_end(&insert, err);
}

static int take_bytes(sqlite3 *db, struct export_files *files, struct lr_error *err)
{
    sqlite3_int64 size = 0;
    unsigned char *image = sqlite3_serialize(db, "main", &size, 0);
    void *bytes = image ? lr_malloc((size_t)size) : NULL;
    if (bytes)
        memcpy(bytes, image, (size_t)size);
    sqlite3_free(image);
    return export_files_add(files, "", bytes, (size_t)size, err);
}

int export_sqlite(struct export_files *files, const struct export_source *source,
                  struct lr_error *err)
{
    static int (*const fill[])(sqlite3 * db, const struct export_source *source,
                               struct lr_error *err) = {fill_run,      fill_trials, fill_curves,
                                                        fill_horizons, fill_answer, fill_warnings};
    sqlite3 *db = NULL;
    char version[64];
    snprintf(version, sizeof(version), "COMMIT; PRAGMA user_version = %d", SCHEMA_VERSION);
    int rc = sqlite3_open(":memory:", &db) == SQLITE_OK ? 0 : failed(db, err);
    if (rc || (rc = run_sql(db, schema, err)))
        goto out;
    for (size_t i = 0; i < sizeof(fill) / sizeof(fill[0]); i++)
        if ((rc = fill[i](db, source, err)))
            goto out;
    if ((rc = run_sql(db, version, err)))
        goto out;
    rc = take_bytes(db, files, err);

out:
    sqlite3_close(db);
    return rc;
}
