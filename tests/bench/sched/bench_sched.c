/* How busy a cluster is: whole campaigns through the real coordinator, campaign, search and
 * scheduler in virtual time (tests/sim), on made-up surfaces. A training's time is that of its
 * FLOPs on one rank over the speed-up of its group. Nothing is trained.
 *
 * One shortest training of the cheapest model is the unit of time and of work. Every sum is counted
 * twice, by the simulated workers and from the journal; if the two differ, the program ends. */
#include "temp_dir.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "coordinator/coordinator.h"
#include "lrsearch/log.h"
#include "lrsearch/rng.h"
#include "plan/plan_load.h"
#include "search_memo.h"
#include "sim_world.h"
#include "speedup.h"
#include "store/journal.h"
#include "trainers/simulate/loss_surface.h"

#define UNIT_TOKENS 1e6
#define WORKERS_MOST 255
#define SURFACES_MOST 64
#define DRAW_BENCH ((uint64_t)RNG_SIMULATE + (10u << 8)) /* loss_surface.c has the lower ones */

struct row {
    const char *key, *name, *axes; /* axes: d_model, n_layers and vocab */
    int round_trials;              /* 0: the default */
    bool async;
};

#define ONE "d_model: 64, n_layers: 2, vocab: 1024"
#define NINE "d_model: [64, 128, 256], n_layers: 2, vocab: [1024, 4096, 16384]"
#define MANY "d_model: [64, 128, 256, 512], n_layers: [2, 3, 4, 6], vocab: [1024, 2048, 4096, 8192]"
static const struct row rows[] = {
    {"one", "one cell, design", ONE, 0, false},
    {"one-async", "one cell, async", ONE, 0, true},
    {"nine", "3 x 3 cells, design", NINE, 0, false},
    {"nine-async", "3 x 3 cells, async", NINE, 0, true},
    {"many", "64 cells, round_trials 64", MANY, 64, false},
    {"many-async", "64 cells, async", MANY, 64, true},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

struct options {
    const char *row; /* NULL: all */
    int workers[8], worker_counts;
    const char *ranks[4]; /* values of trainer.ranks_per_trial */
    int rank_counts;
    unsigned surfaces, first;
    bool each; /* a line for each surface, too */
    struct speedup speedup;
    double share; /* < 0: none */
    const char *table;
    double flops, latency_s, bytes_per_s; /* of a rank, and of the traffic in a group */
    int host_ranks;
    const char *target; /* tokens */
    double noise;       /* nats */
};

struct course {
    double makespan, work, busy, tokens; /* units; units; share of the ranks' time; tokens */
    unsigned trials, rounds, regroups;
};

static struct options options;
static char base[200];
static struct simulate_spec surface; /* of the campaign that runs */
static double unit_s;                /* of the unit */

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "bench_sched: %s: %s\n", what, why);
    temp_dir_remove(base);
    exit(70);
}

/* ---- the surface ---- */

static double between(unsigned number, uint64_t which, double low, double high)
{
    return low + (high - low) * rng_uniform(number, DRAW_BENCH, which);
}

/* The ranges of published sweeps, as in tests/lib/surface.c. */
static struct simulate_spec draw_surface(unsigned number)
{
    return (struct simulate_spec){
        .seed = number,
        .lr = 1e-3 * exp2(between(number, 0, 1.5, 4.5)),
        .beta = between(number, 1, 0.05, 0.55),
        .curvature = 0.012 * exp2(between(number, 2, 0, 2.32)),
        .asymmetry = between(number, 3, 0, 0.35),
        .cliff = between(number, 4, 1.2, 3),
        .delta = between(number, 5, 0.2, 0.8),
        .gamma = between(number, 6, -0.1, 0.1),
        .misfit = 0.15,
        .noise = options.noise,
        .seed_noise = options.noise,
    };
}

static double loss_of(const struct trial_spec *spec)
{
    struct simulate_spec own = surface;
    struct surface_place place = {
        .tokens = spec->horizon_tokens, .vocab = spec->vocab * 1e4 / 1024, .width = spec->d_model};
    own.cell = spec->d_model * 1009 + spec->n_layers * 31 + spec->vocab;
    return loss_surface_loss(&own, &place, spec->lr, spec->seed);
}

