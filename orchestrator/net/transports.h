#ifndef LRSEARCH_TRANSPORTS_H
#define LRSEARCH_TRANSPORTS_H

#include "lrsearch/transport.h"

/* The implementations of struct transport. */

/* Over MPI_COMM_WORLD, after mpi_start(). Uses non-blocking calls only, so a dead peer cannot block
 * it (tested in tests/mpi). */
int mpi_transport_create(struct transport **out, struct lr_error *err);

/* Ends in one process, for a coordinator thread (rank 0) and `count` worker threads (ranks 1 and so
 * on), whose ends go to `workers`. Each thread owns its end; the shared queues are freed with the
 * last end. When rank 0 destroys its end, every other receives a final STOP; alive() is false once
 * the other end is destroyed. */
int local_transport_create(struct transport **coordinator, struct transport **workers, int count,
                           struct lr_error *err);

#endif
