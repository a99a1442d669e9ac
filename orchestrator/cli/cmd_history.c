/* lrsearch history: the finished runs in a folder, as table, JSON or figure; --rebuild makes the
 * index anew from the runs' own plans and journals. */
#define _XOPEN_SOURCE 700 /* lstat, S_ISDIR */
#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "history/baseline.h"
#include "history/history_row.h"
#include "cli/options.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "lrsearch/printable.h"
#include "report/figures.h"
#include "report/summary.h"
#include "store/json_value.h"

#define LOGS "logs"
#define TELL_EVERY_S 10 /* as a run's plain progress */

/* ---- from the runs ---- */

struct found_run {
    char run[HISTORY_NAME], path[TRIAL_PATH];
    struct past_end end;
};

struct found {
    struct found_run *runs;
    size_t count, capacity;
};

static int by_time(const void *a, const void *b)
{
    const struct found_run *x = a, *y = b;
    int order = strcmp(x->end.finished_utc, y->end.finished_utc);
    return order ? order : strcmp(x->run, y->run);
}

static bool is_file(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

/* A run that cannot be read is told and left out: the others have their history all the same. */
static int add_run(struct found *found, const char *dir, const char *name, struct lr_error *err)
{
    struct found_run one = {0};
    struct lr_error why = {0};
    struct stat status;
    char journal[TRIAL_PATH + 32];
    int length = snprintf(one.path, sizeof(one.path), "%s/%s", dir, name);
    snprintf(journal, sizeof(journal), "%s/journal.jsonl", one.path);
    if (name[0] == '.' || length >= (int)sizeof(one.path) || strlen(name) >= sizeof(one.run) ||
        lstat(one.path, &status) || !S_ISDIR(status.st_mode) || !is_file(journal))
        return 0; /* a link, such as `latest`, names a run that is there by itself */
    memcpy(one.run, name, strlen(name) + 1);
    if (past_end_read(&one.end, one.path, &why)) {
        lr_log(LR_LOG_WARNING, "left out: %s", why.text);
        return 0;
    }
    struct found_run *more = lr_grow(found->runs, found->count, &found->capacity, sizeof(*more));
    if (!more)
        return lr_nomem(err);
    found->runs = more;
    more[found->count++] = one;
    return 0;
}

static int find_runs(struct found *found, const char *dir, struct lr_error *err)
{
    DIR *folder = opendir(dir);
    int rc = 0;
    if (!folder)
        return lr_fail_errno(err, LR_EIO, "%s: cannot open the folder", dir);
    for (struct dirent *entry; !rc && (entry = readdir(folder));)
        rc = add_run(found, dir, entry->d_name, err);
    closedir(folder);
    if (found->count > 0)
        qsort(found->runs, found->count, sizeof(*found->runs), by_time);
    return rc;
}

/* In the order in which they finished, so that each finds the one before it, whose answer is most
 * often that of `last`: fitting again is what takes the time. */
struct rebuilt {
    size_t count;
    const char *last_run;
    struct past_answer *last;
};

static int put_run(struct history *history, const struct found_run *found, struct rebuilt *done,
                   struct lr_error *err)
{
    struct past_answer *past = NULL;
    struct lr_error why = {0};
    struct history_run row;
    int rc = past_answer_read(&past, found->path, &why);
    if (rc == LR_ENOMEM)
        return lr_nomem(err);
    if (rc)
        lr_log(LR_LOG_WARNING, "left out: %s", why.text);
    if (rc || !past->finished) {
        past_answer_free(past);
        return history_remove(history, found->run, err);
    }
    struct baseline baseline = {.plan = &past->plan,
                                .run_dir = found->path,
                                .quiet = true,
                                .last_run = done->last_run,
                                .last = done->last};
    if (baseline_find(&baseline, &why))
        lr_log(LR_LOG_WARNING, "%s: %s", found->run, why.text);
    else
        baseline_compare(&baseline, past->campaign, &past->answer);
    history_row_fill(&row, found->run, &found->end, &past->answer);
    baseline_release(&baseline);
    past_answer_free(done->last);
    *done = (struct rebuilt){done->count + 1, found->run, past};
    return history_put(history, &row, err);
}

/* Rows of what is there no more go; of a run that finishes meanwhile the row is newer than the list
 * of rows, and stays. */
static int remove_others(struct history *history, const struct history_run *rows, size_t count,
                         const struct found *found, struct lr_error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < count; i++) {
        bool there = false;
        for (size_t k = 0; k < found->count && !there; k++)
            there = strcmp(found->runs[k].run, rows[i].run) == 0;
        if (!there)
            rc = history_remove(history, rows[i].run, err);
    }
    return rc;
}

