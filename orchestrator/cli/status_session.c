/* Time is the journal's CLOCK, which beats every 15 s, and what passed since by the clocks of two
 * hosts, so never more than a beat. */
#define _DEFAULT_SOURCE /* timegm */
#include "cli/status_session.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "store/run_lock.h"

static int set_workers(struct status_session *session, uint32_t count, struct lr_error *err)
{
    struct status_worker *workers = lr_realloc(session->workers, (count + 1) * sizeof(*workers));
    if (!workers)
        return lr_nomem(err);
    memset(workers, 0, (count + 1) * sizeof(*workers));
    for (uint32_t i = 0; i < count; i++)
        workers[i].rank = i + 1;
    session->workers = workers;
    session->worker_count = count;
    return 0;
}

/* NULL: nobody trains there (a result that was taken over). */
static struct status_worker *worker_of(struct status_session *session, uint32_t rank)
{
    return rank >= 1 && rank <= session->worker_count ? &session->workers[rank - 1] : NULL;
}

struct status_began *status_session_began(struct status_session *session, uint32_t id)
{
    while (id >= session->began_capacity) {
        size_t old = session->began_capacity;
        struct status_began *larger =
            lr_grow(session->began, old, &session->began_capacity, sizeof(*larger));
        if (!larger)
            return NULL;
        memset(larger + old, 0, (session->began_capacity - old) * sizeof(*larger));
        session->began = larger;
    }
    return &session->began[id];
}

/* Without memory the speed is only less exact. */
static void count_tokens(struct status_session *session, uint32_t id, uint64_t begun,
                         uint64_t tokens)
{
    struct status_began *began = status_session_began(session, id);
    uint64_t seen = began && began->tokens > begun ? began->tokens : begun;
    if (!began || tokens <= seen)
        return;
    session->tokens += tokens - seen;
    began->tokens = tokens;
}

static int on_started(struct status_session *session, const struct event_started *started,
                      struct lr_error *err)
{
    struct status_worker *worker = worker_of(session, started->rank);
    struct status_began *began = status_session_began(session, started->trial_id);
    if (!began)
        return lr_nomem(err);
    *began = (struct status_began){.clock_s = session->clock_s};
    if (worker) {
        memcpy(worker->host, started->host, sizeof(worker->host));
        worker->trial_id = started->trial_id;
        worker->lost = false;
    }
    return 0;
}

static void on_ended(struct status_session *session, const struct trial *trial,
                     const struct event_ended *ended)
{
    struct status_worker *worker = worker_of(session, trial->rank);
    if (worker) {
        count_tokens(session, trial->id, ended->result.begun_tokens, ended->result.tokens);
        worker->trial_id = 0;
        worker->lost = ended->result.outcome == OUTCOME_LOST && !ended->abandoned;
        snprintf(worker->message, sizeof(worker->message), "%s", ended->result.message);
    }
}

static time_t time_of(const char *utc)
{
    struct tm tm = {0};
    if (sscanf(utc, "%d-%d-%dT%d:%d:%dZ", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
               &tm.tm_min, &tm.tm_sec) != 6)
        return 0;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    return timegm(&tm);
}

int status_session_event(struct status_session *session, const struct campaign *campaign,
                         const struct event *event, struct lr_error *err)
{
    switch (event->kind) {
    case EVENT_SESSION:
        session->count++;
        session->clock_s = 0;
        session->utc = time_of(event->as.session.started_utc);
        session->tokens = 0;
        return set_workers(session, event->as.session.ranks > 0 ? event->as.session.ranks - 1 : 0,
                           err);
    case EVENT_CLOCK:
        session->clock_s += event->as.clock.wall_s;
        break;
    case EVENT_STARTED:
        return on_started(session, &event->as.started, err);
    case EVENT_CURVE:
        count_tokens(session, event->as.curve.trial_id,
                     campaign_trial(campaign, event->as.curve.trial_id)->curve_begun,
                     event->as.curve.tokens);
        break;
    case EVENT_ENDED:
        on_ended(session, campaign_trial(campaign, event->as.ended.trial_id), &event->as.ended);
        break;
    default:
        break;
    }
    return 0;
}

double status_session_elapsed(const struct status_session *session)
{
    double since_s = difftime(time(NULL), session->utc) - session->clock_s;
    bool known = session->utc > 0 && since_s > 0;
    return session->clock_s + (known ? fmin(since_s, RUN_LOCK_BEAT_MS / 1000.0) : 0);
}

void status_session_clear(struct status_session *session)
{
    lr_free(session->workers);
    lr_free(session->began);
    memset(session, 0, sizeof(*session));
}
