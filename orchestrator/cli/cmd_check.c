/* lrsearch check: what a plan will do and what that costs, without MPI and without a campaign. */
#include <math.h>
#include <stdio.h>
#include "campaign/campaign.h"
#include "estimate/estimate.h"
#include "estimate/factors.h"
#include "cli/command_line.h"
#include "prepare/prepare.h"
#include "prepare/prepare_command.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "plan/plan.h"
#include "report/summary.h"

#define STAGES 64

struct check_options {
    uint32_t ranks; /* 0: cores + 1 */
    struct option_pairs sets;
    bool json;
};

struct total {
    uint64_t trials, trials_max;
    double tokens, tokens_max;
};

/* " 1.23e+15" FLOPs, or nothing where nothing is trained. */
static const char *flops_text(char out[16], double flops)
{
    out[0] = '\0';
    if (flops > 0)
        snprintf(out, 16, " %9.2e", flops);
    return out;
}

/* What is trained: each combination of the plan's lists. */
static void print_cells(const struct plan *plan, const struct campaign_space *asked)
{
    char of[128], params[24];
    printf("\n%4s  %-44s %10s %22s\n", "cell", "", "parameters", "FLOPs/token, cell 0 = 1");
    for (size_t i = 0; i < asked->space.cell_count; i++) {
        struct trial_spec spec = plan_cell(plan, i);
        bool sized = spec.d_model > 0 && spec.n_layers > 0;
        printf("%4zu  %-44s %10s %22.3g\n", i, plan_cell_text(plan, i, of, sizeof(of)),
               sized ? format_count(params, sizeof(params), (double)trial_params(&spec)) : "-",
               asked->cells[i].cost);
    }
}

static void print_stages(const struct forecast_stage *stages, int count, double flops_per_token,
                         struct total *total)
{
    char horizon[24], tokens[24], flops[16];
    printf("%-38s %9s %7s %7s %9s%s\n", "stage", "horizon", "trials", "at most", "tokens",
           flops_per_token > 0 ? "     FLOPs" : "");
    for (int i = 0; i < count; i++) {
        double each = (double)stages[i].tokens;
        printf("%-38s %9s %7u %7u %9s%s\n", stages[i].name,
               format_count(horizon, sizeof(horizon), each), stages[i].trials, stages[i].trials_max,
               format_count(tokens, sizeof(tokens), each * stages[i].trials),
               flops_text(flops, each * stages[i].trials * flops_per_token));
        total->trials += stages[i].trials;
        total->trials_max += stages[i].trials_max;
        total->tokens += each * stages[i].trials;
        total->tokens_max += each * stages[i].trials_max;
    }
    printf("%-38s %9s %7u %7u %9s%s\n", "total", "", (unsigned)total->trials,
           (unsigned)total->trials_max, format_count(tokens, sizeof(tokens), total->tokens),
           flops_text(flops, total->tokens * flops_per_token));
}

static void print_factors(const struct plan *plan, const struct trial_spec *spec)
{
    struct trial_spec target = plan_target(plan);
    printf("\n");
    factors_print(stdout, spec);
    if (target.d_model == spec->d_model)
        return;
    printf("\nthe target: ");
    factors_print(stdout, &target);
}

/* What the trainings cost, and what each tensor's LR is. */
static void print_training(const struct plan *plan, const struct trial_spec *spec,
                           double flops_per_token, const struct total *total)
{
    struct trial_spec target = plan_target(plan);
    double target_flops = trial_flops_per_token(&target) * (double)plan->target.tokens;
    printf("\n%.2f of the target run's FLOPs (%.2e), at most %.2f\n",
           total->tokens * flops_per_token / target_flops, target_flops,
           total->tokens_max * flops_per_token / target_flops);
    print_factors(plan, spec);
}

/* Of a token: of several cells the mean, as if all were trained alike. */
static double mean_flops(const struct plan *plan)
{
    size_t count = plan_cell_count(plan);
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        struct trial_spec spec = plan_cell(plan, i);
        sum += trial_flops_per_token(&spec);
    }
    return sum / (double)count;
}

