/* A worker's state with the counts that follow from it, and what is sent to it. */
#include "sched/sched_state.h"

#include <assert.h>
#include <string.h>

bool worker_is_usable(const struct worker *worker)
{
    return worker->state == WORKER_IDLE && !worker->quiet;
}

static bool works(const struct worker *worker)
{
    return worker->state == WORKER_BUSY || worker->state == WORKER_LEAVING;
}

void worker_set(struct sched *sched, int peer, enum worker_state state, bool quiet)
{
    struct worker *worker = &sched->workers[peer];
    struct host *host = worker->host;
    sched->tally[worker->state][worker->quiet]--;
    if (host) {
        host->idle -= worker_is_usable(worker);
        host->busy -= works(worker);
    }
    worker->state = state;
    worker->quiet = quiet;
    if (state != WORKER_BUSY)
        worker->run = NULL;
    sched->tally[state][quiet]++;
    if (host) {
        host->idle += worker_is_usable(worker);
        host->busy += works(worker);
    }
}

int dismiss_worker(struct sched *sched, int peer, const char *why, struct lr_error *err)
{
    const struct worker *worker = &sched->workers[peer];
    worker_set(sched, peer, WORKER_LOST, false);
    return sched->owner.news(sched->owner.context, peer, worker->host ? &worker->hello : NULL,
                             WORKER_GONE, why, err);
}

bool worker_has(const struct worker *worker, uint32_t id, uint32_t attempt)
{
    return worker->trial_id == id && worker->attempt == attempt;
}

static int send_to(struct sched *sched, int peer, const struct message *message,
                   struct lr_error *err)
{
    return sched->transport->ops->send(sched->transport, peer, message, err);
}

int send_stop(struct sched *sched, int peer, struct lr_error *err)
{
    return send_to(sched, peer, &(struct message){.tag = MSG_STOP}, err);
}

int send_ping(struct sched *sched, int peer, struct lr_error *err)
{
    struct worker *worker = &sched->workers[peer];
    struct message message = {.tag = MSG_PING};
    struct msg_ping *ping = &message.as.ping;
    ping->nonce = ++sched->nonce;
    ping->from = sched->self;
    if (worker->state == WORKER_BUSY) {
        ping->trial_id = worker->trial_id;
        ping->attempt = worker->attempt;
    }
    worker->pinged_ms = sched->now_ms;
    return send_to(sched, peer, &message, err);
}

int send_job(struct sched *sched, int peer, struct lr_error *err)
{
    const struct worker *worker = &sched->workers[peer];
    struct message message = {.tag = MSG_ASSIGN};
    struct msg_assign *job = &message.as.assign;
    assert(worker->run);
    *job = worker->run->job;
    job->serial = worker->serial;
    job->trial_id = worker->trial_id;
    job->attempt = worker->attempt;
    job->epoch = worker->epoch;
    memcpy(job->members, worker->members, sizeof(job->members));
    job->place.slot = worker->slot;
    return send_to(sched, peer, &message, err);
}

int send_group(struct sched *sched, const struct run *run, struct lr_error *err)
{
    struct message message = {.tag = MSG_GROUP};
    struct msg_group *group = &message.as.group;
    group->trial_id = run->id;
    group->attempt = run->attempt;
    group->epoch = run->members.epoch;
    group_members_text(group->members, &run->members);
    return send_to(sched, run->members.ranks[0], &message, err);
}

int send_cancel(struct sched *sched, int peer, uint32_t id, uint32_t attempt, bool save,
                struct lr_error *err)
{
    struct message message = {.tag = MSG_CANCEL};
    message.as.cancel.trial_id = id;
    message.as.cancel.attempt = attempt;
    message.as.cancel.save = save;
    return send_to(sched, peer, &message, err);
}
