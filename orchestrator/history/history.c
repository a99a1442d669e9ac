/* One table, one row per run, one statement per change. The columns are listed once, with their
 * members in struct history_run; the statements are built from that list. application_id and
 * user_version mark the file, so that no other program's database is written to. */
#include "history/history.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lrsearch/memory.h"

#define APPLICATION 0x6c727368 /* "lrsh" */
#define VERSION 1

/* X(column, SQL type, kind, member) */
#define COLUMN_MAP(X)                                                                              \
    X(run, "TEXT PRIMARY KEY", TEXT, run)                                                          \
    X(name, "TEXT NOT NULL", TEXT, name)                                                           \
    X(finished_utc, "TEXT NOT NULL", TEXT, finished_utc)                                           \
    X(status, "TEXT NOT NULL", TEXT, status)                                                       \
    X(version, "TEXT", TEXT, version)                                                              \
    X(host, "TEXT", TEXT, host)                                                                    \
    X(target_tokens, "INTEGER", U64, target_tokens)                                                \
    X(target_width, "INTEGER", U32, target_width)                                                  \
    X(lr, "REAL", F64, lr)                                                                         \
    X(lr_low, "REAL", F64, ci90[0])                                                                \
    X(lr_high, "REAL", F64, ci90[1])                                                               \
    X(loss_tokens, "INTEGER", U64, loss_tokens)                                                    \
    X(loss, "REAL", F64, loss)                                                                     \
    X(trials, "INTEGER", U64, trials)                                                              \
    X(tokens, "INTEGER", U64, tokens)                                                              \
    X(flops, "REAL", F64, flops)                                                                   \
    X(core_seconds, "REAL", F64, core_seconds)                                                     \
    X(baseline, "TEXT", TEXT, baseline)                                                            \
    X(drift_lr, "REAL", F64, drift_lr)                                                             \
    X(drift_lr_low, "REAL", F64, drift_lr_ci90[0])                                                 \
    X(drift_lr_high, "REAL", F64, drift_lr_ci90[1])                                                \
    X(drift_loss, "REAL", F64, drift_loss)                                                         \
    X(drift_loss_low, "REAL", F64, drift_loss_ci90[0])                                             \
    X(drift_loss_high, "REAL", F64, drift_loss_ci90[1])                                            \
    X(drifted, "INTEGER", BOOL, drifted)

enum kind { KIND_TEXT, KIND_U64, KIND_U32, KIND_F64, KIND_BOOL };

static const struct column {
    const char *name, *type;
    enum kind kind;
    size_t offset, size;
} columns[] = {
#define X(name, type, kind, member)                                                                \
    {#name, type, KIND_##kind, offsetof(struct history_run, member),                               \
     sizeof(((struct history_run *)0)->member)},
    COLUMN_MAP(X)
#undef X
};
enum { COLUMNS = sizeof(columns) / sizeof(columns[0]), SQL_TEXT = 2048 };

struct history {
    sqlite3 *db;
    char *path;
    bool empty; /* read-only, and its table is not created yet */
};

#define REMAKE                                                                                     \
    "lrsearch history --rebuild renames it to history.db.damaged and makes one from the runs "     \
    "beside it"

/* ---- errors ---- */

static int fail(const struct history *history, int code, struct lr_error *err)
{
    const char *why = history->db ? sqlite3_errmsg(history->db) : sqlite3_errstr(code);
    switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return lr_fail(err, LR_EDAMAGED, "%s: is damaged (%s); " REMAKE, history->path, why);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return lr_fail(err, LR_EIO, "%s: another process has held it for %d s; try again",
                       history->path, HISTORY_WAIT_MS / 1000);
    case SQLITE_FULL:
        return lr_fail(err, LR_ENOSPC, "%s: cannot write it: %s", history->path, why);
    case SQLITE_NOMEM:
        return lr_nomem(err);
    case SQLITE_CANTOPEN:
        return lr_fail(err, LR_ECREATE, "%s: cannot open it: %s", history->path, why);
    case SQLITE_READONLY: /* a reader could not roll back a killed writer's transaction */
        return lr_fail(
            err, LR_EIO,
            "%s: %s; a write was interrupted: run lrsearch history once where the folder "
            "can be written",
            history->path, why);
    default:
        return lr_fail(err, LR_EIO, "%s: %s", history->path, why);
    }
}

/* ---- statements ---- */

