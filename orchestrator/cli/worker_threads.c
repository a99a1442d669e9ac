/* Threads of a worker. By default a thread of libgomp that waits spins for some milliseconds; with
 * more threads than cores, or other programs on the machine, it takes the core from those that
 * work. */
#define _GNU_SOURCE /* execv, readlink */
#include "cli/worker_threads.h"

#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>
#include "kernels/kernels.h"
#include "lrsearch/limits.h"
#include "lrsearch/log.h"
#include "net/launch.h"

static unsigned long min_of(unsigned long a, unsigned long b)
{
    return a < b ? a : b;
}

/* Workers of this host. If all ranks are here, one of them coordinates. */
static unsigned long host_workers(void)
{
    unsigned long here = mpi_launched_host_ranks();
    if (here > 1 && here == mpi_launched_ranks())
        here--;
    return here > 0 ? here : 1;
}

/* Cores that the workers of this host share: those of the launcher, which bound each rank to a part
 * of them or let it use all. A process that was not launched has those of its own mask. */
static unsigned long host_cores(void)
{
    unsigned long own = limits_cores(0), launcher = mpi_launched() ? limits_cores(getppid()) : own;
    return launcher > own ? launcher : own;
}

static void wait_passively(char **argv)
{
    char program[4096];
    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT"))
        return;
    ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
    if (length < 0)
        return;
    program[length] = 0;
    setenv("OMP_WAIT_POLICY", "passive", 1);
    execv(program, argv); /* if it fails, threads spin */
}

void worker_threads_set(const struct plan *plan, char **argv)
{
    uint32_t wanted = plan->trainer.threads_per_worker;
    unsigned long cores = host_cores(), workers = host_workers();
    unsigned long share = min_of(limits_cores(0), cores / workers > 0 ? cores / workers : 1);
    if (plan->trainer.kind != TRAINER_TRANSFORMER)
        return;
    bool threaded = kernels_set_threads((int)min_of(share, wanted));
    if (threaded && min_of(share, wanted) > 1)
        wait_passively(argv);
    if (mpi_launched_rank() != 0)
        return;
    if (!threaded)
        lr_log(LR_LOG_WARNING,
               "trainer.threads_per_worker is %u, but this lrsearch was built without OpenMP: one "
               "thread a worker",
               wanted);
    else if (share < wanted)
        lr_log(LR_LOG_WARNING,
               "trainer.threads_per_worker is %u, but this host has %lu core%s for %lu worker%s: "
               "each has %lu thread%s; start fewer ranks a host, or set the key to %lu",
               wanted, cores, cores == 1 ? "" : "s", workers, workers == 1 ? "" : "s", share,
               share == 1 ? "" : "s", share);
}
