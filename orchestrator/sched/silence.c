/* Workers that do not answer. PINGs go out every 5 s; a worker answers between two steps.
 *
 *     30 s        quiet: named; if idle, it gets no trial; if it trains alone, an idle worker
 *                 trains the same as well (runs.c: twins); if its group stands still, that
 *                 attempt is LOST
 *     silence_ms  SILENT: its attempt is LOST, unless a twin trains on
 *     gone        LOST, as soon as the transport knows
 *
 * A long step is no silence: a group stands still only if the leader's last PROGRESS is as old, and
 * older than four steps take. */
#include "sched/sched_state.h"

#include <math.h>
#include "lrsearch/log.h"

/* HELLO is sent once MPI has started on all ranks: a minute is ample. */
enum { PING_EVERY_MS = 5000, STALL_MS = 5000, HELLO_MS = 60000, QUIET_MS = 30000 };
/* A group without PROGRESS for so long has a member that waits in vain. */
enum { WITHDRAWN_MS = 5 * QUIET_MS };
#define STEPS_STILL 4
static const char no_answer[] = "no answer for 30 s";

static const struct msg_hello *hello_of(const struct worker *worker)
{
    return worker->host ? &worker->hello : NULL;
}

static int tell(struct sched *sched, int peer, enum sched_news news, const char *why,
                struct lr_error *err)
{
    return sched->owner.news(sched->owner.context, peer, hello_of(&sched->workers[peer]), news, why,
                             err);
}

int hear_worker(struct sched *sched, int peer, struct lr_error *err)
{
    int rc;
    struct worker *worker = &sched->workers[peer];
    bool was_silent = worker->state == WORKER_SILENT;
    worker->heard_ms = sched->now_ms;
    if (worker->state == WORKER_LOST || (!worker->quiet && !was_silent))
        return 0;
    lr_log(LR_LOG_INFO, "rank %d on %s is heard again", peer, worker->hello.host);
    worker_set(sched, peer,
               !was_silent    ? worker->state
               : worker->host ? WORKER_LEAVING
                              : WORKER_AWAITED,
               false);
    if ((rc = tell(sched, peer, WORKER_HEARD, "", err)))
        return rc;
    /* A PING before the HELLO would end the worker's HELLOs. */
    return was_silent && worker->host ? send_ping(sched, peer, err) : 0;
}

/* Sets the worker SILENT or LOST, and ends its attempt as LOST. */
static int give_up_worker(struct sched *sched, int peer, enum worker_state state, const char *why,
                          struct lr_error *err)
{
    int rc;
    struct worker *worker = &sched->workers[peer];
    struct run *run = worker->run;
    bool was_quiet = worker->quiet;
    lr_log(LR_LOG_WARNING, "rank %d on %s: %s; going on without it", peer,
           worker->host ? worker->hello.host : "an unknown host", why);
    if (state == WORKER_LOST) {
        sched->transport->ops->forget(sched->transport, peer);
        rc = dismiss_worker(sched, peer, why, err);
    } else {
        worker_set(sched, peer, state, false);
        rc = was_quiet ? 0 : tell(sched, peer, WORKER_QUIET, why, err);
    }
    if (rc || (run && (rc = run_lose(sched, run, peer, why, err))))
        return rc;
    return strike_host(sched, peer, 0, err);
}

static int set_quiet(struct sched *sched, int peer, struct lr_error *err)
{
    const struct worker *worker = &sched->workers[peer];
    lr_log(LR_LOG_WARNING, "rank %d on %s has not answered for %d s", peer, worker->hello.host,
           QUIET_MS / 1000);
    worker_set(sched, peer, worker->state, true);
    return tell(sched, peer, WORKER_QUIET, no_answer, err);
}

static bool stands_still(const struct sched *sched, const struct run *run, double limit_ms)
{
    const struct width_job job = run_width_job(&run->cost);
    double step_s = run->step_s > 0
                        ? run->step_s
                        : width_step_s(&sched->model, &job, (uint32_t)run->trained, true);
    double still_ms = (double)(sched->now_ms - run->progress_ms);
    return still_ms >= limit_ms && still_ms >= STEPS_STILL * step_s * 1000;
}