/* Binds `texts` (NULL: none) to ?1, ?2, ... of the statement. */
static int prepare(struct history *history, sqlite3_stmt **out, const char *sql,
                   const char *const *texts, struct lr_error *err)
{
    int code = sqlite3_prepare_v2(history->db, sql, -1, out, NULL);
    int count = code == SQLITE_OK && texts ? sqlite3_bind_parameter_count(*out) : 0;
    for (int i = 0; code == SQLITE_OK && i < count; i++)
        code = sqlite3_bind_text(*out, i + 1, texts[i], -1, SQLITE_STATIC);
    return code == SQLITE_OK ? 0 : fail(history, code, err);
}

/* Runs a statement that returns no rows. */
static int step_to_end(struct history *history, sqlite3_stmt *statement, struct lr_error *err)
{
    int code = sqlite3_step(statement);
    return code == SQLITE_DONE ? 0 : fail(history, code, err);
}

/* Runs statements that return no rows and take no values. */
static int execute(struct history *history, const char *sql, struct lr_error *err)
{
    int code = sqlite3_exec(history->db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? 0 : fail(history, code, err);
}

static int read_number(struct history *history, const char *sql, int64_t *out, struct lr_error *err)
{
    sqlite3_stmt *statement = NULL;
    int code, rc;
    if ((rc = prepare(history, &statement, sql, NULL, err)))
        goto out;
    if ((code = sqlite3_step(statement)) == SQLITE_ROW)
        *out = sqlite3_column_int64(statement, 0); /* without a row it would change the error */
    else
        rc = fail(history, code, err);
out:
    sqlite3_finalize(statement);
    return rc;
}

/* Writes "name, ..." or "name TYPE, ...". */
static void list_columns(char out[SQL_TEXT], bool types)
{
    size_t used = 0;
    for (int i = 0; i < COLUMNS; i++)
        used += (size_t)snprintf(out + used, SQL_TEXT - used, "%s%s%s%s", i ? ", " : "",
                                 columns[i].name, types ? " " : "", types ? columns[i].type : "");
}

/* ---- the file ---- */

/* One transaction: the first of several processes creates the table. */
static int make_table(struct history *history, struct lr_error *err)
{
    char names[SQL_TEXT], sql[SQL_TEXT + 128];
    struct lr_error second = {0};
    int64_t tables = 0;
    int rc;
    list_columns(names, true);
    snprintf(sql, sizeof(sql),
             "CREATE TABLE IF NOT EXISTS runs (%s); PRAGMA application_id = %d; "
             "PRAGMA user_version = %d",
             names, APPLICATION, VERSION);
    if ((rc = execute(history, "BEGIN IMMEDIATE", err)))
        return rc;
    if ((rc = read_number(history, "SELECT count(*) FROM sqlite_master", &tables, err)))
        goto undo;
    if (tables == 0 && (rc = execute(history, sql, err)))
        goto undo;
    return execute(history, "COMMIT", err);

undo:
    execute(history, "ROLLBACK", &second);
    return rc;
}

/* The schema must be ours and have no triggers, so that reading runs no foreign SQL and every
 * column exists. */
static int check_table(struct history *history, struct lr_error *err)
{
    char names[SQL_TEXT], sql[SQL_TEXT + 256];
    int64_t ours = 0;
    list_columns(names, true);
    snprintf(
        sql, sizeof(sql),
        "SELECT (SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'runs' AND "
        "sql = 'CREATE TABLE runs (%s)') - (SELECT count(*) FROM sqlite_master WHERE type = "
        "'trigger')",
        names);
    int rc = read_number(history, sql, &ours, err);
    if (!rc && ours != 1)
        rc = lr_fail(err, LR_EDAMAGED,
                     "%s: is damaged (its table is not the one of a history); " REMAKE,
                     history->path);
    return rc;
}

/* Checks that it is a history of this version, and intact as far as `use` requires. */
static int check_database(struct history *history, enum history_use use, struct lr_error *err)
{
    int64_t tables = 0, application = 0, version = 0, damage = 0;
    int rc;
    if ((rc = read_number(history, "SELECT count(*) FROM sqlite_master", &tables, err)))
        return rc;
    history->empty = tables == 0 && use == HISTORY_READ;
    if (tables == 0 && use != HISTORY_READ && (rc = make_table(history, err)))
        return rc;
    if ((rc = read_number(history, "PRAGMA application_id", &application, err)))
        return rc;
    if ((rc = read_number(history, "PRAGMA user_version", &version, err)))
        return rc;
    bool ours = application == APPLICATION && version == VERSION;
    if (ours && !history->empty && (rc = check_table(history, err)))
        return rc;
    /* Checks all pages, not only those that are read. No argument: SQLite 3.46 takes
     * pragma_integrity_check(1) for a table named 1. */
    if (use != HISTORY_WRITE &&
        (rc = read_number(history,
                          "SELECT integrity_check <> 'ok' FROM pragma_integrity_check LIMIT 1",
                          &damage, err)))
        return rc;
    if (damage)
        return fail(history, SQLITE_CORRUPT, err);
    if (ours && use == HISTORY_REMAKE) { /* checks the values */
        struct history_run *runs;
        size_t count;
        if ((rc = history_list(history, NULL, &runs, &count, err)))
            return rc;
        lr_free(runs);
    }
    if (history->empty || ours)
        return 0;
    return lr_fail(err, LR_EDAMAGED,
                   application == APPLICATION
                       ? "%s: was written by another version of lrsearch; use that one, or make it "
                         "anew with lrsearch history --rebuild"
                       : "%s: is no history of lrsearch; " REMAKE,
                   history->path);
}

/* A rollback journal may name another file, which SQLite deletes after it. Ours never does, because
 * there is one database only; such a name is ignored. */
static int remove_own_only(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
    static const char own[] = HISTORY_FILE "-";
    const char *slash = strrchr(name, '/');
    if (strncmp(slash ? slash + 1 : name, own, sizeof(own) - 1) != 0)
        return SQLITE_OK;
    return sqlite3_vfs_find(NULL)->xDelete(vfs, name, sync_folder);
}

#define SYSTEM "lrsearch"

/* Registers a VFS that is the system's default except for xDelete. */
static int open_system(void)
{
    static sqlite3_vfs ours;
    int code = sqlite3_initialize();
    if (code != SQLITE_OK || ours.zName)
        return code;
    ours = *sqlite3_vfs_find(NULL);
    ours.zName = SYSTEM;
    ours.xDelete = remove_own_only;
    return sqlite3_vfs_register(&ours, 0);
}

static int open_database(struct history *history, int flags, struct lr_error *err)
{
    int code = open_system();
    if (code == SQLITE_OK)
        code = sqlite3_open_v2(history->path, &history->db, flags, SYSTEM);
    if (code != SQLITE_OK)
        return fail(history, code, err);
    sqlite3_busy_timeout(history->db, HISTORY_WAIT_MS);
    return 0;
}

/* A killed writer leaves a rollback journal, which SQLite must apply before any read, and cannot
 * through a read-only connection. */
static bool needs_rollback(sqlite3 *db)
{
    int code = sqlite3_exec(db, "SELECT count(*) FROM sqlite_master", NULL, NULL, NULL);
    return (code & 0xff) == SQLITE_READONLY;
}

/* Refuses a rollback journal of another user, which SQLite would apply, and one that is no regular
 * file: on a pipe SQLite would block for ever. */
static int check_rollback(const char *path, struct lr_error *err)
{
    struct stat database, status;
    size_t size = strlen(path) + sizeof("-journal");
    char *name = lr_malloc(size);
    if (!name)
        return lr_nomem(err);
    snprintf(name, size, "%s-journal", path);
    int rc = 0;
    if (lstat(name, &status) == 0 && !S_ISREG(status.st_mode))
        rc = lr_fail(err, LR_EDAMAGED, "%s: is no regular file; " REMAKE, name);
    else if (lstat(name, &status) == 0 && stat(path, &database) == 0 &&
             status.st_uid != geteuid() && status.st_uid != database.st_uid)
        rc = lr_fail(err, LR_ECREATE,
                     "%s: belongs to another user (uid %u), who could change the history with it; "
                     "remove it",
                     name, (unsigned)status.st_uid);
    lr_free(name);
    return rc;
}

static int open_file(struct history *history, enum history_use use, struct lr_error *err)
{
    struct stat status; /* SQLite would block for ever on a pipe */
    if (stat(history->path, &status) == 0 && !S_ISREG(status.st_mode))
        return lr_fail(err, LR_EDAMAGED, "%s: is no regular file; " REMAKE, history->path);
    int rc = check_rollback(history->path, err);
    if (rc)
        return rc;
    if (use != HISTORY_READ) { /* 0600; SQLite would create it by the umask */
        int file = open(history->path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (file < 0 && errno == ELOOP)
            return lr_fail(err, LR_ECREATE, "%s: is a symbolic link; move it away", history->path);
        if (file < 0)
            return lr_fail_errno(err, LR_ECREATE, "%s: cannot write it", history->path);
        close(file);
    }
    bool read = use == HISTORY_READ;
    if ((rc = open_database(history, read ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE, err)))
        return rc;
    if (read && needs_rollback(history->db)) {
        sqlite3_close(history->db);
        if ((rc = open_database(history, SQLITE_OPEN_READWRITE, err)))
            return rc;
    }
    return check_database(history, use, err);
}

static int rename_to_damaged(const char *path, const char *suffix, struct lr_error *err)
{
    size_t size = strlen(path) + sizeof(".damaged-journal") + strlen(suffix);
    char *from = lr_malloc(size), *to = lr_malloc(size);
    int rc = from && to ? 0 : lr_nomem(err);
    if (rc)
        goto out;
    snprintf(from, size, "%s%s", path, suffix);
    snprintf(to, size, "%s.damaged%s", path, suffix);
    if (rename(from, to) && errno != ENOENT)
        rc = lr_fail_errno(err, LR_ECREATE, "%s: cannot rename it", from);

out:
    lr_free(from);
    lr_free(to);
    return rc;
}

static int remake_file(struct history *history, struct lr_error *err)
{
    int rc;
    sqlite3_close(history->db);
    history->db = NULL;
    /* The journal first: SQLite would roll it back into the new file. */
    if ((rc = rename_to_damaged(history->path, "-journal", err)))
        return rc;
    if ((rc = rename_to_damaged(history->path, "", err)))
        return rc;
    return open_file(history, HISTORY_WRITE, err);
}

int history_open(struct history **out, const char *dir, enum history_use use, struct lr_error *err)
{
    struct lr_error why = {0};
    size_t size = strlen(dir) + sizeof("/" HISTORY_FILE);
    struct history *history = lr_calloc(1, sizeof(*history));
    int rc = 0;
    *out = NULL;
    if (!history || !(history->path = lr_malloc(size))) {
        rc = lr_nomem(err);
        goto out;
    }
    snprintf(history->path, size, "%s/" HISTORY_FILE, dir);
    if (use == HISTORY_READ && access(history->path, F_OK) && errno == ENOENT)
        goto out;
    rc = open_file(history, use, &why);
    if (rc == LR_EDAMAGED && use == HISTORY_REMAKE)
        rc = remake_file(history, err);
    else if (rc)
        lr_fail(err, rc, "%s", why.text);
    if (!rc && !history->empty) {
        *out = history;
        history = NULL;
    }
out:
    history_close(history);
    return rc;
}

void history_close(struct history *history)
{
    if (!history)
        return;
    sqlite3_close(history->db);
    lr_free(history->path);
    lr_free(history);
}

/* ---- rows ---- */

static int bind_member(sqlite3_stmt *statement, int at, const struct column *column,
                       const void *member)
{
    switch (column->kind) {
    case KIND_TEXT:
        return sqlite3_bind_text(statement, at, member, -1, SQLITE_STATIC);
    case KIND_U64:
        return sqlite3_bind_int64(statement, at, (int64_t) * (const uint64_t *)member);
    case KIND_U32:
        return sqlite3_bind_int64(statement, at, *(const uint32_t *)member);
    case KIND_BOOL:
        return sqlite3_bind_int64(statement, at, *(const bool *)member);
    case KIND_F64:
        break;
    }
    double value = *(const double *)member; /* infinite interval ends are stored */
    return isnan(value) ? sqlite3_bind_null(statement, at)
                        : sqlite3_bind_double(statement, at, value);
}

/* False if the value does not fit its column: SQLite stores any type in any column, and would
 * convert a text to 0. */
static bool fetch_member(sqlite3_stmt *statement, int at, const struct column *column, void *member)
{
    int type = sqlite3_column_type(statement, at);
    sqlite3_int64 whole = sqlite3_column_int64(statement, at);
    if (type == SQLITE_NULL) { /* others stay "", 0 or false */
        if (column->kind == KIND_F64)
            *(double *)member = NAN;
        return true;
    }
    switch (column->kind) {
    case KIND_TEXT:
        return type == SQLITE_TEXT &&
               (size_t)snprintf(member, column->size, "%s", sqlite3_column_text(statement, at)) <
                   column->size;
    case KIND_U64:
        *(uint64_t *)member = (uint64_t)whole;
        return type == SQLITE_INTEGER && whole >= 0;
    case KIND_U32:
        *(uint32_t *)member = (uint32_t)whole;
        return type == SQLITE_INTEGER && whole >= 0 && whole <= UINT32_MAX;
    case KIND_BOOL:
        *(bool *)member = whole != 0;
        return type == SQLITE_INTEGER && (whole == 0 || whole == 1);
    case KIND_F64:
        *(double *)member = sqlite3_column_double(statement, at);
        return type == SQLITE_FLOAT || type == SQLITE_INTEGER;
    }
    return false;
}

static int fetch_run(struct history *history, sqlite3_stmt *statement, struct history_run *run,
                     struct lr_error *err)
{
    memset(run, 0, sizeof(*run));
    for (int i = 0; i < COLUMNS; i++)
        if (!fetch_member(statement, i, &columns[i], (char *)run + columns[i].offset))
            return lr_fail(
                err, LR_EDAMAGED,
                "%s: is damaged (its run %.64s has a value that cannot be in column %s); " REMAKE,
                history->path, run->run, columns[i].name);
    return 0;
}

int history_put(struct history *history, const struct history_run *run, struct lr_error *err)
{
    char names[SQL_TEXT], sql[SQL_TEXT + 256];
    sqlite3_stmt *statement = NULL;
    int rc;
    list_columns(names, false);
    size_t used =
        (size_t)snprintf(sql, sizeof(sql), "INSERT OR REPLACE INTO runs (%s) VALUES (", names);
    for (int i = 0; i < COLUMNS; i++)
        used +=
            (size_t)snprintf(sql + used, sizeof(sql) - used, "?%s", i + 1 < COLUMNS ? "," : ")");
    if ((rc = prepare(history, &statement, sql, NULL, err)))
        goto out;
    for (int i = 0; i < COLUMNS; i++) {
        const char *member = (const char *)run + columns[i].offset;
        int code = bind_member(statement, i + 1, &columns[i], member);
        if (code != SQLITE_OK) {
            rc = fail(history, code, err);
            goto out;
        }
    }
    rc = step_to_end(history, statement, err);
out:
    sqlite3_finalize(statement);
    return rc;
}

int history_remove(struct history *history, const char *run, struct lr_error *err)
{
    sqlite3_stmt *statement = NULL;
    int rc;
    if ((rc = prepare(history, &statement, "DELETE FROM runs WHERE run = ?", &run, err)))
        goto out;
    rc = step_to_end(history, statement, err);

out:
    sqlite3_finalize(statement);
    return rc;
}

/* Runs "SELECT ... FROM runs " + rest, with `texts` for ?1, ?2, ... */
static int select_runs(struct history *history, const char *rest, const char *const *texts,
                       struct history_run **runs, size_t *count, struct lr_error *err)
{
    char names[SQL_TEXT], sql[SQL_TEXT + 512];
    sqlite3_stmt *statement = NULL;
    struct history_run *all = NULL;
    size_t used = 0, capacity = 0;
    int code, rc;
    *runs = NULL;
    *count = 0;
    list_columns(names, false);
    snprintf(sql, sizeof(sql), "SELECT %s FROM runs %s", names, rest);
    if ((rc = prepare(history, &statement, sql, texts, err)))
        goto out;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct history_run *more = lr_grow(all, used, &capacity, sizeof(*all));
        if (!more) {
            rc = lr_nomem(err);
            goto out;
        }
        all = more;
        if ((rc = fetch_run(history, statement, &all[used++], err)))
            goto out;
    }
    if (code != SQLITE_DONE) {
        rc = fail(history, code, err);
        goto out;
    }
    *runs = all;
    *count = used;
    all = NULL;
out:
    sqlite3_finalize(statement);
    lr_free(all);
    return rc;
}

int history_list(struct history *history, const char *name, struct history_run **runs,
                 size_t *count, struct lr_error *err)
{
    return select_runs(history, "WHERE ?1 IS NULL OR name = ?1 ORDER BY finished_utc, run", &name,
                       runs, count, err);
}

int history_previous(struct history *history, const char *name, const char *run,
                     const char *finished_utc, struct history_run *out, bool *found,
                     struct lr_error *err)
{
    const char *texts[3] = {name, run, finished_utc};
    struct history_run *runs;
    size_t count;
    int rc = select_runs(history,
                         "WHERE name = ?1 AND run <> ?2 AND (finished_utc, run) < (?3, ?2)"
                         " ORDER BY finished_utc DESC, run DESC LIMIT 1",
                         texts, &runs, &count, err);
    *found = count > 0;
    if (count > 0)
        *out = runs[0];
    lr_free(runs);
    return rc;
}
