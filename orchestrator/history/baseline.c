/* A baseline that is named must exist: baseline_find() checks it before any trial runs. The
 * previous run is looked up by baseline_compare() at the end, as the newest run that finished
 * before this one: a restart of this run finds the same baseline, even if later runs have finished
 * since. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "history/baseline.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lrsearch/log.h"
#include "history/history.h"
#include "history/run_compare.h"

int run_place_find(struct run_place *place, const char *run_dir, struct lr_error *err)
{
    char *path = realpath(run_dir, NULL); /* one name per run, whatever links or ".." lead to it */
    if (!path)
        return lr_fail_errno(err, LR_EIO, "%s", run_dir);
    const char *slash = strrchr(path, '/');
    size_t length = slash > path ? (size_t)(slash - path) : 1;
    int rc = 0;
    if (length >= sizeof(place->dir) || strlen(slash + 1) >= sizeof(place->run)) {
        rc = lr_fail(err, LR_EIO, "%s: the path is too long", path);
        goto out;
    }
    snprintf(place->dir, sizeof(place->dir), "%.*s", (int)length, path);
    snprintf(place->run, sizeof(place->run), "%s", slash + 1);
out:
    free(path); /* malloc()ed by realpath() */
    return rc;
}

static bool is_named(const struct plan *plan)
{
    return plan->baseline[0] && strcmp(plan->baseline, PLAN_PREVIOUS) != 0;
}

int baseline_find(void *context, struct lr_error *err)
{
    struct baseline *baseline = context;
    if (!is_named(baseline->plan))
        return 0;
    const char *dir = baseline->plan->baseline;
    if (run_answer_read(&baseline->then, dir, err))
        return lr_prefix(err, "baseline");
    if (!baseline->then->finished)
        return lr_fail(err, LR_EDATA,
                       "baseline: %s: that run is not finished; finish it, or name another", dir);
    return 0;
}

static void explain(struct baseline_answer *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void explain(struct baseline_answer *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(out->reason, sizeof(out->reason), format, args);
    va_end(args);
}

static bool is_gone(const char *path)
{
    return access(path, F_OK) && errno == ENOENT;
}

/* The newest run before this one whose directory still exists: users delete old runs, but the index
 * keeps their rows. *found: there is one, at `path`. */
static int find_night(const struct baseline *baseline, struct run_place *place,
                      char path[2 * TRIAL_PATH], bool *found, struct lr_error *err)
{
    struct history *history = NULL;
    struct history_run run;
    struct run_end end;
    int rc;
    *found = false;
    if ((rc = run_place_find(place, baseline->run_dir, err)))
        goto out;
    if ((rc = run_end_read(&end, baseline->run_dir, err)))
        goto out;
    if ((rc = history_open(&history, place->dir, HISTORY_READ, err)) || !history)
        goto out;
    memcpy(run.run, place->run, sizeof(run.run));
    memcpy(run.finished_utc, end.finished_utc, sizeof(run.finished_utc));
    do {
        if ((rc = history_previous(history, end.name, run.run, run.finished_utc, &run, found, err)))
            goto out;
        snprintf(path, 2 * TRIAL_PATH, "%s/%s", place->dir, run.run);
    } while (*found && is_gone(path));
out:
    history_close(history);
    return rc;
}

/* The run before this one, or NULL with out->reason set: the first run has no predecessor, and an
 * unreadable one must not prevent this run's answer. */
static const struct run_answer *find_previous(struct baseline *baseline,
                                              struct baseline_answer *out)
{
    struct run_place place;
    struct lr_error err = {0};
    char path[2 * TRIAL_PATH];
    bool found;
    if (find_night(baseline, &place, path, &found, &err))
        goto failed;
    if (!found) {
        explain(out, "there is no earlier run of %.64s", baseline->plan->name);
        lr_log(baseline->quiet ? LR_LOG_DEBUG : LR_LOG_INFO,
               "baseline: %s in %s/" HISTORY_FILE ": nothing is compared", out->reason, place.dir);
        return NULL;
    }
    snprintf(out->run_dir, sizeof(out->run_dir), "%.*s", (int)sizeof(out->run_dir) - 1, path);
    if (baseline->last && strcmp(strrchr(path, '/') + 1, baseline->last_run) == 0)
        return baseline->last;
    if (run_answer_read(&baseline->then, path, &err))
        goto failed;
    if (baseline->then->finished)
        return baseline->then;
    lr_fail(&err, LR_EDATA, "%s: is not finished any more", path);
failed:
    explain(out, "%.*s", (int)sizeof(out->reason) - 1, err.text);
    lr_log(baseline->quiet ? LR_LOG_WARNING : LR_LOG_ERROR, "baseline: nothing is compared: %s",
           err.text);
    baseline->failed = true;
    return NULL;
}

static void warn_of_drift(struct answer *answer)
{
    const struct baseline_answer *baseline = &answer->baseline;
    if (baseline->drift.lr_beyond)
        answer_warn(answer,
                    "the learning rate has moved from that of the baseline, %.160s, by more than "
                    "tolerance.lr, a factor of %.3g",
                    baseline->run_dir, baseline->limit_lr);
    if (baseline->drift.loss_beyond)
        answer_warn(answer,
                    "the loss has moved from that of the baseline, %.160s, by more than "
                    "tolerance.loss, %.3g nats",
                    baseline->run_dir, baseline->limit_loss);
}

void baseline_compare(void *context, const struct campaign *campaign, struct answer *answer)
{
    struct baseline *baseline = context;
    const struct plan *plan = baseline->plan;
    struct baseline_answer *out = &answer->baseline;
    if (!plan->baseline[0] || !campaign_finished(campaign))
        return;
    out->wanted = true;
    out->limit_lr = plan->tolerance.lr;
    out->limit_loss = plan->tolerance.loss;
    const struct run_answer *past = baseline->then;
    if (is_named(plan))
        snprintf(out->run_dir, sizeof(out->run_dir), "%s", plan->baseline);
    else
        past = find_previous(baseline, out);
    if (!past)
        return;
    const struct question then = {&past->plan, past->campaign, &past->answer};
    const struct question now = {plan, campaign, answer};
    const struct drift_limits limits = {out->limit_lr, out->limit_loss};
    run_drift(&out->drift, &then, &now, &limits);
    warn_of_drift(answer);
}

void baseline_release(struct baseline *baseline)
{
    run_answer_free(baseline->then);
    baseline->then = NULL;
}
