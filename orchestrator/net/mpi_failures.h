#ifndef LRSEARCH_MPI_FAILURES_H
#define LRSEARCH_MPI_FAILURES_H

#include <stdbool.h>

/* Ranks that the MPI library itself reports as dead: Open MPI 5 does, under mpirun --with-ft ulfm.
 * With any other library, or without that option, nothing is ever reported. */

/* Whether this MPI reports deaths; between MPI_Init and MPI_Finalize. */
bool mpi_failures_reported(void);
/* Whether the code of an MPI call on MPI_COMM_WORLD says no more than that ranks died. */
bool mpi_failures_only(int code);
/* Sets gone[rank] of each rank reported so far, and acknowledges them: receives from any rank go
 * on. `gone` has an entry for each rank of MPI_COMM_WORLD. */
void mpi_failures_note(bool *gone);

#endif