static int rebuild(const char *dir, struct lr_error *err)
{
    struct history *history = NULL;
    struct history_run *rows = NULL;
    struct found found = {0};
    struct rebuilt done = {0};
    size_t count = 0;
    struct stat status;
    time_t told = time(NULL);
    int rc = stat(dir, &status) || !S_ISDIR(status.st_mode)
                 ? lr_fail(err, LR_EDATA, "%s: is no folder", dir)
                 : history_open(&history, dir, HISTORY_REMAKE, err);
    rc = rc ? rc : history_list(history, NULL, &rows, &count, err);
    rc = rc ? rc : find_runs(&found, dir, err);
    rc = rc ? rc : remove_others(history, rows, count, &found, err);
    for (size_t i = 0; !rc && i < found.count; i++) {
        rc = put_run(history, &found.runs[i], &done, err);
        if (difftime(time(NULL), told) >= TELL_EVERY_S) {
            lr_log(LR_LOG_INFO, "%s: %zu of %zu runs are read", dir, i + 1, found.count);
            told = time(NULL);
        }
    }
    if (!rc)
        lr_log(LR_LOG_INFO, "%s/" HISTORY_FILE ": made from %zu finished run%s", dir, done.count,
               done.count == 1 ? "" : "s");
    past_answer_free(done.last);
    lr_free(found.runs);
    lr_free(rows);
    history_close(history);
    return rc;
}

/* ---- to the reader ---- */

static void print_table(const struct history_run *runs, size_t count)
{
    int width = 3;
    for (size_t i = 0; i < count; i++)
        width = (int)strlen(runs[i].run) > width ? (int)strlen(runs[i].run) : width;
    printf("%-20s  %-*s  %-16s  %7s  %-18s  %8s  drift\n", "finished", width, "run", "status", "LR",
           "90 % interval", "loss");
    for (size_t i = 0; i < count; i++) {
        const struct history_run *run = &runs[i];
        char lr[32], ratio[32], interval[64], loss[32] = "-", moved[32] = "-", drift[96] = "-";
        if (isfinite(run->loss))
            snprintf(loss, sizeof(loss), "%.4f", run->loss);
        if (isfinite(run->drift_loss))
            snprintf(moved, sizeof(moved), "%+.3g", run->drift_loss);
        if (*run->baseline)
            snprintf(drift, sizeof(drift), "LR x %s, loss %s%s",
                     format_ratio(ratio, sizeof(ratio), run->drift_lr), moved,
                     run->drifted ? "  BEYOND" : "");
        lr_say(stdout, "%-20s  %-*s  %-16s  %7s  %-18s  %8s  %s\n", run->finished_utc, width,
               run->run, run->status, format_lr(lr, sizeof(lr), 2, run->lr),
               format_lr_interval(interval, sizeof(interval), 2, run->ci90), loss, drift);
    }
}

