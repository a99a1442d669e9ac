/* PING: answered at once, also between the steps of a training. A coordinator that still believes
 * in a training that is over has not heard its result. */
#include "net/worker_state.h"

void worker_on_ping(struct worker_loop *loop, const struct msg_ping *ping)
{
    struct message message = {.tag = MSG_PONG};
    struct msg_pong *pong = &message.as.pong;
    const struct msg_assign *work = loop->assigned ? &loop->next : &loop->current;
    loop->coordinator = ping->from;
    loop->campaign_runs = loop->campaign_runs || ping->nonce > 0;
    worker_repeat_result(loop, ping->trial_id, ping->attempt);
    pong->nonce = ping->nonce;
    if (loop->assigned || loop->training) {
        pong->trial_id = work->trial_id;
        pong->attempt = work->attempt;
    }
    worker_send(loop, &message);
}
