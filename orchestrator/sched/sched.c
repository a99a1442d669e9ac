/* The scheduler: what its workers' messages and the time mean. A worker's states:
 *
 *     AWAITED --HELLO--> IDLE --assign, alone or as a member--> BUSY --RESULT--> IDLE
 *     BUSY --its attempt is over for us--> LEAVING --RESULT, or a PONG without a trial--> IDLE
 *     any --silent--> SILENT --message--> LEAVING
 *     any --process gone, wrong version, host left out--> LOST      (final)
 *
 * Any state but AWAITED, SILENT and LOST may be `quiet` as well (silence.c). The states of an
 * attempt are in runs.c, and who trains what in share.c.
 *
 * A lost attempt stays lost: its workers may be dead, or slow and still training. The trial goes to
 * other workers, and later messages about the lost attempt are dropped and counted. */
#include "sched/sched_state.h"

#include <stdio.h>
#include <string.h>
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "lrsearch/version.h"

enum { CHECK_EVERY_MS = 1000 };

int sched_create(struct sched **out, struct transport *transport, const struct msg_hello *self,
                 const struct sched_limits *limits, const struct sched_owner *owner,
                 uint64_t now_ms, struct lr_error *err)
{
    size_t size = (size_t)transport->size;
    struct sched *sched = lr_calloc(1, sizeof(*sched));
    if (!sched)
        return lr_nomem(err);
    sched->workers = lr_calloc(size, sizeof(*sched->workers));
    sched->hosts = lr_calloc(size, sizeof(*sched->hosts));
    sched->runs = lr_calloc(size, sizeof(*sched->runs));
    bool shares = share_init(&sched->share, size);
    if (!sched->workers || !sched->hosts || !sched->runs || !shares) {
        sched_destroy(sched);
        return lr_nomem(err);
    }
    sched->transport = transport;
    sched->self = *self;
    sched->limits = *limits;
    sched->owner = *owner;
    sched->now_ms = sched->ticked_ms = sched->checked_ms = now_ms;
    for (int rank = 1; rank < transport->size; rank++)
        sched->workers[rank].heard_ms = now_ms;
    sched->tally[WORKER_AWAITED][false] = (uint32_t)size - 1;
    *out = sched;
    return 0;
}

void sched_destroy(struct sched *sched)
{
    if (!sched)
        return;
    lr_free(sched->queue);
    lr_free(sched->number_of);
    lr_free(sched->workers);
    lr_free(sched->hosts);
    lr_free(sched->runs);
    share_release(&sched->share);
    lr_free(sched);
}

/* ---- one function for each incoming message ---- */

/* The cost model goes by the fastest products and the slowest messages: rather too narrow. */
static void learn_speed(struct width_model *model, const struct msg_hello *hello)
{
    if (hello->flops > model->flops)
        model->flops = hello->flops;
    if (hello->latency_s > model->latency_s)
        model->latency_s = hello->latency_s;
    if (hello->bytes_per_s > 0 &&
        (model->bytes_per_s <= 0 || hello->bytes_per_s < model->bytes_per_s))
        model->bytes_per_s = hello->bytes_per_s;
}

/* A worker repeats HELLO until it receives a PING. Another version is stopped, because its results
 * could differ. */
static int on_hello(struct sched *sched, int peer, const struct msg_hello *hello,
                    struct lr_error *err)
{
    struct worker *worker = &sched->workers[peer];
    if (worker->state == WORKER_LOST) {
        sched->stale++;
        return 0;
    }
    if (worker->state != WORKER_AWAITED)
        return send_ping(sched, peer, err);
    worker->hello = *hello;
    worker->host = host_find(sched, hello->host);
    worker->slot = worker->host->workers++;
    host_add_cores(sched, peer);
    if (hello->protocol == MESSAGE_PROTOCOL && strcmp(hello->version, LRSEARCH_VERSION) == 0) {
        learn_speed(&sched->model, hello);
        int rc = release_worker(sched, peer, err);
        return rc ? rc : send_ping(sched, peer, err); /* announces the coordinator */
    }
    lr_log(LR_LOG_WARNING, "rank %d on %s runs lrsearch %s, this is %s: it is left out", peer,
           hello->host, hello->version, LRSEARCH_VERSION);
    int rc = dismiss_worker(sched, peer, "it runs another version", err);
    return rc ? rc : send_stop(sched, peer, err);
}

static int on_progress(struct sched *sched, int peer, const struct msg_progress *progress,
                       struct lr_error *err)
{
    const struct worker *worker = &sched->workers[peer];
    if (worker->state != WORKER_BUSY ||
        !worker_has(worker, progress->trial_id, progress->attempt)) {
        sched->stale++;
        return 0;
    }
    return run_progress(sched, worker->run, peer, progress, err);
}

/* Frees the worker and reports the result to the owner, once per attempt. */
static int on_result(struct sched *sched, int peer, const struct msg_result *result,
                     struct lr_error *err)
{
    const struct worker *worker = &sched->workers[peer];
    bool is_last = worker_has(worker, result->trial_id, result->attempt);
    if (worker->state == WORKER_BUSY && is_last)
        return run_result(sched, worker->run, peer, &result->result, err);
    bool leaves = worker->state == WORKER_LEAVING && is_last;
    sched->stale += !leaves || worker->leads;
    return leaves ? release_worker(sched, peer, err) : 0;
}

