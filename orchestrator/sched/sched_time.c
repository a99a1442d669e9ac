/* What the scheduler does as time passes: gives trials away, pings, and finds who is lost. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "lrsearch/log.h"
#include "sched/sched_state.h"

/* HELLO comes as soon as MPI has started, which every rank waits for: a minute is ample. */
enum { PING_EVERY_MS = 5000, CHECK_EVERY_MS = 1000, STALL_MS = 5000, HELLO_MS = 60000 };

/* ---- words to a worker ---- */

int sched_ping(struct sched *sched, int peer, struct lr_error *err)
{
    struct worker *worker = &sched->workers[peer];
    struct message message = {.tag = MSG_PING};
    struct msg_ping *ping = &message.as.ping;
    ping->nonce = ++sched->nonce;
    ping->from = sched->self;
    if (worker->state == WORKER_BUSY) {
        ping->trial_id = worker->job.trial_id;
        ping->attempt = worker->job.attempt;
    }
    worker->pinged_ms = sched->now_ms;
    return sched->transport->ops->send(sched->transport, peer, &message, err);
}

int sched_cancel(struct sched *sched, int peer, uint32_t id, uint32_t attempt, bool save,
                 struct lr_error *err)
{
    struct message message = {.tag = MSG_CANCEL};
    message.as.cancel.trial_id = id;
    message.as.cancel.attempt = attempt;
    message.as.cancel.save = save;
    return sched->transport->ops->send(sched->transport, peer, &message, err);
}

/* The idle worker that is least likely to fail at it; 0: none is idle. */
static int choose_worker(const struct sched *sched, int avoid)
{
    int best = 0, best_rank = 0;
    for (int rank = 1; rank < sched->transport->size; rank++) {
        const struct worker *worker = &sched->workers[rank];
        if (worker->state != WORKER_IDLE)
            continue;
        int fit = 1 + (rank != avoid) + (avoid == 0 || worker->host != sched->workers[avoid].host);
        if (fit > best) {
            best = fit;
            best_rank = rank;
        }
    }
    return best_rank;
}

static int assign(struct sched *sched, int peer, struct lr_error *err)
{
    struct worker *worker = &sched->workers[peer];
    struct message message = {.tag = MSG_ASSIGN};
    worker->job = sched->queue[sched->queue_first++].job;
    worker->job.serial = ++sched->serial;
    worker->job.place.slot = worker->slot;
    worker->job_nonce = sched->nonce;
    worker->state = WORKER_BUSY;
    worker->started_ms = sched->now_ms;
    message.as.assign = worker->job;
    int rc = sched->owner.started(sched->owner.context, worker->job.trial_id, worker->job.attempt,
                                  peer, &worker->hello);
    return rc ? rc : sched->transport->ops->send(sched->transport, peer, &message, err);
}

static int assign_all(struct sched *sched, struct lr_error *err)
{
    int rc = 0;
    while (!rc && !sched->draining && sched->queue_first < sched->queue_end) {
        int rank = choose_worker(sched, sched->queue[sched->queue_first].avoid);
        if (rank == 0)
            break;
        rc = assign(sched, rank, err);
    }
    return rc;
}

/* ---- who is lost ---- */

int sched_give_up(struct sched *sched, int peer, const char *why)
{
    struct worker *worker = &sched->workers[peer];
    struct trial_result result;
    worker->state = WORKER_LEAVING;
    memset(&result, 0, sizeof(result));
    result.outcome = OUTCOME_LOST;
    result.val_loss = result.val_loss_se = result.val_bits_per_byte = result.train_loss = NAN;
    result.seconds = (double)(sched->now_ms - worker->started_ms) / 1000.0;
    snprintf(result.message, sizeof(result.message), "rank %d on host %s: %s", peer,
             worker->hello.host, why);
    return sched->owner.ended(sched->owner.context, worker->job.trial_id, worker->job.attempt,
                              &result);
}

int sched_lose(struct sched *sched, int peer, enum worker_state state, const char *why,
               struct lr_error *err)
{
    struct worker *worker = &sched->workers[peer];
    bool busy = worker->state == WORKER_BUSY;
    lr_log(LR_LOG_WARNING, "rank %d on %s: %s; going on without it", peer,
           worker->host ? worker->hello.host : "an unknown host", why);
    int rc = busy ? sched_give_up(sched, peer, why) : 0;
    worker->state = state;
    if (state == WORKER_LOST)
        sched->transport->ops->forget(sched->transport, peer);
    return rc ? rc : sched_strike(sched, peer, 0, err);
}

static int check_worker(struct sched *sched, int peer, struct lr_error *err)
{
    struct worker *worker = &sched->workers[peer];
    uint64_t silent = sched->now_ms - worker->heard_ms;
    uint64_t running = sched->now_ms - worker->started_ms;
    if (worker->state == WORKER_LOST)
        return 0;
    const struct msg_hello *hello = worker->host ? &worker->hello : NULL;
    if (!sched->transport->ops->alive(sched->transport, peer, hello))
        return sched_lose(sched, peer, WORKER_LOST, "its process is gone", err);
    if (worker->state == WORKER_SILENT)
        return 0;
    if (worker->state == WORKER_AWAITED)
        return silent > HELLO_MS ? sched_lose(sched, peer, WORKER_SILENT, "never said hello", err)
                                 : 0;
    if (sched->limits.silence_ms && silent > sched->limits.silence_ms)
        return sched_lose(sched, peer, WORKER_SILENT, "silent for too long", err);
    if (worker->state == WORKER_BUSY && sched->limits.trial_time_ms &&
        running > sched->limits.trial_time_ms) {
        uint32_t id = worker->job.trial_id;
        int rc = sched_cancel(sched, peer, id, worker->job.attempt, false, err);
        rc = rc ? rc : sched_give_up(sched, peer, "its trial ran longer than limits.trial_time");
        return rc ? rc : sched_strike(sched, peer, id, err);
    }
    return sched->now_ms - worker->pinged_ms < PING_EVERY_MS ? 0 : sched_ping(sched, peer, err);
}

/* Nobody can have been heard while we did not listen. */
static void forgive_stall(struct sched *sched)
{
    uint64_t stall = sched->now_ms - sched->ticked_ms;
    if (stall < STALL_MS)
        return;
    for (int rank = 1; rank < sched->transport->size; rank++) {
        struct worker *worker = &sched->workers[rank];
        worker->heard_ms =
            worker->heard_ms + stall < sched->now_ms ? worker->heard_ms + stall : sched->now_ms;
        worker->started_ms =
            worker->started_ms + stall < sched->now_ms ? worker->started_ms + stall : sched->now_ms;
    }
}

static bool somebody_is_left(const struct sched *sched)
{
    for (int rank = 1; rank < sched->transport->size; rank++)
        if (sched->workers[rank].state != WORKER_LOST &&
            sched->workers[rank].state != WORKER_SILENT)
            return true;
    return false;
}

int sched_tick(struct sched *sched, uint64_t now_ms, struct lr_error *err)
{
    int rc = 0;
    sched->now_ms = now_ms;
    forgive_stall(sched);
    sched->ticked_ms = now_ms;
    if (now_ms - sched->checked_ms >= CHECK_EVERY_MS) {
        sched->checked_ms = now_ms;
        for (int rank = 1; !rc && rank < sched->transport->size; rank++)
            rc = check_worker(sched, rank, err);
    }
    rc = rc ? rc : assign_all(sched, err);
    if (rc || sched->queue_first == sched->queue_end || somebody_is_left(sched))
        return rc;
    return lr_fail(err, LR_EWORKERS,
                   "no worker is left and trials wait; run the same command again to go on");
}
