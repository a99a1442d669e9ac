/* The table of workers and the queue of trials. A worker that is given up stays given up: it may be
 * dead, or it may be slow and hold on to its trial; in both cases another one has the trial now,
 * and what the first still says is dropped. */
#include "sched/sched.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "sched/sched_state.h"

enum { PING_EVERY_MS = 5000, CHECK_EVERY_MS = 1000 };

int sched_create(struct sched **out, struct transport *transport, const struct msg_hello *self,
                 const struct sched_limits *limits, const struct sched_owner *owner,
                 uint64_t now_ms, struct lr_error *err)
{
    struct sched *sched = lr_calloc(1, sizeof(*sched));
    struct worker *workers = lr_calloc((size_t)transport->size, sizeof(*workers));
    if (!sched || !workers) {
        lr_free(sched);
        lr_free(workers);
        return lr_fail(err, LR_ENOMEM, "out of memory");
    }
    sched->transport = transport;
    sched->self = *self;
    sched->limits = *limits;
    sched->owner = *owner;
    sched->workers = workers;
    sched->now_ms = sched->checked_ms = now_ms;
    for (int rank = 1; rank < transport->size; rank++)
        workers[rank].heard_ms = now_ms;
    *out = sched;
    return 0;
}

void sched_destroy(struct sched *sched)
{
    if (!sched)
        return;
    lr_free(sched->queue);
    lr_free(sched->workers);
    lr_free(sched);
}

int sched_enqueue(struct sched *sched, uint32_t id, uint32_t attempt, const struct trial_spec *spec,
                  struct lr_error *err)
{
    if (sched->queue_first == sched->queue_end)
        sched->queue_first = sched->queue_end = 0;
    void *larger =
        lr_grow(sched->queue, sched->queue_end, &sched->queue_capacity, sizeof(*sched->queue));
    if (!larger)
        return lr_fail(err, LR_ENOMEM, "out of memory");
    sched->queue = larger;
    sched->queue[sched->queue_end++] = (struct queued){id, attempt, *spec};
    return 0;
}

bool sched_is_current(struct sched *sched, int peer, uint32_t id, uint32_t attempt)
{
    const struct worker *worker = &sched->workers[peer];
    if (worker->state == WORKER_BUSY && worker->trial_id == id && worker->attempt == attempt)
        return true;
    sched->stale++;
    return false;
}

int sched_message(struct sched *sched, int peer, const struct message *message, uint64_t now_ms,
                  struct lr_error *err)
{
    sched->now_ms = now_ms;
    if (peer < 1 || peer >= sched->transport->size) {
        sched->bad++;
        return 0;
    }
    sched->workers[peer].heard_ms = now_ms;
    switch (message->tag) {
    case MSG_HELLO:
        return sched_on_hello(sched, peer, &message->as.hello, err);
    case MSG_PROGRESS:
        return sched_on_progress(sched, peer, &message->as.progress);
    case MSG_RESULT:
        return sched_on_result(sched, peer, &message->as.result);
    case MSG_PONG:
        return sched_on_pong(sched, peer);
    case MSG_ASSIGN:
    case MSG_CANCEL:
    case MSG_PING:
    case MSG_STOP:
        break;
    }
    sched->bad++; /* only the coordinator says these */
    return 0;
}

int sched_lose(struct sched *sched, int peer, const char *why)
{
    struct worker *worker = &sched->workers[peer];
    bool busy = worker->state == WORKER_BUSY;
    struct trial_result result;
    worker->state = WORKER_LOST;
    sched->transport->ops->forget(sched->transport, peer);
    lr_log(LR_LOG_WARNING, "rank %d on %s: %s; going on without it", peer,
           worker->hello.host[0] ? worker->hello.host : "an unknown host", why);
    if (!busy)
        return 0;
    memset(&result, 0, sizeof(result));
    result.outcome = OUTCOME_LOST;
    result.val_loss = result.val_loss_se = result.train_loss = NAN;
    result.seconds = (double)(sched->now_ms - worker->started_ms) / 1000.0;
    snprintf(result.message, sizeof(result.message), "rank %d on host %s: %s", peer,
             worker->hello.host, why);
    return sched->owner.ended(sched->owner.context, worker->trial_id, worker->attempt, &result);
}

/* ---- time ---- */

