/* Nodes may differ: SLURM_JOB_CPUS_PER_NODE is "64(x2),32" for two nodes of 64 CPUs and one of 32.
 * The GPUs are those of this node, taken as those of each: Slurm tells no more. */
#define _POSIX_C_SOURCE 200809L
#include "net/slurm_job.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { GROUPS = 256, MOST = 1 << 20 };

struct node_group { /* of equal nodes */
    uint32_t nodes, cpus;
};

struct job {
    struct node_group groups[GROUPS];
    size_t count;
    uint32_t nodes, gpus; /* gpus: on each node */
    bool gpus_known;
};

static uint32_t read_count(const char *text, const char **end)
{
    char *after;
    unsigned long count = text[0] >= '0' && text[0] <= '9' ? strtoul(text, &after, 10) : 0;
    *end = count > 0 ? after : text;
    return count <= MOST ? (uint32_t)count : MOST;
}

static uint32_t variable(const char *name)
{
    const char *text = getenv(name), *end;
    return text ? read_count(text, &end) : 0;
}

/* "a100:4" or "4", of several kinds with commas between them. */
static uint32_t gpu_count(const char *text)
{
    uint32_t sum = 0;
    const char *end;
    while (*text) {
        size_t length = strcspn(text, ",");
        const char *colon = memchr(text, ':', length);
        for (const char *next = colon; next;
             next = memchr(next + 1, ':', length - (size_t)(next + 1 - text)))
            colon = next;
        sum += read_count(colon ? colon + 1 : text, &end);
        text += length + (text[length] == ',');
    }
    return sum < MOST ? sum : MOST;
}

static void read_cpus(struct job *job, const char *text)
{
    while (*text && job->count < GROUPS) {
        struct node_group *group = &job->groups[job->count];
        group->cpus = read_count(text, &text);
        group->nodes = strncmp(text, "(x", 2) == 0 ? read_count(text + 2, &text) : 1;
        job->nodes += group->nodes;
        job->count += group->cpus > 0 && group->nodes > 0;
        text += strcspn(text, ",");
        text += *text == ',';
    }
}

static void read_gpus(struct job *job)
{
    const char *each = getenv("SLURM_GPUS_PER_NODE"), *all = getenv("SLURM_GPUS");
    job->gpus = variable("SLURM_GPUS_ON_NODE");
    if (job->gpus == 0 && each)
        job->gpus = gpu_count(each);
    if (job->gpus == 0 && all && job->nodes > 0)
        job->gpus = gpu_count(all) / job->nodes;
    job->gpus_known = job->gpus > 0;
}

/* Steps that fit if each node is in `most` of them at most. */
static uint64_t places(const struct job *job, const struct slurm_step *step, uint64_t most)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < job->count; i++) {
        uint64_t here = job->groups[i].cpus / (step->cpus / step->nodes);
        uint32_t gpus = step->gpus / step->nodes;
        if (gpus > 0 && job->gpus_known && job->gpus / gpus < here)
            here = job->gpus / gpus;
        sum += job->groups[i].nodes * (here < most ? here : most);
    }
    return sum;
}

int slurm_job_steps(const struct slurm_step *step, uint32_t *count, bool *gpus_known,
                    struct lr_error *err)
{
    struct job job = {0};
    const char *cpus = getenv("SLURM_JOB_CPUS_PER_NODE");
    uint32_t here = variable("SLURM_CPUS_ON_NODE"), nodes = variable("SLURM_JOB_NUM_NODES");
    if (!getenv("SLURM_JOB_ID"))
        return lr_fail(err, LR_EWORKERS,
                       "trainer.launcher: srun starts the trials as steps of a Slurm job, and this "
                       "process is in none: start it by sbatch or salloc");
    if (cpus)
        read_cpus(&job, cpus);
    if (job.count == 0 && here > 0)
        job = (struct job){
            .groups = {{nodes ? nodes : 1, here}}, .count = 1, .nodes = nodes ? nodes : 1};
    read_gpus(&job);
    /* The steps of a node are different ones: a step takes `nodes` different nodes. */
    uint64_t most = places(&job, step, UINT32_MAX) / step->nodes;
    while (most > 0 && places(&job, step, most) < most * step->nodes)
        most--;
    *gpus_known = job.gpus_known;
    *count = most < MOST ? (uint32_t)most : MOST;
    if (most > 0)
        return 0;
    return lr_fail(err, LR_EWORKERS,
                   "a trial takes %" PRIu32 " node%s with %" PRIu32 " CPUs and %" PRIu32
                   " GPUs each, and the Slurm job has %" PRIu32 " node%s with %s CPUs and %" PRIu32
                   " GPUs each: none fits (trainer.nodes_per_trial, cpus_per_trial, "
                   "gpus_per_trial)",
                   step->nodes, step->nodes == 1 ? "" : "s", step->cpus / step->nodes,
                   step->gpus / step->nodes, job.nodes, job.nodes == 1 ? "" : "s",
                   cpus ? cpus : "unknown", job.gpus);
}
