/* PONG: it was heard, which sched_message() has noted already. */
#include "sched/sched_state.h"

int sched_on_pong(struct sched *sched, int peer)
{
    if (sched->workers[peer].state == WORKER_LOST)
        sched->stale++;
    return 0;
}