static void print_plan(const struct plan *plan)
{
    struct trial_spec spec = plan_trial(plan);
    struct campaign_space asked;
    const struct policy *policy = campaign_policy(plan);
    struct forecast_stage stages[STAGES];
    struct total total = {0};
    char params[24], target[24];
    bool trains = spec.trainer == TRAINER_TRANSFORMER;
    campaign_space_fill(&asked, plan);
    int count = search_forecast(policy, &asked.space, stages, STAGES);
    double flops_per_token = mean_flops(plan);

    printf("%s: ", plan->name);
    if (trains)
        printf("%s, %s parameters%s", arch_name(spec.arch),
               format_count(params, sizeof(params), (double)trial_params(&spec)),
               asked.space.cell_count > 0 ? " in the first cell" : "");
    else
        printf("%s%s", trainer_name(spec.trainer),
               spec.trainer == TRAINER_COMMAND ? "" : ", nothing is trained");
    printf(", policy %s, %u seed%s\n", policy->name, plan->search.seeds,
           plan->search.seeds == 1 ? "" : "s");
    printf("learning rates %.3g to %.3g, target %s tokens\n\n", plan->search.lr[0],
           plan->search.lr[1], format_count(target, sizeof(target), (double)plan->target.tokens));
    print_stages(stages, count, trains ? flops_per_token : 0, &total);
    if (asked.space.cell_count > 0 && trains)
        printf("as if each cell were searched by itself; FLOPs are those of a mean one\n");
    if (asked.space.cell_count > 0)
        print_cells(plan, &asked);
    if (trains)
        print_training(plan, &spec, flops_per_token, &total);
    if (spec.trainer == TRAINER_COMMAND) {
        spec.lr = sqrt(plan->search.lr[0] * plan->search.lr[1]);
        spec.horizon_tokens = plan->search.horizons[0];
        spec.seed = plan->seed;
        prepare_command_print(plan, &spec);
    }
}

/* Of the data, what can be judged in a moment. */
static int check_table(const struct plan *plan)
{
    struct sweep sweep;
    struct lr_error err = {0};
    int rc = 0;
    if (plan->trainer.kind == TRAINER_COMMAND)
        prepare_command_warn(plan);
    if (plan->trainer.kind != TRAINER_REPLAY)
        return 0;
    for (size_t cell = 0; !rc && cell < plan_cell_count(plan); cell++) {
        rc = prepare_table_read(&sweep, plan, cell, &err);
        if (rc)
            lr_log(LR_LOG_ERROR, "%s", err.text);
        else
            sweep_release(&sweep);
    }
    return rc;
}

static int print_estimate(const struct plan *plan, uint32_t ranks, bool quiet)
{
    struct live live;
    struct lr_error err = {0};
    live_init(&live, !quiet, false);
    int rc = estimate_print(plan, ranks, &live, &err);
    live_release(&live);
    if (rc)
        lr_log(LR_LOG_ERROR, "%s", err.text);
    return rc;
}

static int run(const struct command_line *line)
{
    const struct check_options *options = line->options;
    struct plan *plan;
    int rc = prepare_plan(&plan, line->operands[0], options->sets.words, options->sets.count);
    rc = rc ? rc : check_table(plan);
    if (!rc && options->json) {
        char *json = plan_to_json(plan);
        if (json)
            fputs(json, stdout);
        else
            rc = LR_ENOMEM;
        lr_free(json);
    } else if (!rc) {
        print_plan(plan);
        rc = print_estimate(plan, options->ranks, line->verbosity < 0);
    }
    lr_free(plan);
    return rc ? lr_error_exit_status(rc) : 0;
}

static const struct option_row rows[] = {
    {"ranks", "N", "of the run that is estimated; default: cores + 1",
     OPTION_AT(check_options, ranks), OPTION_TO_1000},
    OPTION_ROW_SET(check_options),
    OPTION_ROW_JSON(check_options),
};

const struct command cmd_check = {
    .name = "check",
    .operand = "PLAN",
    .help = "validate the plan and print its stages and cost; trains nothing",
    .examples = "lrsearch check plans/quickstart.yaml --ranks 64",
    .kind = OPERAND_PLAN,
    .least_most = {1, 1},
    COMMAND_ROWS(rows),
    .options = &(struct check_options){0},
    .run = run,
};
