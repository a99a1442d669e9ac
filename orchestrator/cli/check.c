/* lrsearch check: what a plan will do and what that costs, without MPI and without a campaign. */
#include <stdio.h>
#include "campaign/campaign.h"
#include "cli/estimate.h"
#include "cli/factors.h"
#include "cli/options.h"
#include "cli/prepare.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "plan/plan.h"
#include "report/summary.h"

#define STAGES 64

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
    struct trial_spec target = *spec;
    printf("\n");
    factors_print(stdout, spec);
    if (plan->target.d_model == spec->d_model ||
        !trial_set_width(&target, plan->target.d_model, plan->model.heads_grow))
        return;
    printf("\nthe target: ");
    factors_print(stdout, &target);
}

/* What the trainings cost, and what each tensor's LR is. */
static void print_training(const struct plan *plan, const struct trial_spec *spec,
                           const struct total *total)
{
    double flops_per_token = trial_flops_per_token(spec);
    double target_flops = flops_per_token * (double)plan->target.tokens;
    printf("\n%.2f of the target run's FLOPs (%.2e), at most %.2f\n",
           total->tokens * flops_per_token / target_flops, target_flops,
           total->tokens_max * flops_per_token / target_flops);
    print_factors(plan, spec);
}

static void print_plan(const struct plan *plan)
{
    struct trial_spec spec = plan_trial(plan);
    struct search_space space = campaign_space(plan);
    const struct policy *policy = campaign_policy(plan);
    struct forecast_stage stages[STAGES];
    struct total total = {0};
    char params[24], target[24];
    bool trains = spec.trainer == TRAINER_TRANSFORMER;
    int count = search_forecast(policy, &space, stages, STAGES);

    printf("%s: ", plan->name);
    if (trains)
        printf("%s, %s parameters", arch_name(spec.arch),
               format_count(params, sizeof(params), (double)trial_params(&spec)));
    else
        printf("%s, nothing is trained", trainer_name(spec.trainer));
    printf(", policy %s, %u seed%s\n", policy->name, plan->search.seeds,
           plan->search.seeds == 1 ? "" : "s");
    printf("learning rates %.3g to %.3g, target %s tokens\n\n", plan->search.lr[0],
           plan->search.lr[1], format_count(target, sizeof(target), (double)plan->target.tokens));
    print_stages(stages, count, trains ? trial_flops_per_token(&spec) : 0, &total);
    if (trains)
        print_training(plan, &spec, &total);
}

/* Of the data, what can be judged in a moment. */
static int check_table(const struct plan *plan)
{
    struct sweep sweep;
    struct lr_error err = {0};
    if (plan->trainer.kind != TRAINER_REPLAY)
        return 0;
    int rc = prepare_table_read(&sweep, plan, &err);
    if (rc)
        lr_log(LR_LOG_ERROR, "%s", err.text);
    else
        sweep_release(&sweep);
    return rc;
}

int command_check(const struct options *options)
{
    struct plan *plan;
    int rc = prepare_plan(&plan, options);
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
        rc = estimate_print(options, plan);
    }
    lr_free(plan);
    return rc ? lr_error_exit_status(rc) : 0;
}
