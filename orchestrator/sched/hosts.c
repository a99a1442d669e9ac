/* Hosts: where workers run, how many cores they share, and which hosts fail. */
#include "sched/sched_state.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include "lrsearch/log.h"

/* One failure may be due to the trial; a second, of another trial, is due to the host. */
enum { STRIKES = 2 };

struct host *host_find(struct sched *sched, const char *name)
{
    for (size_t i = 0; i < sched->host_count; i++)
        if (strcmp(sched->hosts[i].name, name) == 0)
            return &sched->hosts[i];
    assert(sched->host_count < (size_t)sched->transport->size);
    struct host *host = &sched->hosts[sched->host_count++];
    snprintf(host->name, sizeof(host->name), "%s", name);
    return host;
}

void host_add_cores(struct sched *sched, int peer)
{
    const struct worker *worker = &sched->workers[peer];
    const struct msg_hello *hello = &worker->hello;
    for (int rank = 1; rank < sched->transport->size; rank++)
        if (rank != peer && sched->workers[rank].host == worker->host &&
            sched->workers[rank].hello.core_set == hello->core_set)
            return;
    worker->host->cores += hello->cores;
}

int host_room(const struct sched *sched, const struct host *host)
{
    uint32_t threads = sched->limits.threads > 0 ? sched->limits.threads : 1;
    if (host->cores == 0)
        return sched->transport->size;
    return (int)(host->cores / threads) - (int)host->busy;
}

static bool others_can_train(const struct sched *sched, const struct host *host)
{
    for (int rank = 1; rank < sched->transport->size; rank++) {
        const struct worker *worker = &sched->workers[rank];
        bool present =
            !worker->quiet && (worker->state == WORKER_IDLE || worker->state == WORKER_BUSY ||
                               worker->state == WORKER_LEAVING);
        if (present && worker->host != host && !worker->host->left_out)
            return true;
    }
    return false;
}

int release_worker(struct sched *sched, int peer, struct lr_error *err)
{
    struct worker *worker = &sched->workers[peer];
    worker_set(sched, peer, WORKER_IDLE, worker->quiet);
    if (!worker->host->left_out)
        return 0;
    if (!others_can_train(sched, worker->host)) { /* never leave out the last host */
        worker->host->left_out = false;
        return 0;
    }
    int rc = dismiss_worker(sched, peer, "its host is left out", err);
    return rc ? rc : send_stop(sched, peer, err);
}

int strike_host(struct sched *sched, int peer, uint32_t trial_id, struct lr_error *err)
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
