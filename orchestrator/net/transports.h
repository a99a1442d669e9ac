#ifndef LRSEARCH_TRANSPORTS_H
#define LRSEARCH_TRANSPORTS_H

#include "lrsearch/transport.h"

/* The implementations of struct transport. */

/* Over MPI_COMM_WORLD, after mpi_start(). Uses non-blocking calls only, so a dead peer cannot block
 * it (tested in tests/mpi). */
int mpi_transport_create(struct transport **out, struct lr_error *err);

/* Two ends in one process, for a coordinator thread (rank 0) and a worker thread (rank 1). Each
 * thread owns its end; the shared queues are freed with the second end. When rank 0 destroys its
 * end, rank 1 receives a final STOP; alive() is false once the other end is destroyed. */
int local_transport_create(struct transport **coordinator, struct transport **worker,
                           struct lr_error *err);

#endif
