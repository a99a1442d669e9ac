/* usage: bench_coordinator TRIALS WORKERS [--no-report]
 *
 * One campaign of about TRIALS null trials (1,000 to 120,000) through the coordinator, its journal
 * and its files, in one process: WORKERS workers answer each assignment at once with a loss. So the
 * figures are the coordinator's own; null_trials.sh has those of a whole cluster. Prints one
 * line. */
#include "temp_dir.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include "cli/cmd_report.h"
#include "coordinator/coordinator.h"
#include "lrsearch/log.h"
#include "null_cluster.h"
#include "plan/plan_load.h"

#define PAGE_KB 4.0

static struct moment {
    double wall_s, cpu_s, rss_kb; /* cpu_s: of gnuplot too */
} opened, last_result, end;
static size_t ended;

static double clock_s(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static struct moment clocks_now(void)
{
    return (struct moment){clock_s(CLOCK_MONOTONIC), clock_s(CLOCK_PROCESS_CPUTIME_ID), 0};
}

static struct moment moment_now(void)
{
    struct moment now = clocks_now();
    struct rusage children;
    long size, resident;
    if (getrusage(RUSAGE_CHILDREN, &children) == 0)
        now.cpu_s += (double)(children.ru_utime.tv_sec + children.ru_stime.tv_sec) +
                     1e-6 * (double)(children.ru_utime.tv_usec + children.ru_stime.tv_usec);
    FILE *file = fopen("/proc/self/statm", "r");
    if (file && fscanf(file, "%ld %ld", &size, &resident) == 2)
        now.rss_kb = (double)resident * PAGE_KB;
    if (file)
        fclose(file);
    return now;
}

/* ---- the campaign ---- */

static void on_event(void *context, const struct campaign *campaign, const struct event *event)
{
    (void)context;
    (void)campaign;
    if (event->kind == EVENT_SESSION)
        opened = moment_now();
    if (event->kind != EVENT_ENDED)
        return;
    double rss_kb = last_result.rss_kb;
    last_result = ++ended % 1000 == 0 ? moment_now() : clocks_now();
    last_result.rss_kb = last_result.rss_kb > rss_kb ? last_result.rss_kb : rss_kb;
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
    struct plan *plan = make_plan(plan_path, trials);
    struct coordinator_setup setup = {.plan = plan,
                                      .plan_path = plan_path,
                                      .run_dir = run_dir,
                                      .transport = null_cluster(workers, NULL),
                                      .loop = &null_loop,
                                      .mpi_library = "none",
                                      .blas = "none",
                                      .prepare_data = null_prepare,
                                      .watch = {.event = on_event},
                                      .draw = argc > 3 ? NULL : make_report};
    int rc = coordinator_run(&setup, &answer, &workers_lost, &err);
    end = moment_now();
    null_cluster_end();
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
