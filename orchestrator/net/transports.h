#ifndef LRSEARCH_TRANSPORTS_H
#define LRSEARCH_TRANSPORTS_H

#include <stdbool.h>
#include "lrsearch/transport.h"

/* The transports there are, and who this process is. */

/* Over MPI_COMM_WORLD; MPI must be initialised (mpi_start). Only non-blocking calls; a peer that
 * died cannot stop it (../tests/mpi holds it to that). */
int mpi_transport_create(struct transport **out, struct lr_error *err);

/* Two ends in one process, for a coordinator thread (rank 0) and a worker thread (rank 1). Each end
 * is owned by its thread; the shared queues are freed with the second end. When rank 0 destroys its
 * end, rank 1 hears a last STOP; alive() is false once the other end is destroyed. */
int local_transport_create(struct transport **coordinator, struct transport **worker,
                           struct lr_error *err);

bool mpi_launched(
    void); /* by the environment that mpirun, srun or Hydra set; before any MPI call */
int mpi_launched_rank(void); /* the rank by the same environment; 0 when unknown */
/* MPI_Init_thread(FUNNELED), errors returned instead of fatal, SIGPIPE ignored. Where MPI does not
 * start within a minute and half a second a rank (LRSEARCH_START_TIMEOUT: seconds; 0: no limit), a
 * rank says so, hands the exit status (too few workers) to leave_status(), which a signal handler
 * calls, and ends the job. */
int mpi_start(void (*leave_status)(int status), struct lr_error *err);
/* Leaves MPI, whatever became of other ranks: MPI_Finalize is tried under an alarm, and the process
 * ends in _exit(exit_status) unless `everyone` says that all ranks are known to arrive. Where MPI
 * reports deaths, a worker that leaves with an error status is killed, to be reported. */
void mpi_finish(bool everyone, int exit_status);
const char *mpi_library(void); /* "Open MPI v4.1.4, ..." for provenance; "none" when not started */

/* Fills a HELLO for this process. */
struct msg_hello transport_hello(void);

#endif
