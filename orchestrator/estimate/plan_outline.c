/* Describes a plan without training and without its data set: stages, cells, and the factors of the
 * parametrization, so that the user can check that it is the intended one. */
#include "estimate/plan_outline.h"

#include <math.h>
#include <stdio.h>
#include "campaign/campaign_space.h"
#include "model/parametrization.h"
#include "prepare/prepare_command.h"
#include "lrsearch/count.h"
#include "search/laws/prior_beta.h"

#define STAGES 64

struct total {
    uint64_t trials, trials_max;
    double tokens, tokens_max;
};

/* " 1.23e+15" FLOPs, or "" if nothing is trained. */
static const char *flops_text(char out[16], double flops)
{
    out[0] = '\0';
    if (flops > 0)
        snprintf(out, 16, " %9.2e", flops);
    return out;
}

/* ---- cells and stages ---- */

/* Prints one row per combination of the plan's lists. */
static void print_cells(const struct plan *plan, const struct campaign_space *asked)
{
    char of[128], params[24];
    printf("\n%4s  %-44s %10s %22s\n", "", "model", "parameters", "FLOPs/token, first = 1");
    for (size_t i = 0; i < asked->space.cell_count; i++) {
        struct trial_spec spec = plan_cell(plan, i);
        bool sized = spec.d_model > 0 && spec.n_layers > 0;
        printf("%4zu  %-44s %10s %22.3g\n", i, plan_cell_text(plan, i, of, sizeof(of)),
               sized ? format_count(params, sizeof(params), (double)trial_params(&spec)) : "-",
               asked->cells[i].cost);
    }
}

static void print_stages(const struct forecast_stage *stages, size_t count, double flops_per_token,
                         struct total *total)
{
    char horizon[24], tokens[24], flops[16];
    printf("%-38s %9s %7s %7s %9s%s\n", "stage", "horizon", "trials", "at most", "tokens",
           flops_per_token > 0 ? "     FLOPs" : "");
    for (size_t i = 0; i < count; i++) {
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

/* ---- the parametrization ---- */

/* Prints the factors of init, learning rate, weight decay and eps. */
static void print_factors(const struct trial_spec *spec)
{
    struct factor_row rows[MODEL_FACTOR_ROWS];
    struct forward_factors forward;
    size_t count = model_factors(spec, rows, &forward);
    printf("%s at d_model %u (base_width %u), %u layers",
           parametrization_name(spec->parametrization), spec->d_model, spec->base_width,
           spec->n_layers);
    if (spec->depth_rule == DEPTH_COMPLETEP)
        printf(" (completep, base_layers %u)", spec->base_layers);
    printf("\n%-10s %-24s %11s %9s %9s %9s\n", "kind", "tensors", "init std", "LR x", "decay x",
           "eps x");
    for (size_t i = 0; i < count; i++) {
        char init[16] = "1, biases 0";
        if (rows[i].init_std > 0)
            snprintf(init, sizeof(init), "%.3g", rows[i].init_std);
        printf("%-10s %-24s %11s %9.4g %9.4g %9.4g\n", rows[i].kind, rows[i].tensors, init,
               rows[i].lr, rows[i].decay, rows[i].eps);
    }
    printf("attention logits q.k x %.4g, output logits x %.4g, residual branches x %.4g\n",
           forward.attention, forward.logits, forward.branch);
    printf("weight decay %g is multiplied by %s\n", spec->weight_decay,
           spec->independent_decay ? "the schedule alone (independent)" : "the LR of its tensor");
}

/* ---- the outline ---- */

/* Prints what the search expects of the law before it has seen a trial. */
static void print_assumption(const struct plan *plan)
{
    struct beta_prior prior;
    plan_beta_prior(plan, &prior);
    double beta = plan->search.prior_beta, scale = plan->search.prior_beta_sd;
    bool derived = beta == prior.center && scale == prior.scale;
    printf("\nassumption: LR* ~ tokens^%.2f +- %.2g, because %s\n", -beta, scale,
           derived ? prior.why : "the plan says so (search.prior_beta, prior_beta_sd)");
}

/* FLOPs per token, averaged over the cells with equal weights. */
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

/* Prints the share of the target's FLOPs and the factors of the parametrization. */
static void print_training(const struct plan *plan, const struct trial_spec *spec,
                           double flops_per_token, const struct total *total)
{
    struct trial_spec target = plan_target(plan);
    double target_flops = trial_flops_per_token(&target) * (double)plan->target.tokens;
    printf("\n%.2f of the target run's FLOPs (%.2e), at most %.2f\n\n",
           total->tokens * flops_per_token / target_flops, target_flops,
           total->tokens_max * flops_per_token / target_flops);
    print_factors(spec);
    if (target.d_model != spec->d_model) {
        printf("\nthe target: ");
        print_factors(&target);
    }
}

void plan_outline_print(const struct plan *plan)
{
    struct trial_spec spec = plan_trial(plan);
    struct campaign_space asked;
    const struct policy *policy = campaign_policy(plan);
    struct forecast_stage stages[STAGES];
    struct total total = {0};
    char params[24], target[24];
    bool trains = spec.trainer == TRAINER_TRANSFORMER;
    campaign_space_fill(&asked, plan);
    size_t count = search_forecast(policy, &asked.space, stages, STAGES);
    double flops_per_token = mean_flops(plan);

    printf("%s: ", plan->name);
    if (trains)
        printf("%s, %s parameters%s, %s", arch_name(spec.arch),
               format_count(params, sizeof(params), (double)trial_params(&spec)),
               asked.space.cell_count > 0 ? " in the first model" : "",
               precision_name(spec.precision));
    else
        printf("%s%s", trainer_name(spec.trainer),
               spec.trainer == TRAINER_COMMAND ? "" : ", nothing is trained");
    printf(", policy %s, %u seed%s\n", policy->name, plan->search.seeds,
           plan->search.seeds == 1 ? "" : "s");
    printf("learning rates %.3g to %.3g, target %s tokens\n\n", plan->search.lr[0],
           plan->search.lr[1], format_count(target, sizeof(target), (double)plan->target.tokens));
    print_stages(stages, count, trains ? flops_per_token : 0, &total);
    if (asked.space.cell_count > 0 && trains)
        printf("as if each model were searched by itself; FLOPs are those of a mean one\n");
    if (asked.space.cell_count > 0)
        print_cells(plan, &asked);
    print_assumption(plan);
    if (trains)
        print_training(plan, &spec, flops_per_token, &total);
    if (spec.trainer == TRAINER_COMMAND) {
        spec.lr = sqrt(plan->search.lr[0] * plan->search.lr[1]);
        spec.horizon_tokens = plan->search.horizons[0];
        spec.seed = plan->seed;
        prepare_command_print(plan, &spec);
    }
}
