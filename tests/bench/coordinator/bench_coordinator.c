/* usage: bench_coordinator TRIALS WORKERS [--no-report]
 *
 * One campaign of about TRIALS null trials (1,000 to 120,000) through the coordinator, its journal and
 * its files, in one process: WORKERS workers answer each assignment at once with a loss. So the figures
 * are the coordinator's own; of a whole cluster see mpi.sh beside this file. Prints one line. */
#include "temp_dir.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "cli/cmd_report.h"
#include "coordinator/coordinator.h"
#include "lrsearch/log.h"
#include "lrsearch/version.h"
#include "plan/plan_load.h"

#define MESSAGES_A_TURN 256 /* as in net/loop.c */
#define PAGE_KB 4.0

static struct {
    struct message *ready; /* ring: every worker has one trial at most, and one HELLO */
    int *from;
    size_t first, count, capacity;
} wire;

static struct moment {
    double wall_s, cpu_s, rss_kb;
} opened, last_result, end;
static size_t ended;

static double clock_s(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static struct moment moment_now(void)
{
    struct moment now = {clock_s(CLOCK_MONOTONIC), clock_s(CLOCK_PROCESS_CPUTIME_ID), 0};
    long size, resident;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file && fscanf(file, "%ld %ld", &size, &resident) == 2)
        now.rss_kb = (double)resident * PAGE_KB;
    if (file)
        fclose(file);
    return now;
}

/* ---- null workers ---- */

static void arrive(int peer, const struct message *message)
{
    size_t at = (wire.first + wire.count++) % wire.capacity;
    wire.ready[at] = *message;
    wire.from[at] = peer;
}

/* A basin in ln LR whose optimum falls as tokens^-.3, with a little noise of the trial's own. */
static double loss_of(const struct trial_spec *spec, uint32_t id)
{
    double tokens = (double)spec->horizon_tokens, off = spec->lr * pow(tokens, .3) / .6;
    off = off > 1 ? off : 1 / off; /* no log(): this must cost next to nothing */
    return 2 + 1000 / tokens + .01 * (off - 1) + 1e-6 * (double)(id * 2654435761u >> 22);
}

static int null_send(struct transport *transport, int peer, const struct message *message,
                     struct lr_error *err)
{
    (void)transport;
    (void)err;
    if (message->tag != MSG_ASSIGN)
        return 0;
    const struct msg_assign *job = &message->as.assign;
    struct message answer = {.tag = MSG_RESULT};
    struct trial_result *result = &answer.as.result.result;
    answer.as.result.trial_id = job->trial_id;
    answer.as.result.attempt = job->attempt;
    result->outcome = OUTCOME_DONE;
    result->tokens = job->spec.horizon_tokens;
    result->val_loss = loss_of(&job->spec, job->trial_id);
    result->seconds = .1;
    arrive(peer, &answer);
    return 0;
}

static int null_poll(struct transport *transport, int *peer, struct message *message,
                     struct lr_error *err)
{
    (void)transport;
    (void)err;
    *peer = TRANSPORT_NOBODY;
    if (wire.count == 0)
        return 0;
    *message = wire.ready[wire.first];
    *peer = wire.from[wire.first];
    wire.first = (wire.first + 1) % wire.capacity;
    wire.count--;
    return 0;
}

static bool null_alive(struct transport *transport, int peer, const struct msg_hello *hello)
{
    (void)transport;
    (void)peer;
    (void)hello;
    return true;
}

static void null_forget(struct transport *transport, int peer)
{
    (void)transport;
    (void)peer;
}

static const struct transport_ops null_ops = {null_send, null_poll, null_alive, null_forget, NULL};

/* ---- a loop that never sleeps; decisions are computed at once ---- */

static uint64_t now_ms(void)
{
    return (uint64_t)(clock_s(CLOCK_MONOTONIC) * 1000);
}

static int loop_run(struct transport *transport, const struct loop_handler *handler,
                    struct lr_error *err)
{
    struct message message;
    bool done = false;
    int rc = 0, peer;
    while (!rc && !done) {
        for (int i = 0; !rc && i < MESSAGES_A_TURN && wire.count > 0; i++) {
            transport->ops->poll(transport, &peer, &message, err);
            rc = handler->message(handler->context, peer, &message, now_ms(), err);
        }
        if (!rc)
            rc = handler->tick(handler->context, now_ms(), &done, err);
    }
    return rc;
}

static const struct loop_ops loop = {now_ms, loop_run, NULL, NULL};

/* ---- the campaign ---- */

