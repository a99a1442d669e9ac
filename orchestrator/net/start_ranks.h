#ifndef LRSEARCH_START_RANKS_H
#define LRSEARCH_START_RANKS_H

#include <stdbool.h>
#include <stdint.h>
#include "lrsearch/error.h"

/* lrsearch run -n: starts mpirun (with MPICH mpiexec.hydra), which starts this program once a rank,
 * and waits for the end.
 *
 * mpirun gets a session of its own, so that Ctrl-C reaches this process alone. The first SIGINT,
 * SIGTERM, SIGHUP, SIGUSR1 or SIGUSR2 becomes SIGUSR1 to mpirun, which hands it on: the
 * coordinator lets the trainings write their checkpoints. A further SIGINT, SIGTERM or SIGHUP
 * becomes SIGTERM. Signals that were ignored when this process started stay ignored. */

struct start_ranks {
    uint32_t ranks;
    char *const *arguments; /* argv of this process, which each rank gets too; ends with NULL */
    bool requeue; /* `scontrol requeue` after status 75, unless SIGINT, SIGTERM or SIGHUP asked for
                   * it, or a crash within the first minute */
};

/* Sets *status to the exit status of the campaign: that which rank 0 leaves in a temporary file
 * (LRSEARCH_EXIT_FILE), because with recovery mpirun returns 0 whatever happened; without one 75,
 * if mpirun was ended by a signal or returned 0. LR_EUSAGE: an argument that mpirun would take for
 * its own; LR_ECREATE: no temporary file; LR_EINTERNAL: mpirun is missing or starts no ranks. */
int start_ranks(const struct start_ranks *start, int *status, struct lr_error *err);

#endif
