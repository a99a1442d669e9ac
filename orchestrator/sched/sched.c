/* The table of workers, the queue of trials, and the hosts that fail.
 *
 *     AWAITED --HELLO--> IDLE --assign--> BUSY --RESULT--> IDLE
 *     BUSY --trial too long--> LEAVING --RESULT, or a PONG without a trial--> IDLE
 *     any --silent--> SILENT --message--> LEAVING
 *     any --process gone, wrong version, host left out--> LOST      (final)
 *
 * A lost attempt stays lost: its worker may be dead, or slow and still training. The trial goes to
 * another worker, and later messages about the lost attempt are dropped and counted. */
#include "sched/sched.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "lrsearch/version.h"

/* HELLO is sent once MPI has started on all ranks: a minute is ample. */
enum { PING_EVERY_MS = 5000, CHECK_EVERY_MS = 1000, STALL_MS = 5000, HELLO_MS = 60000 };

/* One failure may be due to the trial; a second, of another trial, is due to the host. */
enum { STRIKES = 2 };

enum worker_state {
    WORKER_AWAITED,
    WORKER_IDLE,
    WORKER_BUSY,
    WORKER_LEAVING, /* still has an attempt that was given up */
    WORKER_SILENT,
    WORKER_LOST
};

struct host { /* name: as in HELLO */
    char name[64];
    uint32_t strikes;      /* workers lost, attempts failed; a trial's repeated ones once */
    uint32_t strike_trial; /* of the last strike; 0: none */
    bool left_out;
    uint32_t workers; /* that have sent HELLO */
};

struct worker {
    enum worker_state state;
    struct msg_hello hello;
    struct host *host; /* NULL before HELLO */
    uint32_t slot;     /* index on its host, from 0; selects its GPUs */
    uint64_t heard_ms, pinged_ms, started_ms;
    struct msg_assign job; /* the last assignment; BUSY: the current one */
    uint64_t job_nonce;    /* PONGs up to this nonce precede the job */
};

struct queued {
    struct msg_assign job;
    int avoid; /* rank of the last failed attempt; 0: none */
};

struct sched {
    struct transport *transport;
    struct sched_limits limits;
    struct sched_owner owner;
    struct msg_hello self;  /* sent with every PING */
    struct worker *workers; /* by rank; [0] unused */
    struct host *hosts;     /* room for one per rank */
    size_t host_count;
    struct queued *queue;
    size_t queue_first, queue_end, queue_capacity;
    bool draining, held;
    uint64_t now_ms, ticked_ms, checked_ms;
    uint64_t serial, nonce, stale, bad;
};

