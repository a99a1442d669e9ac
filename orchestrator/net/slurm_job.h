#ifndef LRSEARCH_SLURM_JOB_H
#define LRSEARCH_SLURM_JOB_H

#include <stdbool.h>
#include <stdint.h>
#include "lrsearch/error.h"

/* The Slurm job that this process is in, by the environment that sbatch and salloc set. */

/* What a step takes, over all its nodes; each node has the same share. */
struct slurm_step {
    uint32_t nodes, cpus, gpus;
};

/* How many steps fit into the job at a time. *gpus_known: the environment says how many GPUs the
 * job has; otherwise *count is by the CPUs alone. LR_EWORKERS: no job, or none fits. */
int slurm_job_steps(const struct slurm_step *step, uint32_t *count, bool *gpus_known,
                    struct lr_error *err);

#endif
