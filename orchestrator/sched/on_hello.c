/* HELLO: a worker is there; it says so until it hears a PING. One of another version would train
 * something else. */
#include <string.h>
#include "lrsearch/log.h"
#include "lrsearch/version.h"
#include "sched/sched_state.h"

int sched_on_hello(struct sched *sched, int peer, const struct msg_hello *hello,
                   struct lr_error *err)
{
    struct worker *worker = &sched->workers[peer];
    if (worker->state == WORKER_LOST) {
        sched->stale++;
        return 0;
    }
    if (worker->state != WORKER_AWAITED)
        return sched_ping(sched, peer, err);
    worker->hello = *hello;
    worker->host = sched_host(sched, hello->host);
    worker->slot = worker->host->workers++;
    if (hello->protocol == MESSAGE_PROTOCOL && strcmp(hello->version, LRSEARCH_VERSION) == 0) {
        int rc = sched_release(sched, peer, err);
        return rc ? rc : sched_ping(sched, peer, err); /* tells it who coordinates */
    }
    struct message stop = {.tag = MSG_STOP};
    lr_log(LR_LOG_WARNING, "rank %d on %s runs lrsearch %s, this is %s: it is left out", peer,
           hello->host, hello->version, LRSEARCH_VERSION);
    worker->state = WORKER_LOST;
    return sched->transport->ops->send(sched->transport, peer, &stop, err);
}
