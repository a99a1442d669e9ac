/* Hosts that fail. One failure may be the trial's, a second one of another trial is the host's: it
 * is left out, unless there is no other. */
#include <stdio.h>
#include <string.h>
#include "lrsearch/log.h"
#include "sched/sched_state.h"

enum { STRIKES = 2 };

struct host *sched_host(struct sched *sched, const char *name)
{
    for (size_t i = 0; i < sched->host_count; i++)
        if (strcmp(sched->hosts[i].name, name) == 0)
            return &sched->hosts[i];
    struct host *host = &sched->hosts[sched->host_count++];
    snprintf(host->name, sizeof(host->name), "%s", name);
    return host;
}

static bool can_train(const struct worker *worker)
{
    return worker->state == WORKER_IDLE || worker->state == WORKER_BUSY ||
           worker->state == WORKER_LEAVING;
}

static bool others_can_train(const struct sched *sched, const struct host *host)
{
    for (int rank = 1; rank < sched->transport->size; rank++) {
        const struct worker *worker = &sched->workers[rank];
        if (worker->host != host && can_train(worker) && !worker->host->left_out)
            return true;
    }
    return false;
}

int sched_release(struct sched *sched, int peer, struct lr_error *err)
{
    struct worker *worker = &sched->workers[peer];
    struct message stop = {.tag = MSG_STOP};
    worker->state = WORKER_IDLE;
    if (!worker->host->left_out)
        return 0;
    if (!others_can_train(sched, worker->host)) { /* better than nobody */
        worker->host->left_out = false;
        return 0;
    }
    worker->state = WORKER_LOST;
    return sched->transport->ops->send(sched->transport, peer, &stop, err);
}

int sched_strike(struct sched *sched, int peer, uint32_t trial_id, struct lr_error *err)
{
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
    int rc = 0;
    for (int rank = 1; !rc && rank < sched->transport->size; rank++)
        if (sched->workers[rank].host == host && sched->workers[rank].state == WORKER_IDLE)
            rc = sched_release(sched, rank, err);
    return rc;
}