static int assign(struct sched *sched, int peer, struct lr_error *err)
{
    struct worker *worker = &sched->workers[peer];
    const struct queued *next = &sched->queue[sched->queue_first++];
    struct message message = {.tag = MSG_ASSIGN};
    message.as.assign.trial_id = next->id;
    message.as.assign.attempt = next->attempt;
    message.as.assign.spec = next->spec;
    worker->state = WORKER_BUSY;
    worker->trial_id = next->id;
    worker->attempt = next->attempt;
    worker->started_ms = sched->now_ms;
    int rc = sched->owner.started(sched->owner.context, worker->trial_id, worker->attempt, peer,
                                  worker->hello.host);
    return rc ? rc : sched->transport->ops->send(sched->transport, peer, &message, err);
}

int sched_ping(struct sched *sched, int peer, struct lr_error *err)
{
    struct message ping = {.tag = MSG_PING};
    ping.as.ping.nonce = ++sched->nonce;
    ping.as.ping.from = sched->self;
    sched->workers[peer].pinged_ms = sched->now_ms;
    return sched->transport->ops->send(sched->transport, peer, &ping, err);
}

static int check_worker(struct sched *sched, int peer, struct lr_error *err)
{
    struct worker *worker = &sched->workers[peer];
    uint64_t silent = sched->now_ms - worker->heard_ms;
    uint64_t running = sched->now_ms - worker->started_ms;
    struct message message = {.tag = MSG_CANCEL};
    if (worker->state == WORKER_LOST)
        return 0;
    if (sched->limits.silence_ms && silent > sched->limits.silence_ms)
        return sched_lose(sched, peer,
                          worker->state == WORKER_AWAITED ? "never said hello"
                                                          : "silent for too long");
    if (worker->state == WORKER_AWAITED)
        return 0;
    if (!sched->transport->ops->alive(sched->transport, &worker->hello))
        return sched_lose(sched, peer, "its process is gone");
    if (worker->state == WORKER_BUSY && sched->limits.trial_time_ms &&
        running > sched->limits.trial_time_ms) {
        message.as.cancel.trial_id = worker->trial_id;
        message.as.cancel.attempt = worker->attempt;
        sched->transport->ops->send(sched->transport, peer, &message, err);
        return sched_lose(sched, peer, "its trial ran longer than limits.trial_time");
    }
    return sched->now_ms - worker->pinged_ms < PING_EVERY_MS ? 0 : sched_ping(sched, peer, err);
}

int sched_tick(struct sched *sched, uint64_t now_ms, struct lr_error *err)
{
    int rc = 0, ranks = sched->transport->size;
    sched->now_ms = now_ms;
    if (now_ms - sched->checked_ms >= CHECK_EVERY_MS) {
        sched->checked_ms = now_ms;
        for (int rank = 1; !rc && rank < ranks; rank++)
            rc = check_worker(sched, rank, err);
    }
    for (int rank = 1; !rc && rank < ranks && sched->queue_first < sched->queue_end; rank++)
        if (sched->workers[rank].state == WORKER_IDLE)
            rc = assign(sched, rank, err);
    if (rc || sched->queue_first == sched->queue_end)
        return rc;
    for (int rank = 1; rank < ranks; rank++)
        if (sched->workers[rank].state != WORKER_LOST)
            return 0;
    return lr_fail(err, LR_EWORKERS,
                   "no worker is left and trials wait; run the same command again to go on");
}

/* ---- the end ---- */

static void tell_all(struct sched *sched, enum message_tag tag)
{
    for (int rank = 1; rank < sched->transport->size; rank++) {
        const struct worker *worker = &sched->workers[rank];
        struct message message = {.tag = tag};
        if (worker->state == WORKER_LOST || (tag == MSG_CANCEL && worker->state != WORKER_BUSY))
            continue;
        if (tag == MSG_CANCEL) {
            message.as.cancel.trial_id = worker->trial_id;
            message.as.cancel.attempt = worker->attempt;
        }
        sched->transport->ops->send(sched->transport, rank, &message, NULL);
    }
}

void sched_cancel_all(struct sched *sched)
{
    sched->queue_first = sched->queue_end = 0;
    tell_all(sched, MSG_CANCEL);
}

void sched_stop_workers(struct sched *sched)
{
    tell_all(sched, MSG_STOP);
}

struct sched_counts sched_counts(const struct sched *sched)
{
    struct sched_counts counts = {.queued = (uint32_t)(sched->queue_end - sched->queue_first),
                                  .stale_messages = sched->stale,
                                  .bad_messages = sched->bad};
    for (int rank = 1; rank < sched->transport->size; rank++) {
        counts.workers_awaited += sched->workers[rank].state == WORKER_AWAITED;
        counts.workers_idle += sched->workers[rank].state == WORKER_IDLE;
        counts.workers_busy += sched->workers[rank].state == WORKER_BUSY;
        counts.workers_lost += sched->workers[rank].state == WORKER_LOST;
    }
    counts.running = counts.workers_busy;
    return counts;
}
