#ifndef LRSEARCH_TRANSPORTS_H
#define LRSEARCH_TRANSPORTS_H

#include "lrsearch/transport.h"

/* The transports there are. */

/* Over MPI_COMM_WORLD; MPI must be initialised (mpi_start). Only non-blocking calls; a peer that
 * died cannot stop it (../tests/mpi holds it to that). */
int mpi_transport_create(struct transport **out, struct lr_error *err);

/* Two ends in one process, for a coordinator thread (rank 0) and a worker thread (rank 1). Each end
 * is owned by its thread; the shared queues are freed with the second end. When rank 0 destroys its
 * end, rank 1 hears a last STOP; alive() is false once the other end is destroyed. */
int local_transport_create(struct transport **coordinator, struct transport **worker,
                           struct lr_error *err);

#endif
