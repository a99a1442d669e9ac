/* CANCEL: heeded only by the attempt that it names. */
#include "net/worker_state.h"

void worker_on_cancel(struct worker_loop *loop, const struct msg_cancel *cancel)
{
    if (loop->assignment.trial_id != cancel->trial_id ||
        loop->assignment.attempt != cancel->attempt)
        return;
    loop->canceled = loop->training;
    loop->assigned = false;
}
