/* lrsearch run: with -n starts mpirun, otherwise assigns the roles. Every rank reads the plan
 * before MPI starts, so that a bad plan ends all ranks at once; then rank 0 coordinates and the
 * others train. Without mpirun, or with one rank, threads of this process train, over the same
 * transport interface: one, or of commands as many as are to run at a time. */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "history/nights.h"
#include "cli/progress_line.h"
#include "cli/campaign_setup.h"
#include "cli/command_line.h"
#include "cli/outcome.h"
#include "cli/worker_threads.h"
#include "prepare/prepare.h"
#include "report/summary.h"
#include "coordinator/coordinator.h"
#include "kernels/kernels.h"
#include "lrsearch/limits.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "measure.h"
#include "net/launch.h"
#include "net/mpi_group.h"
#include "net/mpi_session.h"
#include "net/peer.h"
#include "net/slurm_job.h"
#include "net/start_ranks.h"
#include "net/transports.h"
#include "plan/plan.h"
#include "plan/quantity.h"
#include "store/provenance.h"
#include "store/run_dir.h"
#include "worker.h"

/* Open files: the built-in trainer needs 11; a command's pipes and several token files need
 * more. */
#define RUN_FILES 32u
/* Of each worker in one process: a command's pipes and its loop, and those that it starts with. */
#define WORKER_FILES 32u
#define THREADS_MOST 1024u /* workers in one process */
#define DRAIN_MS 2000u     /* to send the last STOP messages */
/* A worker exits after this time without a message; the coordinator pings every 5 s. */
#define LEASE_MS (3u * 60u * 1000u)

#define GRACE_DEFAULT_S 60.0
#define GRACE_MAX_S 3600.0
#define RANKS_MOST 65536u
#define RANKS_AUTO UINT32_MAX

enum { RESUME_AUTO = 1, RESUME_NEVER };
enum { PROGRESS_AUTO = 1, PROGRESS_PLAIN, PROGRESS_NONE };

struct run_options {
    const char *run_dir;       /* NULL: output.dir of the plan */
    uint32_t resume, progress; /* 0: auto */
    uint32_t ranks;            /* 0: as this process was started */
    bool requeue;
    double grace_s;
    const char *fork; /* shorter than FORK_NAME; NULL: not given */
    struct option_pairs sets;
    bool json;
};

struct worker_thread {
    pthread_t thread;
    struct msg_hello hello; /* made before the thread: OpenBLAS returns its description in a static
                             * buffer */
    struct transport *transport;
};

static struct msg_hello worker_hello(void)
{
    struct msg_hello hello = peer_self();
    char cpu[64], libraries[64];
    provenance_cpu(cpu, sizeof(cpu));
    snprintf(hello.cpu, sizeof(hello.cpu), "%.60s, %.60s", cpu,
             kernels_libraries(libraries, sizeof(libraries)));
    return hello;
}

static void *work(void *context)
{
    struct worker_thread *self = context;
    struct lr_error err = {0};
    if (worker_run(self->transport, NULL, &self->hello, 0, &err))
        lr_log(LR_LOG_ERROR, "worker thread: %s", err.text);
    self->transport->ops->destroy(self->transport, DRAIN_MS);
    return NULL;
}

/* The run directory: --run-dir or the plan's output.dir; with --fork, that name beside it. */
static const char *find_run_dir(char fork[FORK_PATH], const struct run_options *options,
                                const struct plan *plan)
{
    const char *dir = options->run_dir ? options->run_dir : plan->output.dir;
    return options->fork ? fork_path(fork, dir, options->fork) : dir;
}

/* When Slurm will end the job, in Unix seconds; 0: unknown. */
static time_t job_end_time(void)
{
    const char *text = getenv("SLURM_JOB_END_TIME");
    return text ? (time_t)strtoll(text, NULL, 10) : 0;
}

/* Every rank logs to the coordinator's run directory, which the coordinator creates. */
static void open_log(const struct run_options *options, const struct plan *plan, int ranks)
{
    char fork[FORK_PATH];
    struct msg_hello self = peer_self();
    lr_log_files(find_run_dir(fork, options, plan), self.host, ranks, LR_LOG_CAMPAIGN_BYTES);
}