int sched_create(struct sched **out, struct transport *transport, const struct msg_hello *self,
                 const struct sched_limits *limits, const struct sched_owner *owner,
                 uint64_t now_ms, struct lr_error *err)
{
    struct sched *sched = lr_calloc(1, sizeof(*sched));
    if (!sched)
        return lr_nomem(err);
    sched->workers = lr_calloc((size_t)transport->size, sizeof(*sched->workers));
    sched->hosts = lr_calloc((size_t)transport->size, sizeof(*sched->hosts));
    if (!sched->workers || !sched->hosts) {
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

/* ---- the queue ---- */

int sched_enqueue(struct sched *sched, const struct msg_assign *job, int avoid,
                  struct lr_error *err)
{
    assert(job->trial_id > 0 && avoid >= 0 && avoid < sched->transport->size);
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

/* ---- messages to a worker ---- */

static int send_to(struct sched *sched, int peer, const struct message *message,
                   struct lr_error *err)
{
    return sched->transport->ops->send(sched->transport, peer, message, err);
}

static int send_stop(struct sched *sched, int peer, struct lr_error *err)
{
    return send_to(sched, peer, &(struct message){.tag = MSG_STOP}, err);
}

static int send_ping(struct sched *sched, int peer, struct lr_error *err)
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
    return send_to(sched, peer, &message, err);
}

static int send_job(struct sched *sched, int peer, struct lr_error *err)
{
    struct message message = {.tag = MSG_ASSIGN};
    message.as.assign = sched->workers[peer].job;
    return send_to(sched, peer, &message, err);
}

static int send_cancel(struct sched *sched, int peer, uint32_t id, uint32_t attempt, bool save,
                       struct lr_error *err)
{
    struct message message = {.tag = MSG_CANCEL};
    message.as.cancel.trial_id = id;
    message.as.cancel.attempt = attempt;
    message.as.cancel.save = save;
    return send_to(sched, peer, &message, err);
}

/* ---- hosts ---- */

/* Finds the host by name, or adds it. */
static struct host *find_host(struct sched *sched, const char *name)
{
    for (size_t i = 0; i < sched->host_count; i++)
        if (strcmp(sched->hosts[i].name, name) == 0)
            return &sched->hosts[i];
    assert(sched->host_count < (size_t)sched->transport->size);
    struct host *host = &sched->hosts[sched->host_count++];
    snprintf(host->name, sizeof(host->name), "%s", name);
    return host;
}

static bool others_can_train(const struct sched *sched, const struct host *host)
{
    for (int rank = 1; rank < sched->transport->size; rank++) {
        const struct worker *worker = &sched->workers[rank];
        bool present = worker->state == WORKER_IDLE || worker->state == WORKER_BUSY ||
                       worker->state == WORKER_LEAVING;
        if (present && worker->host != host && !worker->host->left_out)
            return true;
    }
    return false;
}

/* Sets the worker idle; stops it if its host is left out. */
static int release_worker(struct sched *sched, int peer, struct lr_error *err)
{
    struct worker *worker = &sched->workers[peer];
    worker->state = WORKER_IDLE;
    if (!worker->host->left_out)
        return 0;
    if (!others_can_train(sched, worker->host)) { /* never leave out the last host */
        worker->host->left_out = false;
        return 0;
    }
    worker->state = WORKER_LOST;
    return send_stop(sched, peer, err);
}

/* Counts a failure on the worker's host (trial 0: no trial was involved). At STRIKES the host is
 * left out, as long as another host has workers: its idle workers stop at once, busy ones after
 * their trial. */
static int strike_host(struct sched *sched, int peer, uint32_t trial_id, struct lr_error *err)
{
    int rc;
    struct host *host = sched->workers[peer].host;
    if (!host || (trial_id > 0 && host->strike_trial == trial_id))
        return 0;
    host->strikes++;
    host->strike_trial = trial_id;
    if (host->left_out || host->strikes < STRIKES || !others_can_train(sched, host))
        return 0;
    host->left_out = true;
    lr_log(LR_LOG_WARNING, "host %s failed %u times: its ranks get no more trials", host->name,
           host->strikes);
    for (int rank = 1; rank < sched->transport->size; rank++)
        if (sched->workers[rank].host == host && sched->workers[rank].state == WORKER_IDLE &&
            (rc = release_worker(sched, rank, err)))
            return rc;
    return 0;
}

/* ---- one function for each incoming message ---- */

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
    worker->host = find_host(sched, hello->host);
    worker->slot = worker->host->workers++;
    if (hello->protocol == MESSAGE_PROTOCOL && strcmp(hello->version, LRSEARCH_VERSION) == 0) {
        int rc = release_worker(sched, peer, err);
        return rc ? rc : send_ping(sched, peer, err); /* announces the coordinator */
    }
    lr_log(LR_LOG_WARNING, "rank %d on %s runs lrsearch %s, this is %s: it is left out", peer,
           hello->host, hello->version, LRSEARCH_VERSION);
    worker->state = WORKER_LOST;
    return send_stop(sched, peer, err);
}

/* Whether (id, attempt) is the worker's last assignment. */
static bool has_job(const struct worker *worker, uint32_t id, uint32_t attempt)
{
    return worker->job.trial_id == id && worker->job.attempt == attempt;
}

static int on_progress(struct sched *sched, int peer, const struct msg_progress *progress,
                       struct lr_error *err)
{
    const struct worker *worker = &sched->workers[peer];
    if (worker->state != WORKER_BUSY || !has_job(worker, progress->trial_id, progress->attempt)) {
        sched->stale++;
        return 0;
    }
    return sched->owner.progress(sched->owner.context, progress, peer, err);
}

/* Frees the worker and reports the result to the owner, once per attempt. */
static int on_result(struct sched *sched, int peer, const struct msg_result *result,
                     struct lr_error *err)
{
    int rc;
    const struct worker *worker = &sched->workers[peer];
    bool is_last = has_job(worker, result->trial_id, result->attempt);
    if (worker->state != WORKER_BUSY || !is_last) {
        sched->stale++;
        return worker->state == WORKER_LEAVING && is_last ? release_worker(sched, peer, err) : 0;
    }
    if ((rc = release_worker(sched, peer, err)))
        return rc;
    if ((rc = sched->owner.ended(sched->owner.context, result->trial_id, result->attempt,
                                 &result->result, err)))
        return rc;
    return result->result.outcome == OUTCOME_FAILED
               ? strike_host(sched, peer, result->trial_id, err)
               : 0;
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
    if (worker->state == WORKER_BUSY && !has_job(worker, pong->trial_id, pong->attempt))
        return send_job(sched, peer, err);
    if (worker->state == WORKER_BUSY)
        return sched->draining ? send_cancel(sched, peer, pong->trial_id, pong->attempt, true, err)
                               : 0;
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
    struct worker *worker = &sched->workers[peer];
    worker->heard_ms = now_ms;
    if (worker->state == WORKER_SILENT) {
        lr_log(LR_LOG_INFO, "rank %d on %s is heard again", peer, worker->hello.host);
        worker->state = worker->host ? WORKER_LEAVING : WORKER_AWAITED;
        /* A PING before the HELLO would end the worker's HELLOs. */
        if (worker->host && (rc = send_ping(sched, peer, err)))
            return rc;
    }
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

/* ---- sched_tick(): assigning trials ---- */

/* An idle worker, if possible on another rank and host than `avoid`; 0: none is idle. */
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

static int assign_first(struct sched *sched, int peer, struct lr_error *err)
{
    struct worker *worker = &sched->workers[peer];
    worker->job = sched->queue[sched->queue_first++].job;
    worker->job.serial = ++sched->serial;
    worker->job.place.slot = worker->slot;
    worker->job_nonce = sched->nonce;
    worker->state = WORKER_BUSY;
    worker->started_ms = sched->now_ms;
    int rc = sched->owner.started(sched->owner.context, worker->job.trial_id, worker->job.attempt,
                                  peer, &worker->hello, err);
    return rc ? rc : send_job(sched, peer, err);
}

static int assign_all(struct sched *sched, struct lr_error *err)
{
    int rc, rank;
    while (!sched->draining && !sched->held && sched->queue_first < sched->queue_end &&
           (rank = choose_worker(sched, sched->queue[sched->queue_first].avoid)) > 0)
        if ((rc = assign_first(sched, rank, err)))
            return rc;
    return 0;
}

void sched_hold(struct sched *sched, bool held)
{
    sched->held = held;
}

/* ---- sched_tick(): finding lost workers ---- */

/* Ends the worker's attempt as LOST, with the message "rank 3 on host node7: why". */
static int give_up_job(struct sched *sched, int peer, const char *why, struct lr_error *err)
{
    struct worker *worker = &sched->workers[peer];
    struct trial_result result;
    assert(worker->state == WORKER_BUSY);
    worker->state = WORKER_LEAVING;
    memset(&result, 0, sizeof(result));
    result.outcome = OUTCOME_LOST;
    result.val_loss = result.val_loss_se = result.val_bits_per_byte = result.train_loss = NAN;
    result.seconds = (double)(sched->now_ms - worker->started_ms) / 1000.0;
    snprintf(result.message, sizeof(result.message), "rank %d on host %s: %s", peer,
             worker->hello.host, why);
    return sched->owner.ended(sched->owner.context, worker->job.trial_id, worker->job.attempt,
                              &result, err);
}

/* Sets the worker SILENT or LOST, and ends its attempt as LOST. */
static int give_up_worker(struct sched *sched, int peer, enum worker_state state, const char *why,
                          struct lr_error *err)
{
    struct worker *worker = &sched->workers[peer];
    lr_log(LR_LOG_WARNING, "rank %d on %s: %s; going on without it", peer,
           worker->host ? worker->hello.host : "an unknown host", why);
    int rc = worker->state == WORKER_BUSY ? give_up_job(sched, peer, why, err) : 0;
    worker->state = state;
    if (state == WORKER_LOST)
        sched->transport->ops->forget(sched->transport, peer);
    return rc ? rc : strike_host(sched, peer, 0, err);
}

static int stop_long_trial(struct sched *sched, int peer, struct lr_error *err)
{
    int rc;
    const struct msg_assign *job = &sched->workers[peer].job;
    if ((rc = send_cancel(sched, peer, job->trial_id, job->attempt, false, err)))
        return rc;
    if ((rc = give_up_job(sched, peer, "its trial ran longer than limits.trial_time", err)))
        return rc;
    return strike_host(sched, peer, job->trial_id, err);
}

static int check_worker(struct sched *sched, int peer, struct lr_error *err)
{
    struct worker *worker = &sched->workers[peer];
    uint64_t silent_ms = sched->now_ms - worker->heard_ms;
    uint64_t running_ms = sched->now_ms - worker->started_ms;
    if (worker->state == WORKER_LOST)
        return 0;
    const struct msg_hello *hello = worker->host ? &worker->hello : NULL;
    if (!sched->transport->ops->alive(sched->transport, peer, hello))
        return give_up_worker(sched, peer, WORKER_LOST, "its process is gone", err);
    if (worker->state == WORKER_SILENT)
        return 0;
    if (worker->state == WORKER_AWAITED)
        return silent_ms > HELLO_MS
                   ? give_up_worker(sched, peer, WORKER_SILENT, "never said hello", err)
                   : 0;
    if (sched->limits.silence_ms && silent_ms > sched->limits.silence_ms)
        return give_up_worker(sched, peer, WORKER_SILENT, "silent for too long", err);
    if (worker->state == WORKER_BUSY && sched->limits.trial_time_ms &&
        running_ms > sched->limits.trial_time_ms)
        return stop_long_trial(sched, peer, err);
    return sched->now_ms - worker->pinged_ms < PING_EVERY_MS ? 0 : send_ping(sched, peer, err);
}

static uint64_t put_off(uint64_t time_ms, uint64_t by_ms, uint64_t latest_ms)
{
    return time_ms + by_ms < latest_ms ? time_ms + by_ms : latest_ms;
}

/* A stall of this process does not count against workers: their messages may wait unread. */
static void forgive_stall(struct sched *sched)
{
    uint64_t stall_ms = sched->now_ms - sched->ticked_ms;
    if (stall_ms < STALL_MS)
        return;
    for (int rank = 1; rank < sched->transport->size; rank++) {
        struct worker *worker = &sched->workers[rank];
        worker->heard_ms = put_off(worker->heard_ms, stall_ms, sched->now_ms);
        worker->started_ms = put_off(worker->started_ms, stall_ms, sched->now_ms);
    }
}

int sched_tick(struct sched *sched, uint64_t now_ms, struct lr_error *err)
{
    int rc;
    sched->now_ms = now_ms;
    forgive_stall(sched);
    sched->ticked_ms = now_ms;
    if (now_ms - sched->checked_ms >= CHECK_EVERY_MS) {
        sched->checked_ms = now_ms;
        for (int rank = 1; rank < sched->transport->size; rank++)
            if ((rc = check_worker(sched, rank, err)))
                return rc;
    }
    if ((rc = assign_all(sched, err)))
        return rc;
    struct sched_counts counts = sched_counts(sched);
    if (counts.queued > 0 && counts.workers_lost + 1 == (uint32_t)sched->transport->size)
        return lr_fail(err, LR_EWORKERS,
                       "no worker is left and trials wait; run the same command again to go on");
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
            send_cancel(sched, rank, worker->job.trial_id, worker->job.attempt, true, NULL);
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
