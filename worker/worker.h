#ifndef LRSEARCH_WORKER_H
#define LRSEARCH_WORKER_H

#include "lrsearch/error.h"
#include "lrsearch/message.h"
#include "lrsearch/transport.h"

/* A worker: says HELLO, trains what it is assigned, answers pings, leaves on STOP. While it trains
 * it polls the transport between steps. Gives up (LR_EWORKERS) when the coordinator's process is
 * known to be gone, or was silent for `lease_ms` (a third of that before its first word, 15 times
 * that while it prepares the data; 0: never): a dead coordinator leaves no process behind. */
int worker_run(struct transport *transport, const struct msg_hello *hello, uint64_t lease_ms,
               struct lr_error *err);

#endif
