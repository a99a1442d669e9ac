/* Ends in one process: a queue for each, under one lock. Closing the coordinator's end delivers a
 * STOP to each worker without allocation, because a sent STOP may fail for lack of memory. */
#define _POSIX_C_SOURCE 200809L
#include "net/transports.h"

#include <pthread.h>
#include <string.h>
#include "lrsearch/memory.h"

struct letter {
    int from;
    struct message message;
};

struct queue {
    struct letter *letters;
    size_t first, count, capacity;
};

struct mailbox { /* of one rank */
    struct queue queue;
    bool closed;
    bool stop_told;
};

struct wire {
    pthread_mutex_t lock;
    int size, open; /* ends, and those that are not closed */
    struct mailbox boxes[];
};

struct local_end {
    struct transport transport;
    struct wire *wire;
};

/* Makes room at the back: moves the letters to the front, or doubles the capacity. */
static bool reserve_letter(struct queue *queue)
{
    if (queue->first > 0 && queue->first + queue->count == queue->capacity) {
        memmove(queue->letters, queue->letters + queue->first,
                queue->count * sizeof(*queue->letters));
        queue->first = 0;
    }
    void *larger = lr_grow(queue->letters, queue->first + queue->count, &queue->capacity,
                           sizeof(*queue->letters));
    if (larger)
        queue->letters = larger;
    return larger != NULL;
}

/* Workers write to the coordinator only. */
static int local_send(struct transport *transport, int peer, const struct message *message,
                      struct lr_error *err)
{
    struct wire *wire = ((struct local_end *)transport)->wire;
    if (peer < 0 || peer >= wire->size || (peer == 0) == (transport->rank == 0))
        return lr_fail(err, LR_EINVAL, "no rank %d here", peer);
    pthread_mutex_lock(&wire->lock);
    struct queue *queue = &wire->boxes[peer].queue;
    bool room = reserve_letter(queue);
    if (room)
        queue->letters[queue->first + queue->count++] = (struct letter){transport->rank, *message};
    pthread_mutex_unlock(&wire->lock);
    return room ? 0 : lr_nomem(err);
}

static int local_poll(struct transport *transport, int *peer, struct message *message,
                      struct lr_error *err)
{
    struct wire *wire = ((struct local_end *)transport)->wire;
    struct mailbox *box = &wire->boxes[transport->rank];
    (void)err;
    *peer = TRANSPORT_NOBODY;
    pthread_mutex_lock(&wire->lock);
    if (box->queue.count > 0) {
        const struct letter *letter = &box->queue.letters[box->queue.first++];
        *peer = letter->from;
        *message = letter->message;
        if (--box->queue.count == 0)
            box->queue.first = 0;
    } else if (transport->rank > 0 && wire->boxes[0].closed && !box->stop_told) {
        *message = (struct message){.tag = MSG_STOP};
        *peer = 0;
        box->stop_told = true;
    }
    pthread_mutex_unlock(&wire->lock);
    return 0;
}

static bool local_alive(struct transport *transport, int peer, const struct msg_hello *hello)
{
    struct wire *wire = ((struct local_end *)transport)->wire;
    (void)hello;
    pthread_mutex_lock(&wire->lock);
    bool closed = wire->boxes[peer].closed; /* a thread cannot die alone, but can close its end */
    pthread_mutex_unlock(&wire->lock);
    return !closed;
}

static void local_forget(struct transport *transport, int peer)
{
    (void)transport;
    (void)peer;
}

static void free_wire(struct wire *wire)
{
    for (int rank = 0; rank < wire->size; rank++)
        lr_free(wire->boxes[rank].queue.letters);
    pthread_mutex_destroy(&wire->lock);
    lr_free(wire);
}

static void local_destroy(struct transport *transport, unsigned timeout_ms)
{
    struct local_end *end = (struct local_end *)transport;
    struct wire *wire = end->wire;
    (void)timeout_ms;
    pthread_mutex_lock(&wire->lock);
    wire->boxes[transport->rank].closed = true;
    bool last = --wire->open == 0;
    pthread_mutex_unlock(&wire->lock);
    lr_free(end);
    if (last)
        free_wire(wire);
}

static const struct transport_ops local_ops = {local_send, local_poll, local_alive, local_forget,
                                               local_destroy};

static struct transport *add_end(struct wire *wire, int rank)
{
    struct local_end *end = lr_calloc(1, sizeof(*end));
    if (!end)
        return NULL;
    end->transport = (struct transport){&local_ops, rank, wire->size};
    end->wire = wire;
    wire->open++;
    return &end->transport;
}

int local_transport_create(struct transport **coordinator, struct transport **workers, int count,
                           struct lr_error *err)
{
    struct wire *wire = lr_calloc(1, sizeof(*wire) + (size_t)(count + 1) * sizeof(wire->boxes[0]));
    if (!wire)
        return lr_nomem(err);
    pthread_mutex_init(&wire->lock, NULL);
    wire->size = count + 1;
    *coordinator = add_end(wire, 0);
    bool whole = *coordinator != NULL;
    for (int i = 0; i < count; i++) {
        workers[i] = whole ? add_end(wire, i + 1) : NULL;
        whole = whole && workers[i];
    }
    if (whole)
        return 0;
    for (int i = 0; i < count; i++)
        lr_free(workers[i]);
    lr_free(*coordinator);
    free_wire(wire);
    return lr_nomem(err);
}