static json_t *row_json(const struct history_run *run, bool *ok)
{
    json_t *object = json_object();
    json_put(object, "run", json_of_text(run->run), ok);
    json_put(object, "name", json_of_text(run->name), ok);
    json_put(object, "finished_utc", json_of_text(run->finished_utc), ok);
    json_put(object, "status", json_of_text(run->status), ok);
    json_put(object, "target_tokens", json_of_count(run->target_tokens), ok);
    json_put(object, "target_width", json_of_size(run->target_width), ok);
    json_put(object, "lr", json_of_double(run->lr), ok);
    json_put(object, "ci90", json_of_interval(run->ci90), ok);
    json_put(object, "loss_tokens",
             run->loss_tokens ? json_of_count(run->loss_tokens) : json_null(), ok);
    json_put(object, "loss", json_of_double(run->loss), ok);
    json_put(object, "trials", json_of_count(run->trials), ok);
    json_put(object, "tokens", json_of_count(run->tokens), ok);
    json_put(object, "flops", json_of_double(run->flops), ok);
    json_put(object, "core_seconds", json_of_double(run->core_seconds), ok);
    json_put(object, "baseline", *run->baseline ? json_of_text(run->baseline) : json_null(), ok);
    json_put(object, "drift_lr", json_of_double(run->drift_lr), ok);
    json_put(object, "drift_lr_ci90", json_of_interval(run->drift_lr_ci90), ok);
    json_put(object, "drift_loss", json_of_double(run->drift_loss), ok);
    json_put(object, "drift_loss_ci90", json_of_interval(run->drift_loss_ci90), ok);
    json_put(object, "drifted", json_boolean(run->drifted), ok);
    json_put(object, "version", json_of_text(run->version), ok);
    json_put(object, "host", json_of_text(run->host), ok);
    return object;
}

static int print_json(const struct history_run *runs, size_t count, struct lr_error *err)
{
    bool ok = true;
    json_use_lr_memory();
    json_t *object = json_object(), *all = json_array();
    for (size_t i = 0; i < count; i++)
        if (json_array_append_new(all, row_json(&runs[i], &ok)))
            ok = false;
    json_put(object, "schema_version", json_integer(1), &ok);
    json_put(object, "runs", all, &ok);
    return json_print(object, ok, err);
}

static int plot(const char *path, const struct history_run *runs, size_t count,
                struct lr_error *err)
{
    bool drawn;
    int rc = history_figure(path, runs, count, &drawn, err);
    if (!rc && !drawn)
        lr_log(LR_LOG_WARNING,
               "%s is not drawn: gnuplot is missing or failed; its script is %s.gp, to be drawn by "
               "gnuplot anywhere",
               path, path);
    return rc;
}

static int show(const struct options *options, const char *dir, struct lr_error *err)
{
    struct history *history = NULL;
    struct history_run *runs = NULL;
    size_t count = 0;
    int rc = history_open(&history, dir, HISTORY_READ, err);
    if (!rc && !history)
        rc = lr_fail(err, LR_EDATA,
                     "%s/" HISTORY_FILE ": there is none; a run makes it beside its directory when "
                     "it is finished, and lrsearch history --rebuild for the runs before",
                     dir);
    rc = rc ? rc : history_list(history, options->name, &runs, &count, err);
    history_close(history);
    if (!rc && count == 0 && options->name)
        lr_log(LR_LOG_WARNING, "%s/" HISTORY_FILE ": no run is named %s", dir, options->name);
    if (!rc && options->plot)
        rc = plot(options->plot, runs, count, err);
    if (!rc && options->json)
        rc = print_json(runs, count, err);
    else if (!rc)
        print_table(runs, count);
    lr_free(runs);
    return rc;
}

int command_history(const struct options *options)
{
    struct lr_error err = {0};
    const char *dir = options->operand ? options->operand : LOGS;
    int rc = options->rebuild ? rebuild(dir, &err) : 0;
    rc = rc ? rc : show(options, dir, &err);
    if (rc)
        lr_log(LR_LOG_ERROR, "%s", err.text);
    return rc ? lr_error_exit_status(rc) : 0;
}
