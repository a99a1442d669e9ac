/* Up to TIMED_MOST models of cells are timed; the times of the others are scaled by FLOPs. With
 * these times the plan's campaign is simulated several times (forecast.h); the tables show
 * quantiles over the simulated campaigns. */
#define _POSIX_C_SOURCE 200809L
#include "estimate/estimate.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>
#include "campaign/campaign_confirm.h"
#include "estimate/calibrate.h"
#include "estimate/forecast.h"
#include "prepare/prepare.h"
#include "prepare/prepare_products.h"
#include "kernels/kernels.h"
#include "lrsearch/memory.h"
#include "report/summary.h"
#include "sched/width.h"

#define TIMED_MOST 4         /* models */
#define TIMING_SECONDS 3.0   /* for all of them */
#define LOOK_SECONDS 1.0     /* the same in estimate_expect(), which is called several times */
#define TURN_SECONDS 0.5     /* of a precision in estimate_precisions() */
#define RESERVE_MOST 0.9     /* upper limit of budget.reserve in the plan's schema */
#define SHARE_MUCH (1 / 3.0) /* of the target run */
#define SHARE_ADVISED 0.2
#define ROWS 6 /* of the table; tokens double from row to row */

struct timed {
    struct trial_spec spec;
    struct calibration calibration;
};

struct estimate {
    const struct plan *plan;
    struct timed timed[TIMED_MOST + 1]; /* the extra one: the target, for a confirmation */
    size_t count;
    struct forecast forecast;
    uint32_t workers;
};

/* ---- how long a training takes ---- */

/* Seconds of a trial, scaled from the timed model that is nearest in FLOPs; 0: no model was
 * timed. */
static double seconds_of(const struct estimate *estimate, const struct trial_spec *spec)
{
    const struct timed *best = NULL;
    double nearest = INFINITY, flops = trial_flops_per_token(spec);
    for (size_t i = 0; i < estimate->count; i++) {
        double off = fabs(log(trial_flops_per_token(&estimate->timed[i].spec) / flops));
        if (off < nearest) {
            nearest = off;
            best = &estimate->timed[i];
        }
    }
    if (!best)
        return 0;
    struct trial_spec like = best->spec;
    like.horizon_tokens = spec->horizon_tokens;
    return calibration_seconds(&best->calibration, &like) * flops / trial_flops_per_token(&like);
}

static double cell_seconds(const void *context, uint32_t cell, uint64_t tokens)
{
    const struct estimate *estimate = context;
    struct trial_spec spec = plan_cell(estimate->plan, cell);
    spec.horizon_tokens = tokens;
    return seconds_of(estimate, &spec);
}

static int time_model(struct estimate *estimate, const struct trial_spec *spec, double seconds,
                      const char *cache_dir, const struct stage_report *stages,
                      struct lr_error *err)
{
    struct timed *timed = &estimate->timed[estimate->count];
    int rc;
    timed->spec = *spec;
    if ((rc = prepare_products(timed->spec.products, estimate->plan, spec, cache_dir, false, err)))
        return rc;
    kernels_set_threads((int)estimate->plan->trainer.threads_per_worker);
    if ((rc = calibrate(&timed->calibration, &timed->spec, seconds, stages, err)))
        return rc;
    estimate->count++;
    return 0;
}

static int time_models(struct estimate *estimate, double seconds, const struct stage_report *stages,
                       struct lr_error *err)
{
    const struct plan *plan = estimate->plan;
    size_t cells = plan_cell_count(plan), count = cells < TIMED_MOST ? cells : TIMED_MOST;
    struct trial_spec first = plan_cell(plan, 0), target = plan_target(plan);
    double each = seconds / (double)count;
    char *cache_dir = prepare_cache_dir(plan->output.dir);
    int rc = 0;
    if (!cache_dir)
        return lr_nomem(err);
    kernels_init();
    for (size_t i = 0; i < count; i++) { /* evenly spaced, first and last included */
        struct trial_spec spec = plan_cell(plan, count > 1 ? i * (cells - 1) / (count - 1) : 0);
        if ((rc = time_model(estimate, &spec, each, cache_dir, stages, err)))
            goto out;
    }
    if (plan->confirm.wanted && (target.d_model != first.d_model ||
                                 target.n_layers != first.n_layers || target.vocab != first.vocab))
        rc = time_model(estimate, &target, each, cache_dir, stages, err);
out:
    lr_free(cache_dir);
    return rc;
}

