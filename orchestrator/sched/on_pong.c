/* PONG: what the worker trains. Where that is not what we believe, something was lost on its way:
 * the assignment, which it hears again, or our CANCEL. (A lost RESULT it says again by itself.) */
#include "sched/sched_state.h"

int sched_on_pong(struct sched *sched, int peer, const struct msg_pong *pong, struct lr_error *err)
{
    struct worker *worker = &sched->workers[peer];
    struct message again = {.tag = MSG_ASSIGN};
    bool same = pong->trial_id == worker->job.trial_id && pong->attempt == worker->job.attempt;
    if (worker->state == WORKER_LOST || worker->state == WORKER_AWAITED ||
        pong->nonce <= worker->job_nonce) {
        sched->stale += worker->state == WORKER_LOST;
        return 0;
    }
    if (worker->state == WORKER_BUSY && same)
        return sched->draining ? sched_cancel(sched, peer, pong->trial_id, pong->attempt, true, err)
                               : 0;
    if (worker->state == WORKER_BUSY) {
        again.as.assign = worker->job;
        return sched->transport->ops->send(sched->transport, peer, &again, err);
    }
    if (pong->trial_id > 0)
        return sched_cancel(sched, peer, pong->trial_id, pong->attempt, false, err);
    return worker->state == WORKER_LEAVING ? sched_release(sched, peer, err) : 0;
}
