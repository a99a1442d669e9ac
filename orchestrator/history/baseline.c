/* A run that is named must be there: the user counts on it, and is told before anything is trained.
 * The previous one is looked for at the end, when it is clear what came before: the same run given
 * again finds the same one, however many have finished since. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "history/baseline.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "history/history.h"

int run_place_find(struct run_place *place, const char *run_dir, struct lr_error *err)
{
    char *path = realpath(run_dir, NULL); /* links and ".." would give one run several names */
    if (!path)
        return lr_fail_errno(err, LR_EIO, "%s", run_dir);
    const char *slash = strrchr(path, '/');
    size_t length = slash > path ? (size_t)(slash - path) : 1;
    int rc = length < sizeof(place->dir) && strlen(slash + 1) < sizeof(place->run)
                 ? 0
                 : lr_fail(err, LR_EIO, "%s: the path is too long", path);
    if (!rc) {
        snprintf(place->dir, sizeof(place->dir), "%.*s", (int)length, path);
        snprintf(place->run, sizeof(place->run), "%s", slash + 1);
    }
    free(path); /* realpath's own allocation */
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
    int rc = run_answer_read(&baseline->then, dir, err);
    if (rc)
        lr_prefix(err, "baseline");
    else if (!baseline->then->finished)
        rc = lr_fail(err, LR_EDATA,
                     "baseline: %s: that run is not finished; finish it, or name another", dir);
    return rc;
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

/* The newest run before this one whose directory is still there: old nights are cleared away, and
 * the index keeps their rows. */
static int find_row(struct history *history, const struct run_place *place,
                    const struct run_end *end, char path[2 * TRIAL_PATH], bool *found,
                    struct lr_error *err)
{
    struct history_run run;
    memcpy(run.run, place->run, sizeof(run.run));
    memcpy(run.finished_utc, end->finished_utc, sizeof(run.finished_utc));
    int rc;
    do {
        rc = history_previous(history, end->name, run.run, run.finished_utc, &run, found, err);
        if (!rc && *found)
            snprintf(path, 2 * TRIAL_PATH, "%s/%s", place->dir, run.run);
    } while (!rc && *found && is_gone(path));
    return rc;
}

/* The run before this one, if there is one that can be read; otherwise out->reason says why not:
 * the first night has none, and last night's trouble must not spoil this night's answer. */
static const struct run_answer *find_previous(struct baseline *baseline,
                                              struct baseline_answer *out)
{
    struct history *history = NULL;
    struct run_end end;
    struct run_place place;
    struct lr_error err = {0};
    char path[2 * TRIAL_PATH];
    bool found = false;
    int rc = run_place_find(&place, baseline->run_dir, &err);
    rc = rc ? rc : run_end_read(&end, baseline->run_dir, &err);
    rc = rc ? rc : history_open(&history, place.dir, HISTORY_READ, &err);
    if (!rc && history)
        rc = find_row(history, &place, &end, path, &found, &err);
    history_close(history);
    if (!rc && !found) {
        explain(out, "there is no earlier run of %.64s", baseline->plan->name);
        lr_log(baseline->quiet ? LR_LOG_DEBUG : LR_LOG_INFO,
               "baseline: %s in %s/" HISTORY_FILE ": nothing is compared", out->reason, place.dir);
        return NULL;
    }
    if (!rc) {
        snprintf(out->run_dir, sizeof(out->run_dir), "%.*s", (int)sizeof(out->run_dir) - 1, path);
        if (baseline->last && strcmp(strrchr(path, '/') + 1, baseline->last_run) == 0)
            return baseline->last;
        rc = run_answer_read(&baseline->then, path, &err);
    }
    if (!rc && !baseline->then->finished)
        rc = lr_fail(&err, LR_EDATA, "%s: is not finished any more", path);
    if (rc) {
        explain(out, "%.*s", (int)sizeof(out->reason) - 1, err.text);
        lr_log(baseline->quiet ? LR_LOG_WARNING : LR_LOG_ERROR, "baseline: nothing is compared: %s",
               err.text);
        baseline->failed = true;
    }
    return rc ? NULL : baseline->then;
}

static void warn(struct answer *answer)
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
    warn(answer);
}

void baseline_release(struct baseline *baseline)
{
    run_answer_free(baseline->then);
    baseline->then = NULL;
}
