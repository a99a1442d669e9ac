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
    fork->trials[fork->count++] = (struct fork_trial){.spec = planned->spec};
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

static int take(void *context, const struct event *event, struct lr_error *err)
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

int fork_open(struct fork **out, const char *run_dir, struct lr_error *err)
{
    char path[TRIAL_PATH + 32];
    *out = NULL;
    struct fork *fork = lr_calloc(1, sizeof(*fork));
    if (!fork)
        return lr_nomem(err);
    snprintf(path, sizeof(path), "%s/journal.jsonl", run_dir);
    int rc = access(path, F_OK) == 0 ? journal_read(path, take, fork, err) : 0;
    if (!rc && !fork->opening.name[0])
        rc = lr_fail(err, LR_EDATA,
                     "%s: holds no campaign to fork from; --run-dir, or output.dir of the plan, "
                     "names the old one",
                     run_dir);
    else if (!rc && strcmp(fork->opening.version, LRSEARCH_VERSION) != 0)
        rc = lr_fail(err, LR_EDATA,
                     "%s: was trained by lrsearch %s, and this is %s: its losses may differ; begin "
                     "a campaign from nothing with --run-dir",
                     path, fork->opening.version, LRSEARCH_VERSION);
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

/* Fields that do not change what is trained. */
static bool is_circumstance(const struct field *field)
{
    return field->offset == offsetof(struct trial_spec, data_path) ||
           field->offset == offsetof(struct trial_spec, wsd_prefix_dir) ||
           field->offset == offsetof(struct trial_spec, wsd_prefix_tokens);
}

static bool same_field(const struct field *field, const void *a, const void *b)
{
    const char *left = (const char *)a + field->offset, *right = (const char *)b + field->offset;
    if (field->type == FIELD_TEXT)
        return strcmp(left, right) == 0;
    if (field->type != FIELD_STRUCT)
        return memcmp(left, right, field->size) == 0;
    for (size_t i = 0; i < field->sub->count; i++)
        if (!same_field(&field->sub->fields[i], left, right))
            return false;
    return true;
}

static bool same_training(const struct trial_spec *a, const struct trial_spec *b)
{
    for (size_t i = 0; i < trial_spec_fields.count; i++) {
        const struct field *field = &trial_spec_fields.fields[i];
        if (!is_circumstance(field) && !same_field(field, a, b))
            return false;
    }
    return true;
}

const struct fork_trial *fork_find(const struct fork *fork, const struct trial_spec *spec)
{
    for (size_t i = 0; i < fork->count; i++)
        if (fork->trials[i].over && same_training(&fork->trials[i].spec, spec))
            return &fork->trials[i];
    return NULL;
}