static bool joins(const struct run *run, int peer)
{
    for (int i = run->trained; i < run->members.size; i++)
        if (run->members.ranks[i] == peer)
            return true;
    return false;
}

/* What a quiet worker's group does. */
static int check_group(struct sched *sched, int peer, struct lr_error *err)
{
    struct run *run = sched->workers[peer].run;
    if (run->trained == 1 && run_is_pending(run) && !joins(run, peer)) /* a twin may begin then */
        return run_lose(sched, run, run->members.ranks[1], "its leader does not answer", err);
    if (!joins(run, peer) && (run->trained == 1 || !stands_still(sched, run, QUIET_MS)))
        return 0;
    return run_lose(sched, run, peer, no_answer, err);
}

int check_worker(struct sched *sched, int peer, struct lr_error *err)
{
    int rc;
    struct worker *worker = &sched->workers[peer];
    uint64_t silent_ms = sched->now_ms - worker->heard_ms;
    if (worker->state == WORKER_LOST)
        return 0;
    if (!sched->transport->ops->alive(sched->transport, peer, hello_of(worker)))
        return give_up_worker(sched, peer, WORKER_LOST, "its process is gone", err);
    if (worker->state == WORKER_SILENT)
        return 0;
    if (worker->state == WORKER_AWAITED)
        return silent_ms > HELLO_MS
                   ? give_up_worker(sched, peer, WORKER_SILENT, "never said hello", err)
                   : 0;
    if (sched->limits.silence_ms > 0 && silent_ms > sched->limits.silence_ms)
        return give_up_worker(sched, peer, WORKER_SILENT, "silent for too long", err);
    if (silent_ms >= QUIET_MS && !worker->quiet && (rc = set_quiet(sched, peer, err)))
        return rc;
    if (worker->quiet && worker->run && (rc = check_group(sched, peer, err)))
        return rc;
    return sched->now_ms - worker->pinged_ms < PING_EVERY_MS ? 0 : send_ping(sched, peer, err);
}

int check_run(struct sched *sched, struct run *run, struct lr_error *err)
{
    int rc, leader = run->members.ranks[0];
    uint64_t most_ms = sched->limits.trial_time_ms;
    const uint32_t id = run->id;
    if (run->left_ms > 0 && sched->now_ms - run->left_ms >= QUIET_MS)
        return run_lose(sched, run, leader, "its group has left the training", err);
    if ((run->withdrawn || run->trained > 1) && stands_still(sched, run, WITHDRAWN_MS))
        return run_lose(sched, run, leader, "its group stands still", err);
    if (most_ms == 0 || sched->now_ms - run->started_ms <= most_ms)
        return 0;
    if ((rc = run_lose(sched, run, leader, "its trial ran longer than limits.trial_time", err)))
        return rc;
    return strike_host(sched, leader, id, err);
}

static uint64_t put_off(uint64_t time_ms, uint64_t by_ms, uint64_t latest_ms)
{
    return time_ms + by_ms < latest_ms ? time_ms + by_ms : latest_ms;
}

/* A stall of this process does not count against workers: their messages may wait unread. */
void forgive_stall(struct sched *sched)
{
    uint64_t stall_ms = sched->now_ms - sched->ticked_ms;
    if (stall_ms < STALL_MS)
        return;
    for (int rank = 1; rank < sched->transport->size; rank++) {
        struct worker *worker = &sched->workers[rank];
        struct run *run = &sched->runs[rank];
        worker->heard_ms = put_off(worker->heard_ms, stall_ms, sched->now_ms);
        run->started_ms = put_off(run->started_ms, stall_ms, sched->now_ms);
        run->progress_ms = put_off(run->progress_ms, stall_ms, sched->now_ms);
        run->left_ms = run->left_ms > 0 ? put_off(run->left_ms, stall_ms, sched->now_ms) : 0;
    }
}
