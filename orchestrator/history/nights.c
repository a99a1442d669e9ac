/* Rows of the history: night_record() writes the row of a run that has just finished,
 * nights_rebuild() those of all runs in a folder, in the order in which they finished. */
#define _XOPEN_SOURCE 700 /* lstat, S_ISDIR */
#include "history/nights.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include "history/baseline.h"
#include "history/history.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"

#define TELL_EVERY_S 10 /* as often as a run's plain progress lines */

/* Copies the last part of a path, which may end in slashes. */
static void copy_last_part(char out[HISTORY_NAME], const char *path)
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    size_t begin = end;
    while (begin > 0 && path[begin - 1] != '/')
        begin--;
    size_t length = end - begin < HISTORY_NAME - 1 ? end - begin : HISTORY_NAME - 1;
    memcpy(out, path + begin, length);
    out[length] = '\0';
}

static void fill_row(struct history_run *row, const char *run, const struct run_end *end,
                     const struct answer *answer)
{
    const struct target_answer *target = &answer->target;
    const struct baseline_answer *baseline = &answer->baseline;
    const struct drift *drift = &baseline->drift;
    *row = (struct history_run){.target_tokens = target->tokens,
                                .target_width = target->width,
                                .lr = target->lr,
                                .ci90 = {target->ci90[0], target->ci90[1]},
                                .loss = NAN,
                                .trials = answer->cost.trials,
                                .tokens = answer->cost.tokens,
                                .flops = answer->cost.flops,
                                .core_seconds = answer->cost.core_seconds,
                                .drift_lr = NAN,
                                .drift_lr_ci90 = {NAN, NAN},
                                .drift_loss = NAN,
                                .drift_loss_ci90 = {NAN, NAN},
                                .drifted = answer_drifted(answer)};
    snprintf(row->run, sizeof(row->run), "%s", run);
    snprintf(row->name, sizeof(row->name), "%s", end->name);
    snprintf(row->finished_utc, sizeof(row->finished_utc), "%s", end->finished_utc);
    snprintf(row->status, sizeof(row->status), "%s", answer_status_name(answer->status));
    snprintf(row->version, sizeof(row->version), "%s", end->version);
    snprintf(row->host, sizeof(row->host), "%s", end->host);
    for (size_t h = 0; h < answer->horizon_count; h++)
        if (isfinite(answer->horizons[h].lr_opt) && isfinite(answer->horizons[h].loss_min)) {
            row->loss_tokens = answer->horizons[h].tokens;
            row->loss = answer->horizons[h].loss_min;
        }
    if (!baseline->wanted || !baseline->run_dir[0] || baseline->reason[0])
        return;
    copy_last_part(row->baseline, baseline->run_dir);
    row->drift_lr = drift->lr_ratio;
    row->drift_loss = drift->loss_difference;
    memcpy(row->drift_lr_ci90, drift->lr_ci90, sizeof(row->drift_lr_ci90));
    memcpy(row->drift_loss_ci90, drift->loss_ci90, sizeof(row->drift_loss_ci90));
}

int night_record(const char *run_dir, const struct plan *plan, const struct answer *answer)
{
    struct history *history = NULL;
    struct history_run row;
    struct run_end end;
    struct run_place place;
    struct lr_error err = {0};
    int rc;
    if ((rc = run_place_find(&place, run_dir, &err)))
        goto out;
    if ((rc = run_end_read(&end, run_dir, &err)))
        goto out;
    if ((rc = history_open(&history, place.dir, HISTORY_WRITE, &err)))
        goto out;
    fill_row(&row, place.run, &end, answer);
    rc = history_put(history, &row, &err);
out:
    if (rc)
        lr_log(plan->baseline[0] ? LR_LOG_ERROR : LR_LOG_WARNING,
               "the run is not in the history: %s", err.text);
    history_close(history);
    return rc;
}

/* ---- all of a folder ---- */

struct found_run {
    char run[HISTORY_NAME], path[TRIAL_PATH];
    struct run_end end;
};

struct found {
    struct found_run *runs;
    size_t count, capacity;
};

