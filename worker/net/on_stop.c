/* STOP: leave; a training in progress is given up. */
#include "net/worker_state.h"

void worker_on_stop(struct worker_loop *loop)
{
    loop->stopping = true;
}
