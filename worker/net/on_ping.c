/* PING: answered at once, also between the steps of a training. */
#include "net/worker_state.h"

void worker_on_ping(struct worker_loop *loop, const struct msg_ping *ping)
{
    struct message pong = {.tag = MSG_PONG};
    loop->coordinator = ping->from;
    pong.as.pong.nonce = ping->nonce;
    worker_send(loop, &pong);
}
