/* RESULT: the worker is free again, and the owner is told. */
#include "sched/sched_state.h"

int sched_on_result(struct sched *sched, int peer, const struct msg_result *result)
{
    struct worker *worker = &sched->workers[peer];
    if (!sched_is_current(sched, peer, result->trial_id, result->attempt))
        return 0;
    worker->state = WORKER_IDLE;
    return sched->owner.ended(sched->owner.context, result->trial_id, result->attempt,
                              &result->result);
}
