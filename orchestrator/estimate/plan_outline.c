/* Describes a plan without training and without its data set: stages, cells, and the factors of the
 * parametrization, so that the user can check that it is the intended one. */
#include "estimate/plan_outline.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "campaign/campaign_space.h"
#include "model/parametrization.h"
#include "prepare/prepare_command.h"
#include "lrsearch/count.h"
#include "search/laws/prior_beta.h"
#include "search/laws/published.h"

#define STAGES 64
#define CELL_TEXT 192

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
    char of[CELL_TEXT], params[24];
    int width = 44;
    for (size_t i = 0; i < asked->space.cell_count; i++) {
        int length = (int)strlen(plan_cell_text(plan, i, of, sizeof(of)));
        width = length > width ? length : width;
    }
    printf("\n%4s  %-*s %10s %22s\n", "", width, "model", "parameters", "FLOPs/token, first = 1");
    for (size_t i = 0; i < asked->space.cell_count; i++) {
        struct trial_spec spec = plan_cell(plan, i);
        bool sized = spec.d_model > 0 && spec.n_layers > 0;
        printf("%4zu  %-*s %10s %22.3g\n", i, width, plan_cell_text(plan, i, of, sizeof(of)),
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

static const char *muon_factor(uint32_t scale)
{
    switch (scale) {
    case MUON_MATCH_RMS:
        return "0.2 sqrt(max(rows, columns))";
    case MUON_ORIGINAL:
        return "sqrt(max(1, rows / columns))";
    default:
        return "sqrt(rows / columns)";
    }
}

/* Prints the factors of init, learning rate, weight decay and eps. */
static void print_factors(const struct trial_spec *spec)
{
    struct factor_row rows[MODEL_FACTOR_ROWS];
    struct forward_factors forward;
    bool muon = spec->optimizer == OPTIMIZER_MUON;
    size_t count = model_factors(spec, rows, &forward);
    printf("%s at d_model %u (base_width %u), %u layers",
           parametrization_name(spec->parametrization), spec->d_model, spec->base_width,
           spec->n_layers);
    if (spec->depth_rule == DEPTH_COMPLETEP)
        printf(" (completep, base_layers %u)", spec->base_layers);
    printf("\n%-10s %-24s %11s %9s %9s %9s%s\n", "kind", "tensors", "init std", "LR x", "decay x",
           "eps x", muon ? "  optimizer" : "");
    for (size_t i = 0; i < count; i++) {
        char init[16] = "1, biases 0";
        if (rows[i].init_std > 0)
            snprintf(init, sizeof(init), "%.3g", rows[i].init_std);
        bool hidden = strcmp(rows[i].kind, "hidden") == 0;
        printf("%-10s %-24s %11s %9.4g %9.4g %9.4g%s\n", rows[i].kind, rows[i].tensors, init,
               rows[i].lr, rows[i].decay, rows[i].eps,
               !muon    ? ""
               : hidden ? "  muon"
                        : "  adamw");
    }
    if (muon)
        printf("muon's steps are multiplied by %s besides (%s), momentum %g\n",
               muon_factor(spec->muon_lr_scale), muon_scale_name(spec->muon_lr_scale),
               spec->muon_momentum);
    printf("attention logits q.k x %.4g, output logits x %.4g, residual branches x %.4g\n",
           forward.attention, forward.logits, forward.branch);
    printf("weight decay %g is multiplied by %s\n", spec->weight_decay,
           spec->independent_decay ? "the schedule alone (independent)" : "the LR of its tensor");
}

/* ---- weight decay ---- */

/* Prints tau of a training with the plan's weight decay, and the published best one. */
static void print_timescale(const struct plan *plan, const struct trial_spec *spec, double lr,
                            const char *of)
{
    char tokens[COUNT_TEXT];
    double decay = plan_weight_decay(plan, spec, plan->training.weight_decay);
    printf("  %-9s %-8s %12.3g %9.3g %22.3g\n", of,
           format_count(tokens, sizeof(tokens), (double)spec->horizon_tokens), decay,
           decay_timescale(spec->independent_decay ? 1 : lr, decay, spec->batch_tokens,
                           (double)spec->horizon_tokens),
           published_timescale((double)trial_params(spec), (double)spec->horizon_tokens));
}

/* Prints how the weight decay depends on the horizon, and what that means for tau. */
static void print_decay(const struct plan *plan, const struct trial_spec *trial)
{
    struct trial_spec shortest = *trial, target = plan_target(plan);
    double lr = sqrt(plan->search.lr[0] * plan->search.lr[1]);
    const struct plan_number_axis *axis = &plan->axes.weight_decay;
    if (plan->search.weight_decay[1] > 0)
        printf("\nweight decay: %g to %g is searched with the LR; the middle, %g, is meant here\n",
               plan->search.weight_decay[0], plan->search.weight_decay[1],
               plan->training.weight_decay);
    else if (axis->count > 1)
        printf("\nweight decay: %zu values are trained; the first, %g, is meant here\n",
               axis->count, axis->values[0]);
    else
        fputc('\n', stdout);
    if (!(plan->training.weight_decay > 0)) {
        printf("no weight decay\n");
        return;
    }
    printf("decay_rule %s: %s\n", decay_rule_name(plan->training.decay_rule),
           plan->training.decay_rule == DECAY_TIMESCALE
               ? "weight decay goes as batch / tokens and is the plan's at the target"
               : "the same weight decay at every horizon");
    printf("tau = batch / (%sweight_decay tokens), how far back weights remember, in trainings,\n",
           trial->independent_decay ? "" : "LR ");
    printf("at an LR of %.3g, the middle of search.lr; published: the best for AdamW\n"
           "(" PUBLISHED_TIMESCALE ")\n",
           lr);
    printf("  %-9s %-8s %12s %9s %22s\n", "", "tokens", "weight decay", "tau", "published");
    shortest.horizon_tokens = plan->search.horizons[0];
    print_timescale(plan, &shortest, lr, "shortest");
    print_timescale(plan, &target, lr, "target");
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
    print_decay(plan, spec);
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
               spec.trainer == TRAINER_COMMAND || spec.trainer == TRAINER_EXTERNAL
                   ? ""
                   : ", nothing is trained");
    if (trains && spec.optimizer != OPTIMIZER_ADAMW)
        printf(", %s", optimizer_name(spec.optimizer));
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