static void print_timing(const struct estimate *estimate)
{
    const struct plan *plan = estimate->plan;
    const struct timed *timed = &estimate->timed[0];
    char count[24], time[24];
    printf("\ntimed on this machine: %.3g ms a step in %s (%zu of them)%s; a training takes",
           1e3 * timed->calibration.step_s, precision_name(timed->spec.precision),
           timed->calibration.steps, timed->calibration.share < 1 ? " of a smaller model" : "");
    for (size_t h = 0; h < plan->search.horizon_count; h++)
        printf("%s %s", h ? "," : "",
               format_seconds(time, sizeof(time),
                              cell_seconds(estimate, 0, plan->search.horizons[h])));
    printf("\n");
    for (size_t i = 1; i < estimate->count; i++)
        printf("  and a step of %s parameters %.3g ms\n",
               format_count(count, sizeof(count), (double)trial_params(&estimate->timed[i].spec)),
               1e3 * estimate->timed[i].calibration.step_s);
}

/* " 1.2 (1), 0.63 (2)": ms, by ranks */
static void print_step_times(const struct width_model *model, const struct width_job *job)
{
    for (uint32_t ranks = 1; ranks <= width_most(job->slices); ranks *= 2)
        printf("%s %.3g (%u)", ranks > 1 ? "," : "", 1e3 * width_step_s(model, job, ranks, false),
               ranks);
}

/* How many ranks train a model together, and what a step takes then. One rank is measured; messages
 * between ranks are not, for want of ranks: the run measures them itself. */
static void print_widths(const struct estimate *estimate)
{
    uint32_t fixed = estimate->plan->trainer.ranks_per_trial;
    printf("\nranks that train one model together, at most (trainer.ranks_per_trial: ");
    printf(fixed > 0 ? "%u):\n" : "auto):\n", fixed);
    for (size_t i = 0; i < estimate->count; i++) {
        const struct trial_spec *spec = &estimate->timed[i].spec;
        const struct width_job job = {trial_flops_per_token(spec) * spec->batch_tokens,
                                      (double)trial_params(spec), trial_slices(spec)};
        struct width_model model = {0};
        char parameters[24], bytes[24];
        width_learn(&model, &job, 1, false, estimate->timed[i].calibration.step_s);
        uint32_t most = width_most(job.slices), best = width_best(&model, &job, false);
        printf("%5u of %s parameters: %u slice%s a batch, %sB of gradients; ms a step (ranks):",
               fixed == 0     ? best
               : fixed < most ? fixed
                              : most,
               format_count(parameters, sizeof(parameters), job.parameters), job.slices,
               job.slices == 1 ? "" : "s", format_count(bytes, sizeof(bytes), 4 * job.parameters));
        print_step_times(&model, &job);
        printf("\n");
    }
    printf("      measured for one rank; computed for more, with messages of %.0f us and %.0f GB/s "
           "until a run measures them\n",
           1e6 * WIDTH_LATENCY_S, 1e-9 * WIDTH_BYTES_PER_S);
}

/* ---- expected cost ---- */

#define MEMBER(member) offsetof(struct forecast_point, member)

/* A quantity that a budget can limit. */
struct kind {
    const char *key, *name;
    size_t member;
    double unit;         /* value of the member per unit of the budget */
    bool needs_training; /* unknown if nothing is trained */
};
static const struct kind kinds[] = {
    {"budget.trials", "trainings", MEMBER(trials), 1, false},
    {"budget.tokens", "tokens", MEMBER(tokens), 1, false},
    {"budget.flops", "FLOPs", MEMBER(flops), 1, true},
    {"budget.core_hours", "core-hours", MEMBER(seconds), 3600, true},
    {"budget.wall", "wall time", MEMBER(wall_s), 1, true},
    {"budget.share_of_target", "target runs", MEMBER(tokens), 1, false}, /* or FLOPs: needed() */
};
enum { KIND_TRIALS, KIND_TOKENS, KIND_FLOPS, KIND_CORE_HOURS, KIND_WALL, KIND_SHARE, KINDS };