static int coordinate(const struct command_line *line, const struct plan *plan,
                      struct transport *transport, bool *workers_lost)
{
    const struct run_options *options = line->options;
    struct progress_line progress;
    struct campaign_setup setup;
    struct answer *answer = lr_calloc(1, sizeof(*answer));
    struct lr_error err = {0};
    char fork[FORK_PATH];
    const char *run_dir = find_run_dir(fork, options, plan);
    progress_line_init(&progress, line->verbosity >= 0 && options->progress != PROGRESS_NONE,
                       options->progress == PROGRESS_PLAIN);
    const struct stage_report stages = progress_line_stages(&progress);
    int rc = campaign_setup_init(&setup, plan, line->operands[0], &options->sets, run_dir, &stages,
                                 &err);
    struct coordinator_setup *coordinator = &setup.coordinator;
    coordinator->resume = options->resume != RESUME_NEVER;
    coordinator->fork_from = !options->fork     ? NULL
                             : options->run_dir ? options->run_dir
                                                : plan->output.dir;
    coordinator->transport = transport;
    coordinator->loop = &loop_uv;
    coordinator->grace_s = options->grace_s;
    coordinator->end_time = job_end_time();
    coordinator->watch = progress_line_watch(&progress);
    bool begun = answer && rc == 0;
    rc = begun ? coordinator_run(coordinator, answer, workers_lost, &err) : lr_nomem(&err);
    progress_line_release(&progress);
    bool history_failed = setup.baseline.failed;
    campaign_setup_release(&setup);
    if (rc)
        lr_log(LR_LOG_ERROR, "%s", err.text);
    else if (night_record(run_dir, plan, answer))
        history_failed = true;
    bool answered = begun && (rc == 0 || answer->cost.trials > 0);
    if (answered) {
        outcome_print(options->json, plan->name, run_dir, answer);
        lr_log(LR_LOG_INFO, "files in %s", run_dir);
    }
    int status = outcome_status(rc, answer);
    if (rc == 0 && history_failed && plan->baseline[0] && status != LR_EXIT_DRIFT)
        status = lr_error_exit_status(LR_EIO); /* the status of a drift has precedence */
    status = outcome_written(status);
    summary_print_line(plan->name, run_dir, answered ? answer : NULL, status);
    lr_free(answer);
    return status;
}

static int start_thread(struct worker_thread *worker)
{
    pthread_attr_t attributes;
    int rc = pthread_attr_init(&attributes);
    if (rc)
        return rc;
    if (!(rc = pthread_attr_setstacksize(&attributes, THREAD_STACK)))
        rc = pthread_create(&worker->thread, &attributes, work, worker);
    pthread_attr_destroy(&attributes);
    return rc;
}

/* How many workers one process has. LR_EWORKERS: no step fits into the Slurm job. */
static int count_workers(const struct plan *plan, uint32_t *count, struct lr_error *err)
{
    uint32_t wanted = plan->trainer.concurrent_trials, fit;
    bool gpus_known;
    int rc;
    *count = wanted > 0 ? wanted : 1;
    if (plan->trainer.kind == TRAINER_COMMAND && plan_by_srun(plan)) {
        const struct slurm_step step = {plan->trainer.nodes_per_trial, plan_cpus_per_trial(plan),
                                        plan->trainer.gpus_per_trial};
        if ((rc = slurm_job_steps(&step, &fit, &gpus_known, err)))
            return rc;
        if (step.gpus > 0 && !gpus_known && wanted == 0)
            return lr_fail(err, LR_EWORKERS,
                           "the environment does not say how many GPUs the Slurm job has "
                           "(SLURM_GPUS_ON_NODE): give trainer.concurrent_trials");
        *count = wanted > 0 && wanted < fit ? wanted : fit;
        *count = *count < THREADS_MOST ? *count : THREADS_MOST;
        lr_log(LR_LOG_INFO, "%u trial%s at a time as steps of Slurm job %s", *count,
               *count == 1 ? "" : "s", getenv("SLURM_JOB_ID"));
    }
    return *count > 1 ? limits_need_files(RUN_FILES + *count * WORKER_FILES, err) : 0;
}

