/* Reads the journal in one pass. A curve that exceeds its points drops every second point and
 * doubles its stride, which bounds its length in memory and on the page. */
#include "report/run_history.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "store/journal.h"

/* An event's place in the history's time. A killed session counted nothing of its last seconds: the
 * next one's clock goes on before them, and its events are moved behind them. */
static double time_of(struct run_history *history, double at_s)
{
    double at = at_s + history->uncounted_s;
    if (at > history->latest_s)
        history->latest_s = at;
    return at;
}

static bool known(const struct run_history *history, uint32_t trial)
{
    return trial >= 1 && trial <= history->count;
}

static int add_part(struct run_history *history, const struct attempt *part, struct lr_error *err)
{
    struct attempt *larger = lr_grow(history->attempts, history->attempt_count,
                                     &history->attempt_capacity, sizeof(*larger));
    if (!larger)
        return lr_nomem(err);
    history->attempts = larger;
    larger[history->attempt_count++] = *part;
    history->last[part->trial - 1] = history->attempt_count;
    return 0;
}

static bool takes_part(const struct run_history *history, uint32_t trial, uint32_t rank)
{
    for (size_t at = history->last[trial - 1]; at > 0; at = history->attempts[at - 1].others)
        if (history->attempts[at - 1].rank == rank)
            return true;
    return false;
}

/* Adds the members that do not take part yet. */
static int add_members(struct run_history *history, uint32_t trial, const char *text, double at_s,
                       struct lr_error *err)
{
    int rc;
    struct group_members members;
    if (!group_members_read(&members, text, INT_MAX))
        return 0;
    for (int i = 0; i < members.size; i++) {
        const struct attempt part = {.trial = trial,
                                     .rank = (uint32_t)members.ranks[i],
                                     .outcome = HISTORY_RUNNING,
                                     .others = history->last[trial - 1],
                                     .begin_s = at_s,
                                     .end_s = at_s};
        if (!takes_part(history, trial, part.rank) && (rc = add_part(history, &part, err)))
            return rc;
    }
    if (history->widest < (uint32_t)members.size)
        history->widest = (uint32_t)members.size;
    return 0;
}

static int begin_attempt(struct run_history *history, const struct event_started *started,
                         struct lr_error *err)
{
    double at_s = time_of(history, started->at_s);
    struct attempt leader = {.trial = started->trial_id,
                             .rank = started->rank,
                             .outcome = HISTORY_RUNNING,
                             .begin_s = at_s,
                             .end_s = at_s};
    memcpy(leader.host, started->host, sizeof(leader.host));
    int rc = add_part(history, &leader, err);
    return rc ? rc : add_members(history, started->trial_id, started->members, at_s, err);
}

static void end_attempt(struct run_history *history, const struct event_ended *ended)
{
    double at_s = time_of(history, ended->at_s);
    for (size_t at = history->last[ended->trial_id - 1]; at > 0;) {
        struct attempt *part = &history->attempts[at - 1];
        part->outcome = ended->result.outcome;
        part->end_s = at_s > part->begin_s ? at_s : part->begin_s;
        at = part->others;
    }
}

static int add_point(struct run_history *history, const struct event_curve *point,
                     struct lr_error *err)
{
    struct history_curve **slot = &history->curves[point->trial_id - 1], *curve = *slot;
    if (!curve)
        curve = *slot = lr_calloc(1, sizeof(*curve));
    if (!curve)
        return lr_nomem(err);
    if (curve->stride == 0)
        curve->stride = 1;
    /* a later attempt resumes at a checkpoint and repeats what followed it */
    while (curve->count > 0 && curve->tokens[curve->count - 1] >= point->tokens)
        curve->count--;
    if (++curve->skipped < curve->stride)
        return 0;
    curve->skipped = 0;
    if (curve->count == history->points) { /* the point is the first half of a longer stride */
        curve->skipped = curve->stride;
        curve->count = history->points / 2;
        for (uint32_t i = 0; i < curve->count; i++) {
            curve->tokens[i] = curve->tokens[2 * i + 1];
            curve->loss[i] = curve->loss[2 * i + 1];
        }
        curve->stride *= 2;
        return 0;
    }
    curve->tokens[curve->count] = point->tokens;
    curve->loss[curve->count++] = point->train_loss;
    return 0;
}