static double budget_of(const struct plan *plan, int kind)
{
    const double budgets[KINDS] = {(double)plan->budget.trials, (double)plan->budget.tokens,
                                   plan->budget.flops,          plan->budget.core_hours,
                                   plan->budget.wall_s,         plan->budget.share_of_target};
    return budgets[kind];
}

static const char *amount(char text[24], int kind, double value)
{
    if (kind == KIND_WALL)
        return format_seconds(text, 24, value);
    if (kind == KIND_FLOPS)
        snprintf(text, 24, "%.3g", value);
    else if (kind == KIND_CORE_HOURS || kind == KIND_SHARE)
        snprintf(text, 24, value < 0.1 ? "%.2g" : "%.3g", value);
    else
        format_count(text, 24, value);
    return text;
}

static double needed(const struct estimate *estimate, int kind, double share)
{
    double value = forecast_quantile(&estimate->forecast, kinds[kind].member, share);
    if (kind == KIND_SHARE) {
        double flops = forecast_quantile(&estimate->forecast, kinds[KIND_FLOPS].member, share);
        return plan_target_runs(estimate->plan, value, flops);
    }
    if (kind == KIND_CORE_HOURS)
        value *= estimate->plan->trainer.threads_per_worker;
    return value / kinds[kind].unit;
}

static void print_needed(const struct estimate *estimate)
{
    const struct plan *plan = estimate->plan;
    bool trains = plan->trainer.kind == TRAINER_TRANSFORMER;
    char half[24], most[24], budget[24];
    printf("\n%zu campaigns simulated on made-up loss surfaces, with %u worker%s:\n",
           estimate->forecast.count, estimate->workers, estimate->workers == 1 ? "" : "s");
    printf("%-12s %10s %12s %10s\n", "", "half need", "9 in 10 need", "budget");
    for (int kind = 0; kind < KINDS; kind++)
        if (trains || !kinds[kind].needs_training)
            printf("%-12s %10s %12s %10s\n", kinds[kind].name,
                   amount(half, kind, needed(estimate, kind, 0.5)),
                   amount(most, kind, needed(estimate, kind, 0.9)),
                   budget_of(plan, kind) > 0 ? amount(budget, kind, budget_of(plan, kind))
                                             : "none");
}

static void print_shrinking(const struct estimate *estimate)
{
    const struct plan *plan = estimate->plan;
    bool trains = plan->trainer.kind == TRAINER_TRANSFORMER;
    double all = forecast_quantile(&estimate->forecast, MEMBER(tokens), 1);
    double seconds = forecast_quantile(&estimate->forecast, MEMBER(seconds), 1);
    double flops = forecast_quantile(&estimate->forecast, MEMBER(flops), 1);
    char tokens[24], hours[24], factor[24];
    printf("\nthe answer's 90 %% interval by what is spent (half of them are narrower):\n");
    printf("%10s %10s%s %12s %12s\n", "tokens", "of target", trains ? "  core-hours" : "", "within",
           "answered");
    for (int row = ROWS - 1; row >= 0; row--) {
        double spent = all / exp2(row);
        struct forecast_answer answer = forecast_after(&estimate->forecast, spent);
        if (!answer.begun)
            continue;
        snprintf(factor, sizeof(factor), "x %.1f", answer.factor);
        printf("%10s %10.2g", format_count(tokens, sizeof(tokens), spent),
               plan_target_runs(plan, spent, flops / exp2(row)));
        if (trains)
            printf("  %10s", amount(hours, KIND_CORE_HOURS,
                                    seconds / exp2(row) / 3600 * plan->trainer.threads_per_worker));
        printf(" %12s %10.0f %%\n", isfinite(answer.factor) ? factor : "-",
               100 * answer.identified);
    }
}

