/* Best of several short measurements: what disturbs one makes it longer, never shorter. */
#define _GNU_SOURCE
#include "measure.h"

#include <sched.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>
#include "kernels/kernels.h"
#include "lrsearch/memory.h"

enum {
    PRODUCT = 256, /* rows and columns: 33 MFLOP, and all in the second cache */
    PRODUCTS_LEAST = 3,
    PINGS = 30,
    BULKS = 4,
    BULK_BYTES = 4 << 20, /* more than a cache holds, as gradients are */
};
#define PRODUCTS_S 5e-3
#define FIRST_PING_S .1
#define LINK_S .3

static double clock_s(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void find_cores(struct msg_hello *hello)
{
    cpu_set_t set;
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    if (sched_getaffinity(0, sizeof(set), &set) == 0) {
        hello->cores = (uint32_t)CPU_COUNT(&set);
        hello->core_set = XXH3_64bits(&set, sizeof(set));
    } else if (online > 0) { /* more CPUs than the set has room for */
        hello->cores = (uint32_t)online;
    }
}

void measure_compute(struct msg_hello *hello)
{
    const size_t count = (size_t)PRODUCT * PRODUCT;
    float *in = lr_malloc(3 * count * sizeof(*in));
    double start_s = clock_s(CLOCK_THREAD_CPUTIME_ID), last_s = start_s, best_s = 0;
    find_cores(hello);
    if (!in)
        return;
    float *weight = in + count, *out = weight + count;
    for (size_t i = 0; i < 2 * count; i++)
        in[i] = (float)(i % 7) - 3;
    for (int k = 0; k < PRODUCTS_LEAST || last_s - start_s < PRODUCTS_S; k++) {
        double before_s = clock_s(CLOCK_THREAD_CPUTIME_ID);
        linear_forward(MATMUL_OWN, out, in, weight, NULL, PRODUCT, PRODUCT, PRODUCT);
        last_s = clock_s(CLOCK_THREAD_CPUTIME_ID);
        if (best_s == 0 || last_s - before_s < best_s)
            best_s = last_s - before_s;
    }
    if (best_s > 0)
        hello->flops = 2. * PRODUCT * PRODUCT * PRODUCT / best_s;
    lr_free(in);
}

static bool is_late(void *context)
{
    return clock_s(CLOCK_MONOTONIC) > *(const double *)context;
}

/* Both members send and receive. False: given up. */
static bool swap(struct group *group, const void *out, void *in, size_t bytes)
{
    int other = 1 - group->index;
    return group->ops->receive(group, other, in, bytes) == GROUP_OK &&
           group->ops->send(group, other, out, bytes) == GROUP_OK &&
           group->ops->wait(group) == GROUP_OK;
}

/* The shortest of `count` swaps, with the sum that a gradient takes. Two at a time: a member that
 * is ahead finds the first one's message there, and waits in the second. False: given up. */
static bool time_swaps(struct group *group, float *memory, size_t bytes, int count, double *best_s)
{
    float *received = memory + BULK_BYTES / sizeof(float);
    *best_s = 0;
    for (int k = 0; k < count; k++) {
        double start_s = clock_s(CLOCK_MONOTONIC);
        for (int i = 0; i < 2; i++) {
            if (!swap(group, memory, received, bytes))
                return false;
            for (size_t j = 0; j < bytes / sizeof(float); j++)
                memory[j] += received[j];
        }
        double seconds = (clock_s(CLOCK_MONOTONIC) - start_s) / 2;
        if (k == 0 || seconds < *best_s)
            *best_s = seconds;
    }
    return true;
}

void measure_link(struct msg_hello *hello, struct group_source *groups, int rank, int other)
{
    const struct group_members pair = {
        .size = 2, .ranks = {rank < other ? rank : other, rank < other ? other : rank}};
    double begin_s = clock_s(CLOCK_MONOTONIC), deadline_s = begin_s + FIRST_PING_S;
    double ping_s, bulk_s;
    float *memory = NULL;
    struct group *group = groups->open(groups, &pair, 0, 0); /* no trial has this number */
    if (!group)
        return;
    group->given_up = is_late;
    group->context = &deadline_s;
    bool good =
        (memory = lr_calloc(2, BULK_BYTES)) && swap(group, memory, memory + 1, sizeof(*memory));
    deadline_s = begin_s + LINK_S;
    good = good && time_swaps(group, memory, sizeof(*memory), PINGS, &ping_s) &&
           time_swaps(group, memory, BULK_BYTES, BULKS, &bulk_s);
    if (good && ping_s > 0 && bulk_s > 0) {
        hello->latency_s = ping_s;
        hello->bytes_per_s = BULK_BYTES / (bulk_s > ping_s ? bulk_s - ping_s : bulk_s);
    }
    group->ops->close(group);
    if (good)
        lr_free(memory);
}
