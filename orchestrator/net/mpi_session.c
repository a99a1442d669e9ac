/* Entering and leaving MPI. Leaving is bounded: MPI_Finalize waits for ranks that may be dead. */
#define _DEFAULT_SOURCE
#include <mpi.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "net/mpi_failures.h"
#include "net/transports.h"

#define FINALIZE_SECONDS 5u

static char library[MPI_MAX_LIBRARY_VERSION_STRING] = "none";
static volatile sig_atomic_t status_at_alarm;

/* Open MPI's mpirun, Slurm's PMIx and PMI2, and MPICH's Hydra tell the rank in these. */
static const char *const rank_names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"};

static const char *rank_text(void)
{
    for (size_t i = 0; i < sizeof(rank_names) / sizeof(rank_names[0]); i++) {
        const char *text = getenv(rank_names[i]);
        if (text && *text)
            return text;
    }
    return NULL;
}

bool mpi_launched(void)
{
    return rank_text() != NULL;
}

int mpi_launched_rank(void)
{
    const char *text = rank_text();
    return text ? atoi(text) : 0;
}

int mpi_start(struct lr_error *err)
{
    int provided, length;
    signal(SIGPIPE, SIG_IGN);         /* a send over TCP to a dead rank would kill the sender */
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* no rank outlives its launcher */
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS)
        return lr_fail(err, LR_EINTERNAL, "MPI cannot be initialised");
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Get_library_version(library, &length);
    char *end = strpbrk(library, "\n");
    if (end)
        *end = 0;
    return 0;
}

const char *mpi_library(void)
{
    return library;
}

static void leave(int signal_number)
{
    (void)signal_number;
    _exit(status_at_alarm);
}

void mpi_finish(bool everyone, int exit_status)
{
    bool reported = mpi_failures_reported();
    /* With ULFM a rank that ends with an error status is not reported, and mpirun returns its
     * status instead of rank 0's; one that is killed is reported, and costs nobody anything. */
    if (reported && exit_status != 0 && mpi_launched_rank() != 0)
        raise(SIGKILL);
    status_at_alarm = exit_status;
    signal(SIGALRM, leave);
    alarm(FINALIZE_SECONDS);
    MPI_Finalize();
    alarm(0);
    if (everyone)
        return;
    /* With a rank dead on another node Open MPI 4's mpirun may never end; our parent process, it is
     * told to. That of Open MPI 5 ends, with rank 0's status unless it is told to. */
    if (!reported && mpi_launched_rank() == 0 && getenv("OMPI_COMM_WORLD_RANK"))
        kill(getppid(), SIGTERM);
    _exit(exit_status);
}