static int compare_finish(const void *a, const void *b)
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

/* Adds a run; one that cannot be read is skipped with a warning, so that the others are indexed. */
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
        return 0; /* a link, such as `latest`, names a run that is listed anyway */
    memcpy(one.run, name, strlen(name) + 1);
    if (run_end_read(&one.end, one.path, &why)) {
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
    for (struct dirent *entry; (entry = readdir(folder));)
        if ((rc = add_run(found, dir, entry->d_name, err)))
            break;
    closedir(folder);
    if (found->count > 0)
        qsort(found->runs, found->count, sizeof(*found->runs), compare_finish);
    return rc;
}

/* State of the rebuild, in the order in which runs finished: the baseline of a run is most often
 * `last`, which saves fitting it again. */
struct rebuilt {
    size_t count;
    const char *last_run;
    struct run_answer *last;
};

static int rebuild_run(struct history *history, const struct found_run *found, struct rebuilt *done,
                       struct lr_error *err)
{
    struct run_answer *run = NULL;
    struct lr_error why = {0};
    struct history_run row;
    int rc = run_answer_read(&run, found->path, &why);
    if (rc == LR_ENOMEM)
        return lr_nomem(err);
    if (rc)
        lr_log(LR_LOG_WARNING, "left out: %s", why.text);
    if (rc || !run->finished) {
        run_answer_free(run);
        return history_remove(history, found->run, err);
    }
    struct baseline baseline = {.plan = &run->plan,
                                .run_dir = found->path,
                                .quiet = true,
                                .last_run = done->last_run,
                                .last = done->last};
    if (baseline_find(&baseline, &why))
        lr_log(LR_LOG_WARNING, "%s: %s", found->run, why.text);
    else
        baseline_compare(&baseline, run->campaign, &run->answer);
    fill_row(&row, found->run, &found->end, &run->answer);
    baseline_release(&baseline);
    run_answer_free(done->last);
    *done = (struct rebuilt){done->count + 1, found->run, run};
    return history_put(history, &row, err);
}

/* Removes the rows of vanished runs. `rows` is older than `found`, so a run that finishes meanwhile
 * keeps its row. */
static int remove_vanished(struct history *history, const struct history_run *rows, size_t count,
                           const struct found *found, struct lr_error *err)
{
    for (size_t i = 0; i < count; i++) {
        bool there = false;
        int rc;
        for (size_t k = 0; k < found->count && !there; k++)
            there = strcmp(found->runs[k].run, rows[i].run) == 0;
        if (!there && (rc = history_remove(history, rows[i].run, err)))
            return rc;
    }
    return 0;
}

int nights_rebuild(const char *dir, struct lr_error *err)
{
    struct history *history = NULL;
    struct history_run *rows = NULL;
    struct found found = {0};
    struct rebuilt done = {0};
    size_t count = 0;
    struct stat status;
    time_t told = time(NULL);
    int rc;
    if (stat(dir, &status) || !S_ISDIR(status.st_mode))
        return lr_fail(err, LR_EDATA, "%s: is no folder", dir);
    if ((rc = history_open(&history, dir, HISTORY_REMAKE, err)))
        goto out;
    if ((rc = history_list(history, NULL, &rows, &count, err)))
        goto out;
    if ((rc = find_runs(&found, dir, err)))
        goto out;
    if ((rc = remove_vanished(history, rows, count, &found, err)))
        goto out;
    for (size_t i = 0; i < found.count; i++) {
        if ((rc = rebuild_run(history, &found.runs[i], &done, err)))
            goto out;
        if (difftime(time(NULL), told) >= TELL_EVERY_S) {
            lr_log(LR_LOG_INFO, "%s: %zu of %zu runs are read", dir, i + 1, found.count);
            told = time(NULL);
        }
    }
    lr_log(LR_LOG_INFO, "%s/" HISTORY_FILE ": made from %zu finished run%s", dir, done.count,
           done.count == 1 ? "" : "s");
out:
    run_answer_free(done.last);
    lr_free(found.runs);
    lr_free(rows);
    history_close(history);
    return rc;
}