/* Cost of the confirmation in the given quantity, with trials of `tokens` tokens. */
static double confirmation(const struct estimate *estimate, int kind, uint64_t tokens)
{
    const struct plan *plan = estimate->plan;
    struct trial_spec spec = plan_target(plan);
    spec.horizon_tokens = tokens;
    double trials = (double)campaign_confirm_trials(plan), total = trials * (double)tokens;
    bool trains = plan->trainer.kind == TRAINER_TRANSFORMER;
    double seconds = trains ? seconds_of(estimate, &spec) : 0;
    double flops = trains ? total * trial_flops_per_token(&spec) : 0;
    const double spent[KINDS] = {trials,
                                 total,
                                 flops,
                                 trials * seconds / 3600 * plan->trainer.threads_per_worker,
                                 ceil(trials / estimate->workers) * seconds,
                                 plan_target_runs(plan, total, flops)};
    return spent[kind];
}

static uint64_t confirm_tokens(const struct plan *plan)
{
    return plan->confirm.tokens ? plan->confirm.tokens : plan->target.tokens;
}

static void print_confirmation(const struct estimate *estimate)
{
    const struct plan *plan = estimate->plan;
    uint64_t each = confirm_tokens(plan);
    char tokens[24], all[24];
    if (!plan->confirm.wanted)
        return;
    printf("\nconfirm: %.0f trainings of %s tokens, %s tokens in all",
           confirmation(estimate, KIND_TRIALS, each),
           format_count(tokens, sizeof(tokens), (double)each),
           format_count(all, sizeof(all), confirmation(estimate, KIND_TOKENS, each)));
    if (plan->trainer.kind == TRAINER_TRANSFORMER)
        printf(", %.3g FLOPs, %.3g core-hours", confirmation(estimate, KIND_FLOPS, each),
               confirmation(estimate, KIND_CORE_HOURS, each));
    printf("; shorter where the budget ends\n");
}

/* Warns if the reserve of a budget is less than the confirmation costs. */
static void warn_reserve(const struct estimate *estimate, int kind)
{
    const struct plan *plan = estimate->plan;
    uint64_t longest = plan->search.horizons[plan->search.horizon_count - 1];
    double budget = budget_of(plan, kind), kept = plan->budget.reserve * budget;
    double whole = confirmation(estimate, kind, confirm_tokens(plan));
    double least = confirmation(estimate, kind, longest);
    char left[24], need[24];
    if (!plan->confirm.wanted || !(budget > 0) || kept >= whole)
        return;
    printf("warning: budget.reserve keeps %s of %s for confirm, which needs %s: ",
           amount(left, kind, kept), kinds[kind].key, amount(need, kind, whole));
    if (least > kept)
        printf("nothing may be confirmed; ");
    else
        printf("its trainings will be shorter; ");
    if (whole <= RESERVE_MOST * budget)
        printf("budget.reserve: %.2f would do\n", ceil(100 * whole / budget) / 100);
    else
        printf("choose a larger %s or a smaller confirm.tokens\n", kinds[kind].key);
}

static void warn_budgets(const struct estimate *estimate)
{
    const struct plan *plan = estimate->plan;
    double share = plan->confirm.wanted ? 1 - plan->budget.reserve : 1;
    char left[24], half[24];
    for (int kind = 0; kind < KINDS; kind++) {
        double budget = share * budget_of(plan, kind), need = needed(estimate, kind, 0.5);
        warn_reserve(estimate, kind);
        if (budget > 0 && budget < need)
            printf("warning: %s leaves %s to the search, and half of the simulated campaigns need "
                   "%s\n",
                   kinds[kind].key, amount(left, kind, budget), amount(half, kind, need));
    }
}

