#ifndef LRSEARCH_LAUNCH_H
#define LRSEARCH_LAUNCH_H

#include <stdbool.h>
#include "lrsearch/error.h"

/* How this process was started, from the environment that mpirun, srun and Hydra set. Callable
 * before MPI_Init. */

/* Whether one of them started this process as a rank, and its rank (0 if unknown). */
bool mpi_launched(void);
int mpi_launched_rank(void);

/* How many ranks they started, in all and on this host; 0 if unknown. */
unsigned long mpi_launched_ranks(void);
unsigned long mpi_launched_host_ranks(void);

/* Whether this is the first of the tasks that a step of srun started, or no step at all. */
bool launch_first_task(void);

/* Refuses, with LR_EWORKERS, tasks of srun that cannot become the ranks of one MPI job: srun was
 * started without PMIx, so that each would be a process of its own. `open_mpi`: the library is Open
 * MPI, which does not speak PMI-2. */
int launch_check(bool open_mpi, struct lr_error *err);

/* Refuses, with LR_EWORKERS, the `size` of MPI_COMM_WORLD if more ranks were started than MPI
 * sees: launcher and library are of different kinds. */
int launch_check_size(int size, struct lr_error *err);

#endif