/* A busy worker answers that it trains what it should. */
static int on_right_pong(struct sched *sched, int peer, struct lr_error *err)
{
    const struct run *run = sched->workers[peer].run;
    if (peer != run->members.ranks[0])
        return 0;
    if (sched->draining)
        return send_cancel(sched, peer, run->id, run->attempt, true, err);
    return run->members.epoch > 0 ? send_group(sched, run, err) : 0; /* it may have been lost */
}

/* The worker's report of what it trains. If that differs from our table, a message was lost: the
 * assignment, which is sent again, or our CANCEL. (The worker itself repeats a lost RESULT.) */
static int on_pong(struct sched *sched, int peer, const struct msg_pong *pong, struct lr_error *err)
{
    const struct worker *worker = &sched->workers[peer];
    if (worker->state == WORKER_LOST || worker->state == WORKER_AWAITED ||
        pong->nonce <= worker->job_nonce) {
        sched->stale += worker->state == WORKER_LOST;
        return 0;
    }
    if (worker->state == WORKER_BUSY)
        return worker_has(worker, pong->trial_id, pong->attempt) ? on_right_pong(sched, peer, err)
                                                                 : send_job(sched, peer, err);
    if (pong->trial_id > 0)
        return send_cancel(sched, peer, pong->trial_id, pong->attempt, false, err);
    return worker->state == WORKER_LEAVING ? release_worker(sched, peer, err) : 0;
}

int sched_message(struct sched *sched, int peer, const struct message *message, uint64_t now_ms,
                  struct lr_error *err)
{
    int rc;
    sched->now_ms = now_ms;
    if (peer < 1 || peer >= sched->transport->size) {
        sched->bad++;
        return 0;
    }
    if ((rc = hear_worker(sched, peer, err)))
        return rc;
    switch (message->tag) {
    case MSG_HELLO:
        return on_hello(sched, peer, &message->as.hello, err);
    case MSG_PROGRESS:
        return on_progress(sched, peer, &message->as.progress, err);
    case MSG_RESULT:
        return on_result(sched, peer, &message->as.result, err);
    case MSG_PONG:
        return on_pong(sched, peer, &message->as.pong, err);
    case MSG_ASSIGN:
    case MSG_CANCEL:
    case MSG_PING:
    case MSG_STOP:
    case MSG_GROUP:
        break;
    }
    sched->bad++; /* only the coordinator sends these */
    return 0;
}

/* ---- the time ---- */

static int check_all(struct sched *sched, struct lr_error *err)
{
    int rc;
    for (int rank = 1; rank < sched->transport->size; rank++)
        if ((rc = check_worker(sched, rank, err)))
            return rc;
    for (int i = 1; i < sched->transport->size; i++)
        if (sched->runs[i].id > 0 && (rc = check_run(sched, &sched->runs[i], err)))
            return rc;
    return 0;
}

static uint32_t workers_in(const struct sched *sched, enum worker_state state)
{
    return sched->tally[state][false] + sched->tally[state][true];
}

int sched_tick(struct sched *sched, uint64_t now_ms, struct lr_error *err)
{
    int rc;
    sched->now_ms = now_ms;
    forgive_stall(sched);
    sched->ticked_ms = now_ms;
    if (now_ms - sched->checked_ms >= CHECK_EVERY_MS) {
        sched->checked_ms = now_ms;
        if ((rc = check_all(sched, err)))
            return rc;
    }
    if ((rc = share_workers(sched, err)))
        return rc;
    uint32_t gone = workers_in(sched, WORKER_LOST) + workers_in(sched, WORKER_SILENT);
    if (sched->queued > 0 && gone + 1 == (uint32_t)sched->transport->size)
        return lr_fail(err, LR_EWORKERS,
                       "no worker is left and trials wait; run the same command again to go on");
    return 0;
}

void sched_hold(struct sched *sched, bool held)
{
    sched->held = held;
}

/* ---- the end ---- */

/* Followers obey their leader, who needs them for the checkpoint. */
void sched_drain(struct sched *sched)
{
    queue_clear(sched);
    sched->draining = true;
    for (int i = 1; i < sched->transport->size; i++) {
        const struct run *run = &sched->runs[i];
        if (run->id > 0)
            send_cancel(sched, run->members.ranks[0], run->id, run->attempt, true, NULL);
    }
}

void sched_stop_workers(struct sched *sched)
{
    for (int rank = 1; rank < sched->transport->size; rank++)
        if (sched->workers[rank].state != WORKER_LOST)
            send_stop(sched, rank, NULL);
}

struct sched_counts sched_counts(const struct sched *sched)
{
    const uint32_t(*tally)[2] = sched->tally;
    return (struct sched_counts){
        .queued = sched->queued,
        .running = sched->running,
        .workers_awaited = workers_in(sched, WORKER_AWAITED),
        .workers_idle = tally[WORKER_IDLE][false],
        .workers_busy = tally[WORKER_BUSY][false] + tally[WORKER_LEAVING][false],
        .workers_silent = tally[WORKER_IDLE][true] + tally[WORKER_BUSY][true] +
                          tally[WORKER_LEAVING][true] + workers_in(sched, WORKER_SILENT),
        .workers_lost = workers_in(sched, WORKER_LOST),
        .stale_messages = sched->stale,
        .bad_messages = sched->bad,
    };
}

const struct width_model *sched_model(const struct sched *sched)
{
    return &sched->model;
}