static int run_alone(const struct command_line *line, const struct plan *plan)
{
    struct transport *coordinator = NULL, **ends = NULL;
    struct worker_thread *workers = NULL;
    struct msg_hello hello = worker_hello();
    struct lr_error err = {0};
    bool workers_lost;
    uint32_t count = 0, started = 0;
    int status = 0, rc = count_workers(plan, &count, &err);
    if (rc)
        goto out;
    kernels_init();
    measure_compute(&hello);
    ends = lr_calloc(count, sizeof(struct transport *));
    workers = lr_calloc(count, sizeof(*workers));
    if ((rc = ends && workers ? 0 : lr_nomem(&err)) ||
        (rc = local_transport_create(&coordinator, ends, (int)count, &err)))
        goto out;
    for (uint32_t i = 0; i < count; i++)
        workers[i] = (struct worker_thread){.hello = hello, .transport = ends[i]};
    while (started < count && start_thread(&workers[started]) == 0)
        started++;
    if (started < count)
        rc = lr_fail(&err, LR_EINTERNAL, "cannot start the worker thread");
    else
        status = coordinate(line, plan, coordinator, &workers_lost);
    coordinator->ops->destroy(coordinator, DRAIN_MS);
    for (uint32_t i = 0; i < started; i++)
        pthread_join(workers[i].thread, NULL);
    for (uint32_t i = started; i < count; i++)
        ends[i]->ops->destroy(ends[i], 0);
out:
    if (rc)
        lr_log(LR_LOG_ERROR, "%s", err.text);
    lr_free(workers);
    lr_free(ends);
    return rc ? lr_error_exit_status(rc) : status;
}

/* Under mpirun with recovery the exit status of rank 0 is lost, so it is written to
 * LRSEARCH_EXIT_FILE. Rank 0 creates the file; other ranks, on whose hosts it may not exist, only
 * write to an existing one. Signal handlers call this too. */
static void leave_status(int status)
{
    const char *path = getenv("LRSEARCH_EXIT_FILE");
    /* O_NONBLOCK: open() of a pipe without a reader would block, even in a signal handler. */
    int flags = O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    if (mpi_launched_rank() == 0)
        flags |= O_CREAT;
    int file = path && *path ? open(path, flags, 0600) : -1;
    const char text[] = {(char)('0' + status / 10), (char)('0' + status % 10), '\n'};
    const char *begin = status < 10 ? text + 1 : text;
    if (file < 0)
        return;
    ssize_t written = write(file, begin, (size_t)(text + sizeof(text) - begin));
    (void)written; /* a failure cannot be reported */
    close(file);
}

static void leave_at_once(int signal_number)
{
    static const char text[] = "lrsearch: interrupted; run the same command again to go on\n";
    (void)signal_number;
    ssize_t written = write(STDERR_FILENO, text, sizeof(text) - 1);
    (void)written;
    leave_status(LR_EXIT_INTERRUPTED);
    _exit(LR_EXIT_INTERRUPTED);
}

/* Before and after the campaign, files are written completely or not at all, so a signal ends the
 * process at once. During the campaign the event loop handles the signals. */
static void catch_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
    struct sigaction before, action = {.sa_handler = leave_at_once};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(numbers[i], &action, NULL);
}

/* The mpirun of Open MPI 5 ends a job with SIGTERM to every rank, and SIGKILL 250 ms later or as
 * soon as the first rank has exited. A worker therefore exits 1 s late: the coordinator has the
 * time, and the cores, to save its state. */
static void go_late(int signal_number)
{
    struct sigaction at_once = {.sa_handler = SIG_DFL};
    sleep(1);
    sigaction(signal_number, &at_once, NULL);
    raise(signal_number);
}

/* While the coordinator prepares the data. */
static void measure(struct msg_hello *hello, const struct transport *transport)
{
    int neighbour = ((transport->rank - 1) ^ 1) + 1; /* ranks 1 and 2, 3 and 4, ... */
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    measure_compute(hello);
    if (neighbour < transport->size)
        measure_link(hello, mpi_groups(), transport->rank, neighbour);
    clock_gettime(CLOCK_MONOTONIC, &end);
    lr_log(LR_LOG_DEBUG,
           "%u cores, %.3g FLOP/s; to a neighbour %.3g s, %.3g B/s; measured in %.2f s",
           hello->cores, hello->flops, hello->latency_s, hello->bytes_per_s,
           (double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec));
}