static double seconds_per_token(const struct trial_spec *spec, int ranks, bool spans)
{
    return speedup_step_s(&options.speedup, spec, ranks, spans) / spec->batch_tokens;
}

/* ---- a campaign ---- */

static struct plan *load_plan(const struct row *row, const char *ranks, bool async)
{
    char path[300];
    struct plan_errors errors = {0};
    struct plan *plan = calloc(1, sizeof(*plan));
    snprintf(path, sizeof(path), "%s/plan.yaml", base);
    FILE *file = fopen(path, "w");
    if (!plan || !file)
        fail(path, "cannot be written");
    fprintf(file,
            "version: 1\nname: bench\nseed: 3\n"
            "model: {%s, head_size: 32, context: 128, parametrization: sp}\n"
            "data: {source: synthetic}\n"
            "training: {batch_tokens: 16k}\n"
            "target: {tokens: %s}\n"
            "search: {lr: [1e-3, 6.4e-2], horizons: [1M, 2M, 4M]",
            row->axes, options.target);
    if (row->round_trials > 0)
        fprintf(file, ", round_trials: %d", row->round_trials);
    fprintf(file, "%s}\n", async ? ", mode: async" : "");
    fprintf(file, "trainer: {ranks_per_trial: %s}\n", ranks);
    fclose(file);
    if (plan_load(plan, path, NULL, 0, &errors))
        fail("the plan", errors.lines[0]);
    return plan;
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

struct tally {
    const struct plan *plan;
    struct course *outcome;
    double work_s, first_s, last_s;
    double *per_token; /* seconds on one rank, by trial id */
    size_t trials;
};

static int count_event(void *context, const struct event *event, struct lr_error *err)
{
    struct tally *tally = context;
    (void)err;
    if (event->kind == EVENT_ROUND)
        tally->outcome->rounds++;
    if (event->kind == EVENT_PLANNED) {
        tally->per_token = realloc(tally->per_token, (++tally->trials + 1) * sizeof(double));
        if (!tally->per_token)
            fail("the journal", "no memory");
        tally->per_token[tally->trials] = seconds_per_token(&event->as.planned.spec, 1, false);
    }
    if (event->kind == EVENT_STARTED)
        tally->first_s = fmin(tally->first_s, event->as.started.at_s);
    if (event->kind == EVENT_ENDED) {
        const struct trial_result *result = &event->as.ended.result;
        double tokens = (double)(result->tokens - result->begun_tokens);
        tally->outcome->tokens += tokens;
        tally->work_s += tokens * tally->per_token[event->as.ended.trial_id];
        tally->last_s = fmax(tally->last_s, event->as.ended.at_s);
    }
    return 0;
}

static void check_same(const char *what, double sim, double journal)
{
    char why[160];
    snprintf(why, sizeof(why), "the workers counted %.9g, the journal %.9g", sim, journal);
    if (!(fabs(sim - journal) <= 1e-3 * fabs(journal)))
        fail(what, why);
}

static struct course run_campaign(const struct plan *plan, int workers)
{
    char run_dir[300], path[400];
    static struct answer answer;
    struct lr_error err = {0};
    struct course outcome = {0};
    struct tally tally = {.plan = plan, .outcome = &outcome, .first_s = INFINITY};
    struct sim_faults world = {.workers = workers,
                               .latency_ms = 1,
                               .slow = 1,
                               .host_ranks = options.host_ranks,
                               .flops = options.flops,
                               .link_latency_s = options.latency_s,
                               .link_bytes_per_s = options.bytes_per_s,
                               .seconds_per_token = seconds_per_token,
                               .loss = loss_of,
                               .look_ms = 1000};
    bool workers_lost;
    snprintf(run_dir, sizeof(run_dir), "%s/run", base);
    snprintf(path, sizeof(path), "%s/plan.yaml", base);
    struct coordinator_setup setup = {.plan = plan,
                                      .plan_path = path,
                                      .run_dir = run_dir,
                                      .transport = sim_begin(1, &world),
                                      .loop = &sim_loop,
                                      .mpi_library = "none",
                                      .blas = "none",
                                      .prepare_data = prepare_nothing};
    sim_forget_checkpoints();
    if (coordinator_run(&setup, &answer, &workers_lost, &err))
        fail("the campaign", err.text);
    struct sim_account account = sim_account();
    sim_end();
    snprintf(path, sizeof(path), "%s/journal.jsonl", run_dir);
    if (journal_read(path, count_event, &tally, &err))
        fail("the journal", err.text);
    check_same("tokens", account.tokens, outcome.tokens);
    check_same("work", account.work_s, tally.work_s);
    outcome.makespan = (tally.last_s - tally.first_s) / unit_s;
    outcome.work = tally.work_s / unit_s;
    outcome.busy = account.busy_rank_s / ((tally.last_s - tally.first_s) * workers);
    outcome.trials = (unsigned)tally.trials;
    outcome.regroups = account.regroups;
    free(tally.per_token);
    temp_dir_remove(run_dir);
    return outcome;
}

/* ---- the table ---- */

static int compare_values(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void print_case(const struct row *row, const char *ranks, int workers,
                       const struct course *all, const struct course *alone)
{
    struct course mean = {0};
    double ratios[SURFACES_MOST], alone_makespan = 0, n = options.surfaces;
    unsigned trials = 0, rounds = 0, regroups = 0;
    for (unsigned i = 0; i < options.surfaces; i++) {
        mean.makespan += all[i].makespan / n;
        mean.work += all[i].work / n;
        mean.busy += all[i].busy * all[i].makespan;
        mean.tokens += all[i].tokens / n;
        alone_makespan += alone[i].makespan / n;
        ratios[i] = all[i].work / alone[i].work;
        trials += all[i].trials;
        rounds += all[i].rounds;
        regroups += all[i].regroups;
    }
    qsort(ratios, options.surfaces, sizeof(*ratios), compare_values);
    printf("%-26s %5s %4d %9.2f %9.2f %7.1fx %6.1f %% %6.1f %% %7.2f %6.2f %7.1f %6.1f %7.1f\n",
           row->name, ranks, workers, mean.makespan, mean.work, alone_makespan / mean.makespan,
           100 * mean.busy / (mean.makespan * n), 100 * mean.work / (workers * mean.makespan),
           ratios[options.surfaces / 2], ratios[options.surfaces - 1], trials / n, rounds / n,
           regroups / n);
    fflush(stdout);
}

static void run_row(const struct row *row)
{
    static struct course all[4][8][SURFACES_MOST], alone[SURFACES_MOST];
    struct plan *plans[4];
    for (int r = 0; r < options.rank_counts; r++)
        plans[r] = load_plan(row, options.ranks[r], row->async);
    struct plan *plain = load_plan(row, "1", false);
    struct trial_spec cheapest = plan_cell(plain, 0);
    unit_s = UNIT_TOKENS * seconds_per_token(&cheapest, 1, false);
    for (unsigned i = 0; i < options.surfaces; i++) {
        surface = draw_surface(options.first + i);
        search_memo_clear();
        alone[i] = run_campaign(plain, 1);
        for (int r = 0; r < options.rank_counts; r++)
            for (int w = 0; w < options.worker_counts; w++) {
                struct course *out = &all[r][w][i];
                *out = run_campaign(plans[r], options.workers[w]);
                if (options.each)
                    printf("  surface %u, %s, %s: %d workers: %.3f long, %.3f of work, %.1f %% "
                           "busy, %u trials in %u rounds\n",
                           options.first + i, row->key, options.ranks[r], options.workers[w],
                           out->makespan, out->work, 100 * out->busy, out->trials, out->rounds);
            }
    }
    for (int r = 0; r < options.rank_counts; r++)
        for (int w = 0; w < options.worker_counts; w++)
            print_case(row, options.ranks[r], options.workers[w], all[r][w], alone);
    for (int r = 0; r < options.rank_counts; r++)
        free(plans[r]);
    free(plain);
}

static const char usage[] =
    "usage: bench_sched [--row KEY] [--workers N]... [--ranks auto|N]... [--surfaces N] [--first "
    "N]\n"
    "                   [--each] [--efficiency SHARE | --speedup FILE] [--flops RATE]\n"
    "                   [--latency SECONDS] [--bandwidth BYTES] [--host RANKS]\n"
    "                   [--target TOKENS] [--noise NATS]\n";

static bool read_option(const char *name, const char *value)
{
    if (strcmp(name, "--row") == 0)
        options.row = value;
    else if (strcmp(name, "--workers") == 0 && options.worker_counts < 8)
        options.workers[options.worker_counts++] = atoi(value);
    else if (strcmp(name, "--ranks") == 0 && options.rank_counts < 4)
        options.ranks[options.rank_counts++] = value;
    else if (strcmp(name, "--surfaces") == 0)
        options.surfaces = (unsigned)atoi(value);
    else if (strcmp(name, "--first") == 0)
        options.first = (unsigned)atoi(value);
    else if (strcmp(name, "--efficiency") == 0)
        options.share = atof(value);
    else if (strcmp(name, "--speedup") == 0)
        options.table = value;
    else if (strcmp(name, "--flops") == 0)
        options.flops = atof(value);
    else if (strcmp(name, "--latency") == 0)
        options.latency_s = atof(value);
    else if (strcmp(name, "--bandwidth") == 0)
        options.bytes_per_s = atof(value);
    else if (strcmp(name, "--target") == 0)
        options.target = value;
    else if (strcmp(name, "--noise") == 0)
        options.noise = atof(value);
    else if (strcmp(name, "--host") == 0)
        options.host_ranks = atoi(value);
    else
        return false;
    return true;
}

static void read_options(int argc, char **argv)
{
    options = (struct options){.surfaces = 10,
                               .first = 1,
                               .share = -1,
                               .flops = 2e10,
                               .latency_s = 5e-6,
                               .bytes_per_s = 2e9,
                               .host_ranks = 32,
                               .target = "8M",
                               .noise = 0.003};
    for (int i = 1; i < argc; i++) {
        bool each = strcmp(argv[i], "--each") == 0;
        options.each = options.each || each;
        if (each)
            continue;
        if (i + 1 == argc || !read_option(argv[i], argv[i + 1])) {
            fputs(usage, stderr);
            exit(64);
        }
        i++;
    }
    int given = options.rank_counts;
    if (options.worker_counts == 0)
        for (const int *w = (const int[]){1, 8, 63, 0}; *w; w++)
            options.workers[options.worker_counts++] = *w;
    for (const char *const *r = (const char *const[]){"1", "auto", NULL}; *r && given == 0; r++)
        options.ranks[options.rank_counts++] = *r;
    speedup_by_model(&options.speedup, options.flops, options.latency_s, options.bytes_per_s);
    if (options.share >= 0)
        speedup_by_share(&options.speedup, options.share);
    if (options.table && !speedup_read(&options.speedup, options.table))
        exit(65);
    options.surfaces = options.surfaces < SURFACES_MOST ? options.surfaces : SURFACES_MOST;
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    lr_log_level_set(LR_LOG_ERROR);
    if (access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 0);
    if (temp_dir_make(base, sizeof(base)))
        return 70;
    printf("virtual time; unit: one training of 1M tokens on the smallest model; means of %u "
           "surfaces; speed-up of a group: %s\n",
           options.surfaces, speedup_text(&options.speedup));
    printf("%-26s %5s %4s %9s %9s %8s %8s %8s %14s %7s %6s %7s\n%-26s %5s %4s %9s %9s %8s %8s %8s "
           "%7s %6s\n",
           "", "ranks", "W", "makespan", "work", "speed-up", "busy", "useful", "work / rounds",
           "trials", "rounds", "regroups", "", "", "", "", "", "", "", "", "median", "worst");
    for (size_t i = 0; i < ROWS; i++)
        if (!options.row || strcmp(options.row, rows[i].key) == 0)
            run_row(&rows[i]);
    temp_dir_remove(base);
    return 0;
}
