/* Messages over MPI. One receive is always posted and tested, because in Open MPI 4.1 a single
 * probe sees a message one call late. Sends are never waited for: to a dead rank they stay pending
 * for ever and must not block the others. Where MPI reports deaths (mpi_note_deaths()), every
 * receive from any rank fails with an error until the death is noted. */
#define _POSIX_C_SOURCE 200809L
#include "net/transports.h"

#include <mpi.h>
#include <string.h>
#include <time.h>
#include "lrsearch/memory.h"
#include "lrsearch/message.h"
#include "net/mpi_session.h"
#include "net/peer.h"

enum { TAG = 1 };

struct pending {
    struct pending *next;
    MPI_Request request;
    int peer;
    unsigned char frame[WIRE_FRAME_MAX];
};

struct mpi_end {
    struct transport transport;
    MPI_Request receive;
    unsigned char frame[WIRE_FRAME_MAX];
    struct pending *sends;
    bool gone[]; /* by rank: reported dead, or given up */
};

/* Frees completed sends. Those pending to a forgotten rank are kept: MPI may still read them. */
static void free_sent(struct mpi_end *end)
{
    for (struct pending **at = &end->sends; *at;) {
        int done = 0;
        if (MPI_Test(&(*at)->request, &done, MPI_STATUS_IGNORE) == MPI_SUCCESS && !done) {
            at = &(*at)->next;
            continue;
        }
        struct pending *left = *at;
        *at = left->next;
        lr_free(left);
    }
}

static int mpi_send(struct transport *transport, int peer, const struct message *message,
                    struct lr_error *err)
{
    struct mpi_end *end = (struct mpi_end *)transport;
    free_sent(end);
    if (end->gone[peer])
        return 0;
    struct pending *pending = lr_malloc(sizeof(*pending));
    if (!pending)
        return lr_nomem(err);
    int length = wire_encode(message, pending->frame, sizeof(pending->frame));
    int code = length < 0 ? MPI_ERR_COUNT
                          : MPI_Isend(pending->frame, length, MPI_BYTE, peer, TAG, MPI_COMM_WORLD,
                                      &pending->request);
    if (code != MPI_SUCCESS) {
        lr_free(pending);
        if (mpi_is_death(code))
            return 0; /* the next poll notes it */
        return lr_fail(err, LR_EPROTO, "%s cannot be sent to rank %d", message_name(message->tag),
                       peer);
    }
    pending->peer = peer;
    pending->next = end->sends;
    end->sends = pending;
    return 0;
}

static int post_receive(struct mpi_end *end, struct lr_error *err)
{
    int code = MPI_Irecv(end->frame, WIRE_FRAME_MAX, MPI_BYTE, MPI_ANY_SOURCE, TAG, MPI_COMM_WORLD,
                         &end->receive);
    return code == MPI_SUCCESS ? 0 : lr_fail(err, LR_EPROTO, "MPI cannot receive");
}

/* Whether a message has arrived. A death leaves the receive pending, or ends it if it was receiving
 * from that rank. It is then tested once more, so that messages that have arrived are delivered
 * before the rank is found gone. */
static int test_receive(struct mpi_end *end, bool *arrived, MPI_Status *status,
                        struct lr_error *err)
{
    int rc, done = 0;
    *arrived = false;
    int code = MPI_Test(&end->receive, &done, status);
    if (code != MPI_SUCCESS && mpi_is_death(code)) {
        mpi_note_deaths(end->gone);
        if (end->receive == MPI_REQUEST_NULL && (rc = post_receive(end, err)))
            return rc;
        done = 0;
        code = MPI_Test(&end->receive, &done, status);
        if (code != MPI_SUCCESS && mpi_is_death(code)) /* another death in the meantime */
            return 0;
    }
    if (code != MPI_SUCCESS)
        return lr_fail(err, LR_EPROTO, "MPI cannot receive");
    *arrived = done;
    return 0;
}

static int mpi_poll(struct transport *transport, int *peer, struct message *message,
                    struct lr_error *err)
{
    struct mpi_end *end = (struct mpi_end *)transport;
    MPI_Status status;
    int rc, length = 0;
    bool arrived;
    *peer = TRANSPORT_NOBODY;
    free_sent(end);
    if ((rc = test_receive(end, &arrived, &status, err)) || !arrived)
        return rc;
    *peer = status.MPI_SOURCE;
    MPI_Get_count(&status, MPI_BYTE, &length);
    rc = wire_decode(message, end->frame, length > 0 ? (size_t)length : 0, err);
    int posted = post_receive(end, err); /* also after a malformed frame */
    return rc ? rc : posted;
}

static bool mpi_alive(struct transport *transport, int peer, const struct msg_hello *hello)
{
    return !((struct mpi_end *)transport)->gone[peer] && (!hello || peer_alive(hello));
}

static void mpi_forget(struct transport *transport, int peer)
{
    /* Its pending sends are kept: MPI may still read them. */
    ((struct mpi_end *)transport)->gone[peer] = true;
}

static void mpi_destroy(struct transport *transport, unsigned timeout_ms)
{
    struct mpi_end *end = (struct mpi_end *)transport;
    const struct timespec pause = {0, 1000000};
    for (unsigned waited = 0; waited < timeout_ms; waited++) {
        free_sent(end);
        if (!end->sends)
            break;
        nanosleep(&pause, NULL);
    }
    MPI_Cancel(&end->receive);
    MPI_Wait(&end->receive, MPI_STATUS_IGNORE);
    if (end->sends || end->receive != MPI_REQUEST_NULL)
        return; /* MPI may still use these: never freed */
    lr_free(end);
}

static const struct transport_ops mpi_ops = {mpi_send, mpi_poll, mpi_alive, mpi_forget,
                                             mpi_destroy};

int mpi_transport_create(struct transport **out, struct lr_error *err)
{
    int size;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    struct mpi_end *end = lr_calloc(1, sizeof(*end) + (size_t)size * sizeof(end->gone[0]));
    if (!end)
        return lr_nomem(err);
    end->transport.ops = &mpi_ops;
    end->transport.size = size;
    MPI_Comm_rank(MPI_COMM_WORLD, &end->transport.rank);
    int rc = post_receive(end, err);
    if (rc)
        lr_free(end);
    else
        *out = &end->transport;
    return rc;
}