static int run_ranks(const struct command_line *line, const struct plan *plan)
{
    struct transport *transport = NULL;
    struct lr_error err = {0};
    bool workers_lost = false;
    int status;
    if (mpi_start(leave_status, &err) || mpi_transport_create(&transport, &err)) {
        lr_log(LR_LOG_ERROR, "%s", err.text);
        return lr_error_exit_status(err.code);
    }
    if (launch_check_size(transport->size, &err)) {
        if (mpi_launched_rank() == 0)
            lr_log(LR_LOG_ERROR, "%s", err.text);
        transport->ops->destroy(transport, 0);
        status = lr_error_exit_status(err.code);
        mpi_finish(false, status);
        return status;
    }
    lr_log_rank_set(transport->rank);
    open_log(line->options, plan, transport->size);
    if (transport->size == 1) {
        transport->ops->destroy(transport, 0);
        status = run_alone(line, plan);
        leave_status(status);
    } else if (transport->rank == 0) {
        status = coordinate(line, plan, transport, &workers_lost);
        leave_status(status);
        transport->ops->destroy(transport, DRAIN_MS);
    } else {
        struct msg_hello hello = worker_hello();
        struct sigaction late = {.sa_handler = go_late};
        signal(SIGUSR1,
               SIG_IGN); /* launchers send these to every rank; only the coordinator handles them */
        signal(SIGUSR2, SIG_IGN);
        sigaction(SIGTERM, &late, NULL);
        kernels_init();
        measure(&hello, transport);
        status = worker_run(transport, mpi_groups(), &hello, LEASE_MS, &err)
                     ? lr_error_exit_status(err.code)
                     : 0;
        if (status)
            lr_log(LR_LOG_ERROR, "%s", err.text);
        transport->ops->destroy(transport, DRAIN_MS);
    }
    lr_log_flush(true);
    mpi_finish(!workers_lost && status != LR_EXIT_INTERRUPTED, status);
    return status;
}

/* A campaign whose trials are steps of Slurm has no worker ranks. */
static int check_ranks(const struct plan *plan, struct lr_error *err)
{
    unsigned long ranks = mpi_launched_ranks();
    bool by_srun = plan->trainer.kind == TRAINER_COMMAND && plan_by_srun(plan);
    if (ranks > 1 && by_srun)
        return lr_fail(err, LR_EWORKERS,
                       "trainer.launcher: srun needs no ranks: start lrsearch by itself in the "
                       "job, without mpirun, srun and -n; it starts the steps");
    if (ranks > 1 && plan->trainer.concurrent_trials > 1 && mpi_launched_rank() == 0)
        lr_log(LR_LOG_WARNING,
               "trainer.concurrent_trials has no effect with ranks: each runs one trial at a time");
    return 0;
}

static int run_plan(const struct command_line *line)
{
    const struct run_options *options = line->options;
    struct plan *plan;
    int status = 70;
    if (mpi_launched_rank() == 0)
        catch_signals();
    struct lr_error err = {0};
    int rc = prepare_plan(&plan, line->operands[0], options->sets.words, options->sets.count);
    if (!rc && (rc = limits_check_files(RUN_FILES, &err)))
        lr_log(LR_LOG_ERROR, "%s", err.text);
    if (!rc && plan->trainer.kind == TRAINER_EXTERNAL) {
        rc = LR_EPLAN;
        lr_log(LR_LOG_ERROR, "%s: %s", line->operands[0], PREPARE_EXTERNAL);
    }
    if (!rc && (rc = check_ranks(plan, &err)) && mpi_launched_rank() == 0)
        lr_log(LR_LOG_ERROR, "%s", err.text);
    if (rc) {
        status = lr_error_exit_status(rc);
        if (mpi_launched_rank() == 0)
            leave_status(status);
        else
            sleep(1); /* mpirun kills the others when one has failed, and rank 0 says why */
    } else {
        worker_threads_set(plan, line->argv);
        if (!mpi_launched())
            open_log(options, plan, 1);
        status = mpi_launched() ? run_ranks(line, plan) : run_alone(line, plan);
        lr_log_flush(true);
    }
    lr_free(plan);
    return status;
}

/* ---- how many ranks ---- */

/* -n auto: the tasks of a job of Slurm, otherwise a worker for each core, and the coordinator. */
static uint32_t ranks_of_machine(void)
{
    const char *tasks = getenv("SLURM_NTASKS");
    unsigned long count = tasks ? strtoul(tasks, NULL, 10) : 0;
    return count > 0 && count <= RANKS_MOST ? (uint32_t)count : limits_cores(0) + 1;
}

/* Checks -n against what started this process. *starts: to how many ranks this process has mpirun
 * start; 0: it is a rank itself, or runs alone. */
