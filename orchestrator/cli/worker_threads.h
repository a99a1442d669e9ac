#ifndef LRSEARCH_WORKER_THREADS_H
#define LRSEARCH_WORKER_THREADS_H

#include "plan/plan.h"

/* Sets the threads of the kernels to trainer.threads_per_worker, or to this worker's share of the
 * host's cores if that is less, with a warning on rank 0; results do not depend on it. A command's
 * threads are its own. Call it before MPI_Init: if threads are to share the work and nobody chose
 * how OpenMP waits, this process replaces itself (execv with `argv`), with OMP_WAIT_POLICY=passive
 * in the environment, because libgomp reads that before main(). */
void worker_threads_set(const struct plan *plan, char **argv);

#endif
