#ifndef LRSEARCH_MPI_GROUP_H
#define LRSEARCH_MPI_GROUP_H

#include "lrsearch/error.h"
#include "lrsearch/group.h"

/* Group traffic over MPI (lrsearch/group.h): point-to-point messages on a communicator of its own.
 *
 * What a group that was given up leaves behind: its receives are canceled, except one that is
 * being filled; a send stays in flight until its receiver takes it, which a dead or departed one
 * never does. The memory of both must stay as it is for ever: at most what the last step had begun
 * to send. The group itself (1 KB and 100 bytes a transfer) is freed at a later open() if all has
 * ended by then. */

/* Collective: waits for all ranks; mpi_start() calls it, and bounds the wait. */
int mpi_groups_start(struct lr_error *err);

/* The source of groups of this rank, after mpi_start(); static. */
struct group_source *mpi_groups(void);

/* The tag of a group's messages; two groups may have the same. */
int mpi_group_tag(uint32_t trial_id, uint32_t attempt, uint32_t epoch);

#endif
