/* What a group of ranks costs and gains: usage:
 *     mpirun -np N bench_parallel exchange
 *     mpirun -np N bench_parallel train [--threads N] [--steps N]
 *
 * exchange: reduce-scatter and all-gather by the messages of a training, for groups of 2, 4, ... N
 * ranks and 64 KB to 64 MB, beside what latency and bandwidth of a pair predict.
 * train: one training of d_model 256, 6 layers, 8 x 256 tokens by a group of all N ranks. Prints
 * "ranks threads step-s wait-s leader-cpu-s all-cpu-s loss-bits": medians over the leader's steps,
 * of its time, of that in which it waits for others, and of its CPU time; and the CPU time of all
 * ranks from start to end. parallel.sh makes the tables. */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include "kernels/kernels.h"
#include "measure.h"
#include "net/mpi_group.h"
#include "net/mpi_session.h"
#include "trainers/transformer/team.h"

enum { STEPS_MOST = 1000, EXCHANGES_MOST = 200 };
#define EXCHANGE_S .5 /* for each size */

static int rank, world;

static double clock_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static double cpu_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof(*values), compare_doubles);
    return count > 0 ? values[count / 2] : 0;
}

static void *room(size_t bytes)
{
    void *memory = calloc(1, bytes);
    if (!memory)
        MPI_Abort(MPI_COMM_WORLD, 1);
    return memory;
}

static struct group *open_group(int size, uint32_t attempt)
{
    struct group_members members = {.size = size};
    for (int i = 0; i < size; i++)
        members.ranks[i] = i;
    struct group *group = mpi_groups()->open(mpi_groups(), &members, 1, attempt);
    if (!group)
        MPI_Abort(MPI_COMM_WORLD, 1);
    return group;
}

/* ---- exchange ---- */

static void add(float *sum, const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sum[i] += values[i];
}

/* received: room for size - 1 segments. */
static void all_reduce(struct group *group, float *values, float *received, size_t count)
{
    int size = group->members.size, self = group->index;
    size_t segment = count / (size_t)size;
    for (int m = 0, k = 0; m < size; m++) {
        if (m == self)
            continue;
        group->ops->receive(group, m, received + segment * (size_t)k++, segment * sizeof(float));
        group->ops->send(group, m, values + segment * (size_t)m, segment * sizeof(float));
    }
    group->ops->wait(group);
    for (int k = 0; k + 1 < size; k++)
        add(values + segment * (size_t)self, received + segment * (size_t)k, segment);
    for (int m = 0; m < size; m++) {
        if (m == self)
            continue;
        group->ops->receive(group, m, values + segment * (size_t)m, segment * sizeof(float));
        group->ops->send(group, m, values + segment * (size_t)self, segment * sizeof(float));
    }
    group->ops->wait(group);
}

/* The leader decides when it is enough. */
static int time_exchanges(struct group *group, size_t bytes, double seconds[EXCHANGES_MOST])
{
    size_t count = bytes / sizeof(float);
    float *values = room(bytes), *received = room(bytes);
    double begin_s = clock_s();
    int done = 0;
    for (char more = 1; more;) {
        double start_s = clock_s();
        all_reduce(group, values, received, count);
        seconds[done++] = clock_s() - start_s;
        more = done < 3 || (done < EXCHANGES_MOST && clock_s() - begin_s < EXCHANGE_S);
        if (group->index > 0)
            group->ops->receive(group, 0, &more, 1);
        for (int m = 1; m < group->members.size && group->index == 0; m++)
            group->ops->send(group, m, &more, 1);
        group->ops->wait(group);
    }
    free(received);
    free(values);
    return done;
}

static void exchange(void)
{
    double seconds[EXCHANGES_MOST];
    struct msg_hello link = {0};
    if ((rank ^ 1) < world)
        measure_link(&link, mpi_groups(), rank, rank ^ 1);
    if (rank == 0) {
        printf("# a pair: latency %.3g s, %.3g B/s\n", link.latency_s, link.bytes_per_s);
        printf("# ranks bytes median-s least-s predicted-s median/predicted\n");
    }
    for (int size = 2; size <= world && size <= GROUP_MOST; size *= 2) {
        for (size_t bytes = 1 << 16; bytes <= (size_t)1 << 26 && rank < size; bytes *= 4) {
            struct group *group = open_group(size, (uint32_t)(bytes >> 10) + (uint32_t)size);
            int count = time_exchanges(group, bytes, seconds);
            group->ops->close(group);
            double share = (double)(size - 1) / size, middle = median(seconds, count);
            double predicted = link.bytes_per_s > 0 ? 2 * share * (double)bytes / link.bytes_per_s +
                                                          2 * (size - 1) * link.latency_s
                                                    : 0;
            if (rank == 0)
                printf("%d %zu %.3g %.3g %.3g %.2f\n", size, bytes, middle, seconds[0], predicted,
                       predicted > 0 ? middle / predicted : 0);
            fflush(stdout);
        }
    }
}