/* Comments on a search that costs much of the target run, which it is to make better. */
static void comment_on_share(const struct estimate *estimate)
{
    char half[24], share[24];
    double need = needed(estimate, KIND_SHARE, 0.5);
    if (need >= SHARE_MUCH)
        printf("note: half of the simulated campaigns cost %s of the target run or more; shorter "
               "search.horizons or a higher search.min_gain cost less, and budget.share_of_target: "
               "%s would end them earlier\n",
               amount(half, KIND_SHARE, need), amount(share, KIND_SHARE, SHARE_ADVISED));
}

uint32_t estimate_workers(const struct plan *plan)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN) / (long)plan->trainer.threads_per_worker;
    return cores > 1 ? (uint32_t)cores : 1;
}

/* Times the plan's models, if any, for about `seconds`, and simulates its campaigns. Release *out
 * with lr_free(); NULL on failure. */
static int make_estimate(struct estimate **out, const struct plan *plan, uint32_t workers,
                         double seconds, const struct stage_report *stages, struct lr_error *err)
{
    struct estimate *estimate = lr_calloc(1, sizeof(*estimate));
    int rc = 0;
    *out = NULL;
    if (!estimate)
        return lr_nomem(err);
    estimate->plan = plan;
    estimate->workers = workers;
    const struct forecast_clock clock = {cell_seconds, estimate, workers};
    if (plan->trainer.kind == TRAINER_TRANSFORMER &&
        (rc = time_models(estimate, seconds, stages, err)))
        goto out;
    if ((rc = forecast_run(&estimate->forecast, plan, &clock, stages, err)))
        goto out;
    *out = estimate;
    estimate = NULL;
out:
    lr_free(estimate);
    return rc;
}

int estimate_expect(struct expected *out, const struct plan *plan, uint32_t workers,
                    const struct stage_report *stages, struct lr_error *err)
{
    struct estimate *estimate;
    int rc = make_estimate(&estimate, plan, workers, LOOK_SECONDS, stages, err);
    if (rc)
        return rc;
    *out = (struct expected){.step_s = estimate->timed[0].calibration.step_s,
                             .wall_s = needed(estimate, KIND_WALL, 0.5),
                             .wall_most_s = needed(estimate, KIND_WALL, 0.9),
                             .trials = needed(estimate, KIND_TRIALS, 0.5),
                             .tokens = needed(estimate, KIND_TOKENS, 0.5)};
    lr_free(estimate);
    return 0;
}

int estimate_precisions(double step_s[PRECISION_BF16 + 1], const struct plan *plan,
                        const struct stage_report *stages, struct lr_error *err)
{
    struct trial_spec specs[PRECISION_BF16 + 1];
    char *cache_dir = prepare_cache_dir(plan->output.dir);
    int rc = 0;
    if (!cache_dir)
        return lr_nomem(err);
    kernels_init();
    for (uint32_t p = 0; p <= PRECISION_BF16; p++) {
        specs[p] = plan_cell(plan, 0);
        specs[p].precision = p;
        step_s[p] = INFINITY;
        if ((rc = prepare_products(specs[p].products, plan, &specs[p], cache_dir, false, err)))
            goto out;
    }
    kernels_set_threads((int)plan->trainer.threads_per_worker);
    for (int turn = 0; turn < 4; turn++) {
        int p = turn % 2;
        struct calibration calibration;
        if ((rc = calibrate(&calibration, &specs[p], TURN_SECONDS, stages, err)))
            goto out;
        step_s[p] = fmin(step_s[p], calibration.step_s);
    }
out:
    lr_free(cache_dir);
    return rc;
}

int estimate_print(const struct plan *plan, uint32_t ranks, const struct stage_report *stages,
                   struct lr_error *err)
{
    struct estimate *estimate;
    uint32_t workers = ranks > 1 ? ranks - 1 : ranks ? 1 : estimate_workers(plan);
    int rc = make_estimate(&estimate, plan, workers, TIMING_SECONDS, stages, err);
    if (rc)
        return rc;
    if (estimate->count > 0) {
        print_timing(estimate);
        print_widths(estimate);
    }
    print_needed(estimate);
    print_confirmation(estimate);
    print_shrinking(estimate);
    warn_budgets(estimate);
    comment_on_share(estimate);
    lr_free(estimate);
    return 0;
}
