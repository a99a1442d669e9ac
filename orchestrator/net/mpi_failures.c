/* Deaths as ULFM (User Level Failure Mitigation, an extension of Open MPI 5) tells them. Each rank
 * keeps its own account: the campaign needs point-to-point messages only, so no communicator has to
 * be revoked or shrunk, and nobody has to agree with anybody. */
#include "net/mpi_failures.h"

#include <mpi.h>

#ifdef LRSEARCH_HAVE_ULFM
#include <mpi-ext.h>

bool mpi_failures_reported(void)
{
    int *enabled, found = 0;
    return MPI_Comm_get_attr(MPI_COMM_WORLD, MPIX_FT, &enabled, &found) == MPI_SUCCESS && found &&
           *enabled;
}

bool mpi_failures_only(int code)
{
    int class;
    return MPI_Error_class(code, &class) == MPI_SUCCESS &&
           (class == MPIX_ERR_PROC_FAILED || class == MPIX_ERR_PROC_FAILED_PENDING);
}

void mpi_failures_note(bool *gone)
{
    MPI_Group world, failed;
    int count, rank, acknowledged;
    if (MPIX_Comm_get_failed(MPI_COMM_WORLD, &failed) != MPI_SUCCESS)
        return;
    MPI_Comm_group(MPI_COMM_WORLD, &world);
    MPI_Group_size(failed, &count);
    for (int i = 0; i < count; i++)
        if (MPI_Group_translate_ranks(failed, 1, &i, world, &rank) == MPI_SUCCESS && rank >= 0)
            gone[rank] = true;
    /* Not those that are reported in the meantime: they must be noted first. */
    MPIX_Comm_ack_failed(MPI_COMM_WORLD, count, &acknowledged);
    MPI_Group_free(&failed);
    MPI_Group_free(&world);
}

#else

bool mpi_failures_reported(void)
{
    return false;
}

bool mpi_failures_only(int code)
{
    (void)code;
    return false;
}

void mpi_failures_note(bool *gone)
{
    (void)gone;
}

#endif
