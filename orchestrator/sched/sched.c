/* The table of workers and the queue of trials. An attempt that was given up stays given up: its
 * worker may be dead, or slow and hold on to it; in both cases another one has the trial now, and
 * what the first still says about it is dropped. */
#include "sched/sched.h"

#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "sched/sched_state.h"

int sched_create(struct sched **out, struct transport *transport, const struct msg_hello *self,
                 const struct sched_limits *limits, const struct sched_owner *owner,
                 uint64_t now_ms, struct lr_error *err)
{
    struct sched *sched = lr_calloc(1, sizeof(*sched));
    struct worker *workers = lr_calloc((size_t)transport->size, sizeof(*workers));
    struct host *hosts = lr_calloc((size_t)transport->size, sizeof(*hosts));
    if (!sched || !workers || !hosts) {
        lr_free(sched);
        lr_free(workers);
        lr_free(hosts);
        return lr_nomem(err);
    }
    sched->transport = transport;
    sched->self = *self;
    sched->limits = *limits;
    sched->owner = *owner;
    sched->workers = workers;
    sched->hosts = hosts;
    sched->now_ms = sched->ticked_ms = sched->checked_ms = now_ms;
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
    lr_free(sched->hosts);
    lr_free(sched);
}

int sched_enqueue(struct sched *sched, const struct msg_assign *job, int avoid,
                  struct lr_error *err)
{
    if (sched->queue_first == sched->queue_end)
        sched->queue_first = sched->queue_end = 0;
    void *larger =
        lr_grow(sched->queue, sched->queue_end, &sched->queue_capacity, sizeof(*sched->queue));
    if (!larger)
        return lr_nomem(err);
    sched->queue = larger;
    sched->queue[sched->queue_end++] = (struct queued){*job, avoid};
    return 0;
}

void sched_withdraw(struct sched *sched, uint32_t id)
{
    size_t kept = sched->queue_first;
    for (size_t i = sched->queue_first; i < sched->queue_end; i++)
        if (sched->queue[i].job.trial_id != id)
            sched->queue[kept++] = sched->queue[i];
    sched->queue_end = kept;
}

bool sched_is_current(struct sched *sched, int peer, uint32_t id, uint32_t attempt)
{
    const struct worker *worker = &sched->workers[peer];
    if (worker->state == WORKER_BUSY && worker->job.trial_id == id &&
        worker->job.attempt == attempt)
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
    struct worker *worker = &sched->workers[peer];
    worker->heard_ms = now_ms;
    if (worker->state == WORKER_SILENT) {
        lr_log(LR_LOG_INFO, "rank %d on %s is heard again", peer, worker->hello.host);
        worker->state = worker->host ? WORKER_LEAVING : WORKER_AWAITED;
        int rc = worker->host ? sched_ping(sched, peer, err) : 0; /* a PING would answer HELLO */
        if (rc)
            return rc;
    }
    switch (message->tag) {
    case MSG_HELLO:
        return sched_on_hello(sched, peer, &message->as.hello, err);
    case MSG_PROGRESS:
        return sched_on_progress(sched, peer, &message->as.progress);
    case MSG_RESULT:
        return sched_on_result(sched, peer, &message->as.result, err);
    case MSG_PONG:
        return sched_on_pong(sched, peer, &message->as.pong, err);
    case MSG_ASSIGN:
    case MSG_CANCEL:
    case MSG_PING:
    case MSG_STOP:
        break;
    }
    sched->bad++; /* only the coordinator says these */
    return 0;
}

/* ---- the end ---- */

void sched_drain(struct sched *sched)
{
    sched->queue_first = sched->queue_end = 0;
    sched->draining = true;
    for (int rank = 1; rank < sched->transport->size; rank++) {
        const struct worker *worker = &sched->workers[rank];
        if (worker->state == WORKER_BUSY)
            sched_cancel(sched, rank, worker->job.trial_id, worker->job.attempt, true, NULL);
    }
}

void sched_stop_workers(struct sched *sched)
{
    struct message stop = {.tag = MSG_STOP};
    for (int rank = 1; rank < sched->transport->size; rank++)
        if (sched->workers[rank].state != WORKER_LOST)
            sched->transport->ops->send(sched->transport, rank, &stop, NULL);
}

struct sched_counts sched_counts(const struct sched *sched)
{
    struct sched_counts counts = {.queued = (uint32_t)(sched->queue_end - sched->queue_first),
                                  .stale_messages = sched->stale,
                                  .bad_messages = sched->bad};
    for (int rank = 1; rank < sched->transport->size; rank++) {
        enum worker_state state = sched->workers[rank].state;
        counts.workers_awaited += state == WORKER_AWAITED;
        counts.workers_idle += state == WORKER_IDLE;
        counts.workers_busy += state == WORKER_BUSY || state == WORKER_LEAVING;
        counts.workers_lost += state == WORKER_LOST || state == WORKER_SILENT;
        counts.running += state == WORKER_BUSY;
    }
    return counts;
}
