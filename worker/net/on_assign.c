/* ASSIGN: kept until the loop trains it. What the worker has seen already is dropped (it came
 * twice, or late); a newer one takes the place of what waits or runs, because the coordinator has
 * given that up. */
#include "net/worker_state.h"

void worker_on_assign(struct worker_loop *loop, const struct msg_assign *assign)
{
    if (assign->serial <= loop->serial)
        return;
    loop->serial = assign->serial;
    loop->assigned = true;
    loop->next = *assign;
    loop->canceled = loop->training;
    loop->save = false;
}