/* ---- train ---- */

static struct trial_spec bench_spec(uint64_t steps)
{
    struct trial_spec spec = {.seed = 5,
                              .lr = 1e-3,
                              .embedding_lr_ratio = 1,
                              .output_lr_ratio = 1,
                              .vector_lr_ratio = 1,
                              .batch_tokens = 8 * 256,
                              .horizon_tokens = steps * 8 * 256,
                              .arch = ARCH_LLAMA,
                              .d_model = 256,
                              .n_layers = 6,
                              .n_heads = 4,
                              .context = 256,
                              .vocab = 8192,
                              .base_head_size = 64,
                              .base_layers = 6,
                              .base_width = 256,
                              .final_lr = 0.1,
                              .weight_decay = 0.1,
                              .beta1 = 0.9,
                              .beta2 = 0.95,
                              .adam_eps = 1e-8,
                              .clip = 1,
                              .source = SOURCE_SYNTHETIC,
                              .val_tokens = 8 * 256,
                              .zipf_exponent = 1,
                              .markov_weight = 0.7};
    spec.d_ff = trial_default_d_ff(spec.arch, spec.d_model);
    return spec;
}

static struct {
    double last_s, waited_s, last_waited_s, last_cpu_s;
    double step_s[STEPS_MOST], wait_s[STEPS_MOST], cpu_s[STEPS_MOST];
    int steps;
    enum group_status (*wait)(struct group *group);
} timer;

static enum group_status timed_wait(struct group *group)
{
    double start_s = clock_s();
    enum group_status status = timer.wait(group);
    timer.waited_s += clock_s() - start_s;
    return status;
}

static int on_step(void *context, const struct train_step *step)
{
    double now_s = clock_s();
    (void)context;
    (void)step;
    if (timer.last_s > 0 && timer.steps < STEPS_MOST) {
        timer.step_s[timer.steps] = now_s - timer.last_s;
        timer.cpu_s[timer.steps] = cpu_s() - timer.last_cpu_s;
        timer.wait_s[timer.steps++] = timer.waited_s - timer.last_waited_s;
    }
    timer.last_s = now_s;
    timer.last_cpu_s = cpu_s();
    timer.last_waited_s = timer.waited_s;
    return 0;
}

static void train(int threads, int steps)
{
    static struct group_ops ops;
    const struct trial_spec spec = bench_spec((uint64_t)steps);
    const struct trial_place place = {.threads = (uint32_t)threads};
    const struct team_hooks none = {0};
    struct lr_error err = {0};
    struct team *team = NULL;
    struct group *group = world > 1 ? open_group(world, 1) : NULL;
    struct trial_result result = {0};
    double cpu = 0, own = 0;
    if (group) {
        ops = *group->ops;
        timer.wait = ops.wait;
        ops.wait = timed_wait;
        group->ops = &ops;
    }
    kernels_set_threads(threads);
    if (rank > 0) {
        team_follow(&spec, &place, group, &none, &err);
    } else {
        if (group && team_create(&team, group, &none, &err))
            MPI_Abort(MPI_COMM_WORLD, 1);
        const struct train_hooks hooks = {.step = on_step, .place = &place, .team = team};
        trainer_run(&spec, NULL, &hooks, &result);
        team_end(team);
    }
    own = cpu_s();
    MPI_Reduce(&own, &cpu, 1, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
    if (rank > 0)
        return;
    uint64_t bits;
    memcpy(&bits, &result.val_loss, sizeof(bits));
    /* calls during the validation are not steps */
    int count = timer.steps < steps - 1 ? timer.steps : steps - 1;
    if (result.outcome != OUTCOME_DONE)
        fprintf(stderr, "%s %s\n", outcome_name(result.outcome), result.message);
    printf("%d %d %.4f %.4f %.4f %.4f %016" PRIx64 "\n", world, threads,
           median(timer.step_s, count), median(timer.wait_s, count), median(timer.cpu_s, count),
           cpu, bits);
}

static void leave_status(int status)
{
    (void)status;
}

static int option(int argc, char **argv, const char *name, int otherwise)
{
    for (int i = 2; i + 1 < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return atoi(argv[i + 1]);
    return otherwise;
}

int main(int argc, char **argv)
{
    struct lr_error err = {0};
    if (mpi_start(leave_status, &err))
        return 1;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &world);
    kernels_init();
    if (argc > 1 && strcmp(argv[1], "exchange") == 0)
        exchange();
    else if (argc > 1 && strcmp(argv[1], "train") == 0)
        train(option(argc, argv, "--threads", 1), option(argc, argv, "--steps", 12));
    else
        return 2;
    fflush(stdout);
    mpi_finish(true, 0);
    return 0;
}
