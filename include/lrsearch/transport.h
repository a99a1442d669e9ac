#ifndef LRSEARCH_TRANSPORT_H
#define LRSEARCH_TRANSPORT_H

#include <stdbool.h>
#include "lrsearch/message.h"
#include "lrsearch/error.h"

/* How ranks exchange messages; over MPI, between two threads of one process, or simulated in a
 * test. Rank 0 is the coordinator. Not thread-safe: one thread owns a transport.
 * Messages between a pair of ranks keep their order. A peer that died is no error of send or poll:
 * silence is all that is seen of it, unless alive() knows better. */

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
    /* False only when the peer is known to be gone: by its HELLO (pid, host_id; NULL when there was
     * none) on the same host, or because the transport itself was told, on any. What is sent to it
     * is then dropped without an error. */
    bool (*alive)(struct transport *transport, int peer, const struct msg_hello *hello);
    /* The peer was given up: drop what is pending, never send to it again; alive() is false. */
    void (*forget)(struct transport *transport, int peer);
    /* Tries to let pending sends leave, `timeout_ms` at most, then frees everything. */
    void (*destroy)(struct transport *transport, unsigned timeout_ms);
};

struct transport { /* the first member of every implementation */
    const struct transport_ops *ops;
    int rank;
    int size; /* ranks, the coordinator included */
};

#endif
