#include "coordinator/fork.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "lrsearch/memory.h"
#include "lrsearch/version.h"
#include "store/journal.h"

struct fork {
    struct event_campaign opening;
    struct fork_trial *trials; /* by trial id - 1 */
    size_t count, capacity;
};

static int add_trial(struct fork *fork, const struct event_planned *planned, struct lr_error *err)
{
    struct fork_trial *larger =
        lr_grow(fork->trials, fork->count, &fork->capacity, sizeof(*fork->trials));
    if (!larger)
        return lr_nomem(err);
    fork->trials = larger;
    fork->trials[fork->count++] = (struct fork_trial){
        .spec = planned->spec,
        .wsd_prefix_tokens = planned->wsd_prefix_tokens,
        .purpose = planned->purpose,
    };
    return 0;
}

static int add_point(struct fork_trial *trial, const struct event_curve *point,
                     struct lr_error *err)
{
    struct event_curve *larger =
        lr_grow(trial->points, trial->point_count, &trial->point_capacity, sizeof(*trial->points));
    if (!larger)
        return lr_nomem(err);
    trial->points = larger;
    trial->points[trial->point_count++] = *point;
    return 0;
}

static struct fork_trial *trial_at(struct fork *fork, uint32_t id)
{
    return id >= 1 && id <= fork->count ? &fork->trials[id - 1] : NULL;
}

static int note_event(void *context, const struct event *event, struct lr_error *err)
{
    struct fork *fork = context;
    struct fork_trial *trial;
    switch (event->kind) {
    case EVENT_CAMPAIGN:
        fork->opening = event->as.campaign;
        return 0;
    case EVENT_PLANNED:
        return add_trial(fork, &event->as.planned, err);
    case EVENT_STARTED:
        trial = trial_at(fork, event->as.started.trial_id);
        if (trial)
            trial->start = event->as.started;
        return 0;
    case EVENT_CURVE:
        trial = trial_at(fork, event->as.curve.trial_id);
        return trial ? add_point(trial, &event->as.curve, err) : 0;
    case EVENT_ENDED:
        trial = trial_at(fork, event->as.ended.trial_id);
        if (trial && event->as.ended.result.outcome <= OUTCOME_DIVERGED) {
            trial->result = event->as.ended.result;
            trial->over = true;
        }
        return 0;
    default:
        return 0;
    }
}

bool fork_same_series(const char *version)
{
    size_t length = (size_t)(strrchr(LRSEARCH_VERSION, '.') - LRSEARCH_VERSION);
    return strncmp(version, LRSEARCH_VERSION, length) == 0 && version[length] == '.';
}

int fork_open(struct fork **out, const char *run_dir, struct lr_error *err)
{
    char path[TRIAL_PATH + 32];
    *out = NULL;
    struct fork *fork = lr_calloc(1, sizeof(*fork));
    if (!fork)
        return lr_nomem(err);
    snprintf(path, sizeof(path), "%s/journal.jsonl", run_dir);
    int rc = access(path, F_OK) == 0 ? journal_read(path, note_event, fork, err) : 0;
    if (rc)
        goto out;
    if (!fork->opening.name[0])
        rc = lr_fail(err, LR_EDATA,
                     "%s: holds no campaign to fork from; --run-dir, or output.dir of the plan, "
                     "names the old one",
                     run_dir);
    else if (!fork_same_series(fork->opening.version))
        rc = lr_fail(err, LR_EDATA,
                     "%s: was trained by lrsearch %s, and this is %s: its losses may differ; begin "
                     "a campaign from nothing with --run-dir",
                     path, fork->opening.version, LRSEARCH_VERSION);

out:
    if (rc) {
        fork_close(fork);
        return rc;
    }
    *out = fork;
    return 0;
}

void fork_close(struct fork *fork)
{
    if (!fork)
        return;
    for (size_t i = 0; i < fork->count; i++)
        lr_free(fork->trials[i].points);
    lr_free(fork->trials);
    lr_free(fork);
}

const struct event_campaign *fork_opening(const struct fork *fork)
{
    return &fork->opening;
}

const struct fork_trial *fork_trials(const struct fork *fork, size_t *count)
{
    *count = fork->count;
    return fork->trials;
}

const struct fork_trial *fork_find(const struct fork *fork, const struct trial_spec *spec)
{
    for (size_t i = 0; i < fork->count; i++)
        if (fork->trials[i].over && trial_same(&fork->trials[i].spec, spec))
            return &fork->trials[i];
    return NULL;
}
