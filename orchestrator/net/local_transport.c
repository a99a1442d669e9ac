/* Two ends in one process: a queue in each direction, under one lock. Closing the coordinator's end
 * delivers a STOP to the worker without allocation, because a sent STOP may fail for lack of
 * memory. */
#define _POSIX_C_SOURCE 200809L
#include "net/transports.h"

#include <pthread.h>
#include <string.h>
#include "lrsearch/memory.h"

struct queue {
    struct message *messages;
    size_t first, count, capacity;
};

struct wire {
    pthread_mutex_t lock;
    struct queue to[2]; /* index: the rank that receives */
    bool closed[2];     /* by rank */
    bool stop_told;
};

struct local_end {
    struct transport transport;
    struct wire *wire;
};

/* Makes room at the back: moves the messages to the front, or doubles the capacity. */
static bool reserve_message(struct queue *queue)
{
    if (queue->first > 0 && queue->first + queue->count == queue->capacity) {
        memmove(queue->messages, queue->messages + queue->first,
                queue->count * sizeof(*queue->messages));
        queue->first = 0;
    }
    void *larger = lr_grow(queue->messages, queue->first + queue->count, &queue->capacity,
                           sizeof(*queue->messages));
    if (larger)
        queue->messages = larger;
    return larger != NULL;
}

static int local_send(struct transport *transport, int peer, const struct message *message,
                      struct lr_error *err)
{
    struct wire *wire = ((struct local_end *)transport)->wire;
    if (peer != 1 - transport->rank)
        return lr_fail(err, LR_EINVAL, "no rank %d here", peer);
    pthread_mutex_lock(&wire->lock);
    struct queue *queue = &wire->to[peer];
    bool room = reserve_message(queue);
    if (room)
        queue->messages[queue->first + queue->count++] = *message;
    pthread_mutex_unlock(&wire->lock);
    return room ? 0 : lr_nomem(err);
}

static int local_poll(struct transport *transport, int *peer, struct message *message,
                      struct lr_error *err)
{
    struct wire *wire = ((struct local_end *)transport)->wire;
    (void)err;
    pthread_mutex_lock(&wire->lock);
    struct queue *queue = &wire->to[transport->rank];
    bool any = queue->count > 0;
    if (any) {
        *message = queue->messages[queue->first++];
        if (--queue->count == 0)
            queue->first = 0;
    } else if (transport->rank == 1 && wire->closed[0] && !wire->stop_told) {
        *message = (struct message){.tag = MSG_STOP};
        any = wire->stop_told = true;
    }
    pthread_mutex_unlock(&wire->lock);
    *peer = any ? 1 - transport->rank : TRANSPORT_NOBODY;
    return 0;
}

static bool local_alive(struct transport *transport, int peer, const struct msg_hello *hello)
{
    struct wire *wire = ((struct local_end *)transport)->wire;
    (void)hello;
    pthread_mutex_lock(&wire->lock);
    bool closed = wire->closed[peer]; /* a thread cannot die alone, but can close its end */
    pthread_mutex_unlock(&wire->lock);
    return !closed;
}

static void local_forget(struct transport *transport, int peer)
{
    (void)transport;
    (void)peer;
}

static void local_destroy(struct transport *transport, unsigned timeout_ms)
{
    struct local_end *end = (struct local_end *)transport;
    struct wire *wire = end->wire;
    (void)timeout_ms;
    pthread_mutex_lock(&wire->lock);
    wire->closed[transport->rank] = true;
    bool last = wire->closed[1 - transport->rank];
    pthread_mutex_unlock(&wire->lock);
    if (last) {
        lr_free(wire->to[0].messages);
        lr_free(wire->to[1].messages);
        pthread_mutex_destroy(&wire->lock);
        lr_free(wire);
    }
    lr_free(end);
}

static const struct transport_ops local_ops = {local_send, local_poll, local_alive, local_forget,
                                               local_destroy};

int local_transport_create(struct transport **coordinator, struct transport **worker,
                           struct lr_error *err)
{
    struct local_end *ends[2] = {lr_calloc(1, sizeof(*ends[0])), lr_calloc(1, sizeof(*ends[1]))};
    struct wire *wire = lr_calloc(1, sizeof(*wire));
    if (!ends[0] || !ends[1] || !wire) {
        lr_free(ends[0]);
        lr_free(ends[1]);
        lr_free(wire);
        return lr_nomem(err);
    }
    pthread_mutex_init(&wire->lock, NULL);
    for (int rank = 0; rank < 2; rank++) {
        ends[rank]->transport = (struct transport){&local_ops, rank, 2};
        ends[rank]->wire = wire;
    }
    *coordinator = &ends[0]->transport;
    *worker = &ends[1]->transport;
    return 0;
}