static void add_steps(struct run_history *history, const struct event_steps *steps)
{
    size_t count = history->step_count;
    if (count > 0 && steps->ranks <= history->steps[count - 1].ranks) /* a later session's */
        count = 0;
    if (count < sizeof(history->steps) / sizeof(history->steps[0]))
        history->steps[count++] = *steps;
    history->step_count = count;
}

static int add_start(struct run_history *history, const struct event_session *session,
                     struct lr_error *err)
{
    struct history_start *larger =
        lr_grow(history->starts, history->start_count, &history->start_capacity, sizeof(*larger));
    if (!larger)
        return lr_nomem(err);
    history->starts = larger;
    if (history->latest_s > history->wall_s) { /* the session before was killed */
        history->uncounted_s += history->latest_s - history->wall_s;
        history->wall_s = history->latest_s;
    }
    larger[history->start_count++] = (struct history_start){*session, history->wall_s};
    return 0;
}

static int add_data(struct run_history *history, const struct event_data *data,
                    struct lr_error *err)
{
    struct event_data *larger =
        lr_grow(history->data, history->data_count, &history->data_capacity, sizeof(*larger));
    if (!larger)
        return lr_nomem(err);
    history->data = larger;
    larger[history->data_count++] = *data;
    return 0;
}

/* Of each of `count` curves; even, so that half of them are evenly spaced again. */
static uint32_t points_of(size_t count)
{
    size_t points = HISTORY_POINTS_ALL / (count + 1) / 2 * 2;
    return (uint32_t)(points > HISTORY_POINTS         ? HISTORY_POINTS
                      : points < HISTORY_POINTS_LEAST ? HISTORY_POINTS_LEAST
                                                      : points);
}

static int look_at(void *context, const struct event *event, struct lr_error *err)
{
    struct run_history *history = context;
    switch (event->kind) {
    case EVENT_CAMPAIGN:
        history->opening = event->as.campaign;
        break;
    case EVENT_DATA:
        return add_data(history, &event->as.data, err);
    case EVENT_SESSION:
        history->ranks = event->as.session.ranks;
        return add_start(history, &event->as.session, err);
    case EVENT_CLOCK:
        history->wall_s += event->as.clock.wall_s;
        break;
    case EVENT_STARTED:
        if (known(history, event->as.started.trial_id))
            return begin_attempt(history, &event->as.started, err);
        break;
    case EVENT_STEPS:
        add_steps(history, &event->as.steps);
        break;
    case EVENT_GROUP:
        if (known(history, event->as.group.trial_id))
            return add_members(history, event->as.group.trial_id, event->as.group.members,
                               time_of(history, event->as.group.at_s), err);
        break;
    case EVENT_CURVE:
        if (known(history, event->as.curve.trial_id))
            return add_point(history, &event->as.curve, err);
        break;
    case EVENT_ENDED:
        if (known(history, event->as.ended.trial_id))
            end_attempt(history, &event->as.ended);
        break;
    default:
        break;
    }
    return 0;
}

int run_history_read(struct run_history *history, const char *run_dir, size_t count,
                     struct lr_error *err)
{
    const unsigned kinds = 1u << EVENT_SESSION | 1u << EVENT_CLOCK | 1u << EVENT_STARTED |
                           1u << EVENT_CURVE | 1u << EVENT_ENDED | 1u << EVENT_GROUP |
                           1u << EVENT_STEPS | 1u << EVENT_CAMPAIGN | 1u << EVENT_DATA;
    memset(history, 0, sizeof(*history));
    history->count = count;
    history->points = points_of(count);
    history->curves = lr_calloc(count + 1, sizeof(struct history_curve *));
    history->last = lr_calloc(count + 1, sizeof(*history->last));
    int rc = history->curves && history->last
                 ? journal_read_run(run_dir, kinds, look_at, history, err)
                 : lr_nomem(err);
    if (rc)
        return rc;
    for (size_t i = 0; i < history->attempt_count; i++) {
        struct attempt *attempt = &history->attempts[i];
        if (attempt->outcome == HISTORY_RUNNING && history->wall_s > attempt->begin_s)
            attempt->end_s = history->wall_s;
        if (attempt->end_s > history->wall_s)
            history->wall_s = attempt->end_s;
    }
    return 0;
}

void run_history_release(struct run_history *history)
{
    for (size_t i = 0; history->curves && i < history->count; i++)
        lr_free(history->curves[i]);
    lr_free(history->curves);
    lr_free(history->attempts);
    lr_free(history->last);
    lr_free(history->starts);
    lr_free(history->data);
    memset(history, 0, sizeof(*history));
}
