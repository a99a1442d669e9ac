#ifndef LRSEARCH_TRANSPORT_H
#define LRSEARCH_TRANSPORT_H

#include <stdbool.h>
#include "lrsearch/message.h"
#include "lrsearch/error.h"

/* Message exchange between ranks: over MPI, between two threads of one process, or simulated in a
 * test. Rank 0 is the coordinator. Not thread-safe: one thread owns a transport. Messages between a
 * pair of ranks keep their order. A dead peer is no error of send or poll: it shows only as
 * silence, or in alive(). */

struct transport;

#define TRANSPORT_NOBODY (-1)

struct transport_ops {
    /* Copies the message and returns at once, whatever the peer does. 0 or a negative code. */
    int (*send)(struct transport *transport, int peer, const struct message *message,
                struct lr_error *err);
    /* The next message that has arrived, from *peer; TRANSPORT_NOBODY: there is none now. 0 or a
     * negative code; a malformed frame is LR_EPROTO with *peer set, and the transport stays usable.
     * Never blocks. */
    int (*poll)(struct transport *transport, int *peer, struct message *message,
                struct lr_error *err);
    /* False only if the peer is known to be gone: on the same host by the pid and host_id of its
     * HELLO (NULL: none), on any host if the transport has learned it. Messages to it are then
     * dropped without an error. */
    bool (*alive)(struct transport *transport, int peer, const struct msg_hello *hello);
    /* Gives the peer up: drops pending messages, sends no more; alive() is false. */
    void (*forget)(struct transport *transport, int peer);
    /* Waits at most `timeout_ms` for pending sends, then frees everything. */
    void (*destroy)(struct transport *transport, unsigned timeout_ms);
};

struct transport { /* the first member of every implementation */
    const struct transport_ops *ops;
    int rank;
    int size; /* ranks, the coordinator included */
};

#endif
