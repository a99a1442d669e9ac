#ifndef LRSEARCH_MPI_SESSION_H
#define LRSEARCH_MPI_SESSION_H

#include <stdbool.h>
#include "lrsearch/error.h"

/* Entering and leaving MPI, and the deaths that it reports. */

/* By the environment that mpirun, srun or Hydra set, before any MPI call: whether one of them
 * started this process, and its rank there (0 when unknown). */
bool mpi_launched(void);
int mpi_launched_rank(void);

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

/* ---- ranks that the MPI library itself reports as dead: Open MPI 5 does, under
 * mpirun --with-ft ulfm; with any other library, or without that option, nothing is reported ---- */

/* Whether the code of an MPI call on MPI_COMM_WORLD says no more than that ranks died. */
bool mpi_is_death(int code);

/* Sets gone[rank] of each rank reported so far, and acknowledges them: receives from any rank go
 * on. `gone` has an entry for each rank of MPI_COMM_WORLD. */
void mpi_note_deaths(bool *gone);

#endif
