/* RESULT: the worker is free again, and the owner is told, once. */
#include "sched/sched_state.h"

int sched_on_result(struct sched *sched, int peer, const struct msg_result *result,
                    struct lr_error *err)
{
    struct worker *worker = &sched->workers[peer];
    bool given_up = worker->state == WORKER_LEAVING && worker->job.trial_id == result->trial_id &&
                    worker->job.attempt == result->attempt;
    if (!sched_is_current(sched, peer, result->trial_id, result->attempt))
        return given_up ? sched_release(sched, peer, err) : 0;
    int rc = sched_release(sched, peer, err);
    if (!rc)
        rc = sched->owner.ended(sched->owner.context, result->trial_id, result->attempt,
                                &result->result);
    if (!rc && result->result.outcome == OUTCOME_FAILED)
        rc = sched_strike(sched, peer, result->trial_id, err);
    return rc;
}