static int choose_ranks(const struct run_options *options, uint32_t *starts, struct lr_error *err)
{
    unsigned long launched = mpi_launched_ranks();
    uint32_t ranks = options->ranks == RANKS_AUTO ? ranks_of_machine() : options->ranks;
    *starts = 0;
    if (mpi_launched() && launched > 0 && ranks != launched && options->ranks > 0 &&
        options->ranks != RANKS_AUTO)
        return lr_fail(err, LR_EUSAGE,
                       "-n %u: %lu ranks were started by mpirun or srun already; leave one of the "
                       "two out",
                       ranks, launched);
    if (!mpi_launched() && (ranks > 1 || options->requeue)) {
        *starts = ranks;
        return 0;
    }
    return ranks == 1 ? 0 : launch_check(mpi_open_mpi_major() > 0, err);
}

static int run(const struct command_line *line)
{
    const struct run_options *options = line->options;
    struct start_ranks start = {.arguments = line->argv, .requeue = options->requeue};
    struct lr_error err = {0};
    int status;
    int rc = choose_ranks(options, &start.ranks, &err);
    if (rc == 0 && start.ranks == 0)
        return run_plan(line);
    if (rc == 0 && (rc = start_ranks(&start, &status, &err)) == 0)
        return status;
    /* All ranks come to the same; one says it. */
    if (mpi_launched_rank() == 0 && launch_first_task())
        lr_log(LR_LOG_ERROR, "%s", err.text);
    if (mpi_launched_rank() == 0 && start.ranks == 0)
        leave_status(lr_error_exit_status(rc));
    return lr_error_exit_status(rc);
}

/* ---- command line ---- */

static int read_ranks(void *member, const char *value, struct lr_error *err)
{
    uint64_t count;
    bool counted = quantity_count(value, &count) == QUANTITY_OK && count >= 1;
    if (!(counted && count <= RANKS_MOST) && strcmp(value, "auto") != 0)
        return lr_fail(err, LR_EUSAGE, "--ranks %s: must be a whole count from 1 to %u, or auto",
                       value, RANKS_MOST);
    *(uint32_t *)member = counted ? (uint32_t)count : RANKS_AUTO;
    return 0;
}

static int check(const struct command_line *line, struct lr_error *err)
{
    const struct run_options *options = line->options;
    if (options->requeue && options->ranks == 0)
        return lr_fail(err, LR_EUSAGE,
                       "--requeue: needs -n, as in: lrsearch run my.yaml -n auto --requeue");
    return 0;
}

static const struct option_row rows[] = {
    {"ranks", "N|auto",
     "start mpirun with N ranks; auto: as many as the Slurm job has tasks, else cores + 1",
     .letter = 'n', OPTION_AT(run_options, ranks), .type = OPTION_READ, .read = read_ranks,
     .values = "auto"},
    {"requeue", NULL,
     "with -n: put the Slurm job back into the queue when the campaign is interrupted",
     OPTION_AT(run_options, requeue)},
    {"run-dir", "DIR", "where the campaign's files go; default: output.dir of the plan",
     OPTION_AT(run_options, run_dir), .type = OPTION_TEXT, .wanted = "the name of a directory",
     .values = "@dir"},
    {"resume", "auto|never", "never: refuse a directory that already holds a campaign",
     OPTION_AT(run_options, resume), .type = OPTION_CHOICE, .values = "auto never"},
    {"fork", "NAME",
     "a new campaign in NAME beside --run-dir that reuses its trainings that are still valid",
     OPTION_AT(run_options, fork), .type = OPTION_READ, .read = fork_read},
    {"grace", "TIME", "time for checkpoints after SIGUSR1 or SIGUSR2; default 60s",
     OPTION_AT(run_options, grace_s), .type = OPTION_DURATION, .high = GRACE_MAX_S,
     .wanted = "a time such as 60s, 1h at most"},
    {"progress", "auto|plain|none",
     "auto: one line that is redrawn, on a terminal; plain: a line every 10 s; none: no such line",
     OPTION_AT(run_options, progress), .type = OPTION_CHOICE, .values = "auto plain none"},
    OPTION_ROW_SET(run_options),
    OPTION_ROW_JSON(run_options),
};

const struct command cmd_run = {
    .name = "run",
    .operand = "PLAN",
    .help = "run the plan's campaign, or continue it; the default command",
    .examples = "lrsearch plans/quickstart.yaml\n"
                "lrsearch run plans/quickstart.yaml -n 64\n"
                "mpirun -np 64 lrsearch my.yaml --set search.seeds=3 --run-dir logs/three-seeds",
    .kind = OPERAND_PLAN,
    .least_most = {1, 1},
    COMMAND_ROWS(rows),
    .options = &(struct run_options){.grace_s = GRACE_DEFAULT_S},
    .check = check,
    .run = run,
};
