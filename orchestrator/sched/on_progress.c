/* PROGRESS: handed on when it is about the attempt that runs there. */
#include "sched/sched_state.h"

int sched_on_progress(struct sched *sched, int peer, const struct msg_progress *progress)
{
    if (!sched_is_current(sched, peer, progress->trial_id, progress->attempt))
        return 0;
    return sched->owner.progress(sched->owner.context, progress, peer);
}
