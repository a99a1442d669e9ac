/* Open MPI's mpirun, Slurm's srun (with the plugins pmix, pmi2 and none) and MPICH's Hydra each
 * leave other variables. A batch script of Slurm is not a step: it has SLURM_NTASKS and
 * SLURM_PROCID, but no SLURM_STEP_NUM_TASKS. */
#define _POSIX_C_SOURCE 200809L
#include "net/launch.h"

#include <stdlib.h>

#define RANKS_MAX 1000000ul

static const char *first_set(const char *const *names)
{
    for (; *names; names++) {
        const char *text = getenv(*names);
        if (text && *text)
            return text;
    }
    return NULL;
}

static unsigned long first_count(const char *const *names)
{
    const char *text = first_set(names);
    unsigned long count = text ? strtoul(text, NULL, 10) : 0;
    return count < RANKS_MAX ? count : RANKS_MAX;
}

static const char *rank_text(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", NULL};
    return first_set(names);
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

static unsigned long step_tasks(void)
{
    static const char *const names[] = {"SLURM_STEP_NUM_TASKS", NULL};
    return first_count(names);
}

unsigned long mpi_launched_ranks(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", NULL};
    unsigned long count = mpi_launched() ? first_count(names) : 0;
    return count == 0 && mpi_launched() ? step_tasks() : count;
}

unsigned long mpi_launched_host_ranks(void)
{
    /* Of a step on hosts with different counts ("3,2(x2)") the first is taken. */
    static const char *const names[] = {"OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS",
                                        "SLURM_STEP_TASKS_PER_NODE", NULL};
    return mpi_launched() ? first_count(names) : 0;
}

bool launch_first_task(void)
{
    static const char *const names[] = {"SLURM_PROCID", NULL};
    return step_tasks() < 2 || first_count(names) == 0;
}

int launch_check(bool open_mpi, struct lr_error *err)
{
    static const char *const mpirun_or_pmix[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", NULL};
    static const char *const pmi2[] = {"PMI_RANK", NULL};
    unsigned long tasks = step_tasks();
    if (tasks < 2 || first_set(mpirun_or_pmix))
        return 0;
    if (!first_set(pmi2))
        return lr_fail(err, LR_EWORKERS,
                       "MPI sees one rank, Slurm started %lu: use srun --mpi=pmix or mpirun; "
                       "with -n 1 each task is a campaign of its own",
                       tasks);
    if (open_mpi)
        return lr_fail(err, LR_EWORKERS,
                       "Slurm started %lu ranks with --mpi=pmi2, which Open MPI does not speak: "
                       "use srun --mpi=pmix or mpirun",
                       tasks);
    return 0;
}

int launch_check_size(int size, struct lr_error *err)
{
    unsigned long started = mpi_launched_ranks();
    if (started <= (unsigned long)size)
        return 0;
    return lr_fail(err, LR_EWORKERS,
                   "MPI sees %d of the %lu ranks that were started: use the mpirun of the MPI "
                   "library that lrsearch is linked with, or srun --mpi=pmix",
                   size, started);
}
