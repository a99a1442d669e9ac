/* CANCEL: heeded only by the attempt that it names, whose RESULT is the answer. */
#include "net/worker_state.h"

void worker_on_cancel(struct worker_loop *loop, const struct msg_cancel *cancel)
{
    if (loop->assigned && loop->next.trial_id == cancel->trial_id &&
        loop->next.attempt == cancel->attempt) {
        loop->assigned = false;
        worker_refuse(loop, &loop->next, "canceled before it began");
        return;
    }
    if (loop->training && loop->current.trial_id == cancel->trial_id &&
        loop->current.attempt == cancel->attempt) {
        loop->save = loop->save || (cancel->save && !loop->canceled);
        loop->canceled = true;
        return;
    }
    worker_repeat_result(loop, cancel->trial_id, cancel->attempt);
}