static void on_event(void *context, const struct campaign *campaign, const struct event *event)
{
    (void)context;
    (void)campaign;
    if (event->kind == EVENT_SESSION)
        opened = moment_now();
    if (event->kind == EVENT_ENDED && ++ended % 1000 == 0)
        last_result = moment_now();
    if (event->kind == EVENT_FINISHED && ended % 1000 > 0)
        last_result = moment_now();
}

static int prepare_nothing(void *context, char products[TRIAL_PRODUCTS], struct event_data *data,
                           struct lr_error *err)
{
    (void)context;
    (void)products;
    (void)data;
    (void)err;
    return 0;
}

/* A grid of 16 horizons, 21 LRs, and as many seeds and embedding LR ratios as it takes. */
static struct plan *make_plan(const char *path, long trials)
{
    struct plan_errors errors = {0};
    struct plan *plan = calloc(1, sizeof(*plan));
    long cells = 16L * 21, seeds = 1, ratios = 1;
    while (ratios < 11 && cells * ratios * 32 < trials)
        ratios++;
    while (seeds < 32 && cells * ratios * seeds < trials)
        seeds++;
    FILE *file = fopen(path, "w");
    if (!file || !plan)
        exit(1);
    fprintf(file,
            "version: 1\nname: bench\ntrainer: {kind: simulate}\n"
            "simulate: {lr: 8e-3, beta: 0.3, seconds_per_mtoken: 0, ratio_curvature: 0.01}\n"
            "search: {lr: [1e-6, 1], policy: grid, seeds: %ld, horizons: [",
            seeds);
    for (int h = 0; h < 16; h++)
        fprintf(file, "%s%d", h > 0 ? ", " : "", 10000 + 10000 * h);
    fprintf(file, "]}\nmodel: {embedding_lr_ratio: [1, %ld]}\ntarget: {tokens: 64M}\n",
            1L << (ratios - 1));
    fclose(file);
    if (plan_load(plan, path, NULL, 0, &errors)) {
        fprintf(stderr, "%s\n", errors.lines[0]);
        exit(1);
    }
    return plan;
}

int main(int argc, char **argv)
{
    static struct answer answer;
    char base[200], run_dir[250], plan_path[250];
    struct lr_error err = {0};
    bool workers_lost;
    long trials = argc > 2 ? atol(argv[1]) : 0;
    int workers = argc > 2 ? atoi(argv[2]) : 0;
    if (trials < 1 || workers < 1 || temp_dir_make(base, sizeof(base))) {
        fprintf(stderr, "usage: bench_coordinator TRIALS WORKERS [--no-report]\n");
        return 2;
    }
    snprintf(run_dir, sizeof(run_dir), "%s/run", base);
    snprintf(plan_path, sizeof(plan_path), "%s/plan.yaml", base);
    lr_log_level_set(LR_LOG_WARNING);
    wire.capacity = 2 * (size_t)workers + 2;
    wire.ready = calloc(wire.capacity, sizeof(*wire.ready));
    wire.from = calloc(wire.capacity, sizeof(*wire.from));
    struct plan *plan = make_plan(plan_path, trials);
    struct transport transport = {&null_ops, 0, workers + 1};
    struct message hello = {.tag = MSG_HELLO, .as.hello = {.protocol = MESSAGE_PROTOCOL}};
    snprintf(hello.as.hello.host, sizeof(hello.as.hello.host), "bench");
    snprintf(hello.as.hello.version, sizeof(hello.as.hello.version), "%s", LRSEARCH_VERSION);
    for (int rank = 1; rank <= workers; rank++)
        arrive(rank, &hello);
    struct coordinator_setup setup = {.plan = plan,
                                      .plan_path = plan_path,
                                      .run_dir = run_dir,
                                      .transport = &transport,
                                      .loop = &loop,
                                      .mpi_library = "none",
                                      .blas = "none",
                                      .prepare_data = prepare_nothing,
                                      .watch = {.event = on_event},
                                      .draw = argc > 3 ? NULL : make_report};
    int rc = coordinator_run(&setup, &answer, &workers_lost, &err);
    end = moment_now();
    temp_dir_remove(base);
    if (rc) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    double seconds = last_result.wall_s - opened.wall_s;
    printf("%7zu trials %3d workers: %7.0f/s %6.3f ms of CPU and %5.0f bytes a trial; "
           "files after %.2f s (%.2f of CPU)\n",
           ended, workers, (double)ended / seconds,
           1000 * (last_result.cpu_s - opened.cpu_s) / (double)ended,
           1024 * (last_result.rss_kb - opened.rss_kb) / (double)ended,
           end.wall_s - last_result.wall_s, end.cpu_s - last_result.cpu_s);
    return 0;
}
