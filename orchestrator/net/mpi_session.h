#ifndef LRSEARCH_MPI_SESSION_H
#define LRSEARCH_MPI_SESSION_H

#include <stdbool.h>
#include "lrsearch/error.h"

/* Starting and leaving MPI, and the deaths of ranks that MPI reports. */

/* MPI_Init_thread(FUNNELED), with errors returned and SIGPIPE ignored. If MPI does not start within
 * 60 s plus half a second per rank (LRSEARCH_START_TIMEOUT: seconds instead; 0: no limit), a rank
 * prints an error, passes the exit status (too few workers) to leave_status(), called in a signal
 * handler, and ends the job. */
int mpi_start(void (*leave_status)(int status), struct lr_error *err);

/* Leaves MPI whatever happened to other ranks: MPI_Finalize runs under a 5 s alarm, and the process
 * ends in _exit(exit_status) unless `everyone`, which says that all ranks are known to arrive.
 * Where MPI reports deaths, a worker with an error status kills itself, so that it is reported. */
void mpi_finish(bool everyone, int exit_status);

/* Of the Open MPI that this program runs with; 0: another library. Callable before mpi_start(). */
int mpi_open_mpi_major(void);

/* The MPI library of this program, "Open MPI v4.1.4, ..."; callable before mpi_start(). */
const char *mpi_loaded_library(void);
const char *mpi_library(void); /* the same for provenance; "none" when not started */

/* ---- deaths that the MPI library reports: Open MPI 5 under mpirun --with-ft ulfm; other
 * libraries, or without that option, report none ---- */

/* Whether the error code of an MPI call on MPI_COMM_WORLD means only that ranks died. */
bool mpi_is_death(int code);

/* Sets gone[rank] for each rank reported dead so far, and acknowledges them, so that receives from
 * any rank work again. `gone` has one entry per rank of MPI_COMM_WORLD. */
void mpi_note_deaths(bool *gone);

#endif
