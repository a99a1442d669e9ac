/* The laws, their errors, and when they do not apply.
 *
 * The 90 % interval of a law's LR has three parts, standard deviations of ln LR that add in
 * quadrature: the deviation of a single model and horizon from the law (.2: published sweeps miss
 * their own power laws by .15 to .2), and the errors of the two exponents times the distance, ln,
 * from the middle of the fitted range: .06 for the tokens (spread of Bjorck's three large models,
 * .32 .32 .42, around .32), .12 for the parameters (spread over studies, .22 .23 .36 and .47). A
 * rule for another batch or schedule adds its own. */
#include "search/laws/published.h"

#include <math.h>
#include <stdio.h>
#include "lrsearch/count.h"
#include "search/numerics.h"

#define MISFIT 0.2
#define ALPHA_ERROR 0.12
#define BETA_ERROR 0.06
#define FAR 10.0        /* a law does not apply this many times beyond its fit */
#define SAME_BATCH 2.0  /* factor: a tuned batch is not known more precisely */
#define BATCH_MOST 2.0  /* times the best batch: then the critical batch is exceeded */
#define OPTIMAL_APART 2 /* factor off the fit's tokens per parameter */

const struct published_law published_laws[PUBLISHED_LAWS] = {
    {
        .name = "Bjorck 2024",
        .source = "arXiv 2409.19913",
        .formula = "1.55e-3 (N/1B)^-.23 (D/1B)^-.32",
        .lr = 1.55e-3,
        .unit = 1e9,
        .alpha = 0.23,
        .beta = 0.32,
        .params = {760e6, 2.7e9}, /* the joint law does not fit its smaller models */
        .tokens = {25e9, 800e9},
        .batch = 524288,
        .batch_fixed = true,
    },
    {
        .name = "Step Law 2025", /* N without embeddings */
        .source = "arXiv 2503.04715",
        .formula = "1.79 N^-.713 D^.307",
        .lr = 1.79,
        .unit = 1,
        .alpha = 0.713,
        .beta = -0.307,
        .params = {215e6, 1.07e9},
        .tokens = {4e9, 100e9},
        .small_too = true,
        .batch = 0.58,
        .batch_beta = 0.571,
    },
    {
        .name = "DeepSeek 2024", /* C = 6 N D from 1e17 to 2e19: .3118 C^-.125, .292 C^.3271 */
        .source = "arXiv 2401.02954",
        .formula = ".3118 (6 N D)^-.125",
        .lr = 0.24923, /* .3118 * 6^-.125 */
        .unit = 1,
        .alpha = 0.125,
        .beta = 0.125,
        .params = {30e6, 400e6}, /* compute-optimal models of these C */
        .tokens = {600e6, 8e9},
        .small_too = true,
        .batch = 0.52471, /* .292 * 6^.3271 */
        .batch_alpha = 0.3271,
        .batch_beta = 0.3271,
    },
    {
        .name = "Porian 2024",
        .source = "arXiv 2406.19146",
        .formula = "3.7 N^-.36",
        .lr = 3.7,
        .unit = 1,
        .alpha = 0.36,
        .params = {5e6, 901e6},
        .tokens = {100e6, 18e9},
        .small_too = true,
        .batch = 0.7576,
        .batch_alpha = 0.703,
        .tokens_a_parameter = 20,
    },
    {
        .name = "Zhou 2026", /* with N and D as counts it would give 1.5e-5 for LLaMA-1 7B */
        .source = "arXiv 2601.05049",
        .formula = "38.46 N^-.222 D^-.351",
        .lr = NAN,
        .unit = 1,
        .alpha = 0.222,
        .beta = 0.351,
        .params = {NAN, NAN},
        .tokens = {NAN, NAN},
        .batch = NAN,
    },
};

const char *published_range(const struct published_law *law, char out[PUBLISHED_WHY])
{
    char a[COUNT_TEXT], b[COUNT_TEXT], c[COUNT_TEXT], d[COUNT_TEXT];
    out[0] = '\0';
    if (isnan(law->params[0]))
        return out;
    snprintf(out, PUBLISHED_WHY, "%s .. %s parameters, %s .. %s tokens",
             format_count(a, sizeof(a), law->params[0]), format_count(b, sizeof(b), law->params[1]),
             format_count(c, sizeof(c), law->tokens[0]),
             format_count(d, sizeof(d), law->tokens[1]));
    return out;
}

static double from_middle(double value, const double range[2])
{
    return log(value / sqrt(range[0] * range[1]));
}

/* The rule from the law's own batch to the recipe's; none (factor 1) if that is unknown, or if the
 * law's batch was tuned. */
static struct rule carry_batch(const struct published *answer, const struct published_law *law,
                               const struct recipe *recipe)
{
    if (recipe->batch_tokens == 0 || !law->batch_fixed)
        return (struct rule){0, 0, false};
    return transfer_batch(answer->own_batch, recipe->batch_tokens, recipe->tokens, law->beta);
}

static const struct anneal cosine = {.kind = SCHEDULE_COSINE, .cooldown = 1, .final_lr = 0.1};

/* ---- when it does not apply ---- */

static bool beyond(double value, const double range[2], bool small_too)
{
    return !(value <= range[1] * FAR) || !(value >= (small_too ? range[0] / FAR : range[0]));
}

static bool outside(struct published *answer, const struct published_law *law,
                    const struct recipe *recipe)
{
    char a[COUNT_TEXT], b[COUNT_TEXT], c[COUNT_TEXT];
    if (beyond(recipe->params, law->params, law->small_too)) {
        bool small = recipe->params < law->params[0];
        snprintf(answer->why, sizeof(answer->why),
                 small && !law->small_too
                     ? "fitted on models of %s to %s parameters: smaller ones, like this of %s, "
                       "follow another rule"
                     : "fitted on models of %s to %s parameters: %s is too far beyond",
                 format_count(a, sizeof(a), law->params[0]),
                 format_count(b, sizeof(b), law->params[1]),
                 format_count(c, sizeof(c), recipe->params));
        return true;
    }
    if (beyond(recipe->tokens, law->tokens, true)) {
        snprintf(answer->why, sizeof(answer->why),
                 "fitted on %s to %s tokens: %s is more than %.0f times beyond",
                 format_count(a, sizeof(a), law->tokens[0]),
                 format_count(b, sizeof(b), law->tokens[1]),
                 format_count(c, sizeof(c), recipe->tokens), FAR);
        return true;
    }
    double each = recipe->tokens / recipe->params;
    if (law->tokens_a_parameter > 0 &&
        !(fabs(log(each / law->tokens_a_parameter)) <= log(OPTIMAL_APART))) {
        snprintf(
            answer->why, sizeof(answer->why),
            "fitted at %.0f tokens a parameter, without a term for the horizon: this recipe has "
            "%.3g",
            law->tokens_a_parameter, each);
        return true;
    }
    return false;
}

static bool batch_differs(struct published *answer, const struct published_law *law,
                          const struct recipe *recipe)
{
    char a[COUNT_TEXT], b[COUNT_TEXT];
    double batch = recipe->batch_tokens, best = transfer_best_batch(recipe->tokens);
    if (batch > 0 && !(batch <= BATCH_MOST * best)) {
        snprintf(answer->why, sizeof(answer->why),
                 "the batch of %s tokens is %.3g times the best one for so many tokens (Step Law: "
                 "%s): above the critical batch no rule is known",
                 format_count(a, sizeof(a), batch), batch / best, format_count(b, sizeof(b), best));
        return true;
    }
    if (law->batch_fixed)
        return false;
    if (batch == 0) {
        snprintf(answer->why, sizeof(answer->why),
                 "of its own batch, %s tokens: give --batch to compare",
                 format_count(a, sizeof(a), answer->own_batch));
        return true;
    }
    if (!(fabs(log(batch / answer->own_batch)) <= log(SAME_BATCH))) {
        snprintf(answer->why, sizeof(answer->why), "of its own batch, %s tokens, not of %s",
                 format_count(a, sizeof(a), answer->own_batch), format_count(b, sizeof(b), batch));
        return true;
    }
    return false;
}

static bool decide(struct published *answer, const struct published_law *law,
                   const struct recipe *recipe)
{
    if (isnan(law->lr))
        snprintf(answer->why, sizeof(answer->why),
                 "the units of its constant are not known here: its exponents only");
    else if (recipe->anneal.kind == SCHEDULE_CONSTANT)
        snprintf(answer->why, sizeof(answer->why),
                 "fitted on learning rates that fall to the end: a constant one has another "
                 "optimum");
    else if ((answer->in_range = !outside(answer, law, recipe)))
        return !batch_differs(answer, law, recipe);
    return false;
}

void published_ask(struct published *answer, const struct published_law *law,
                   const struct recipe *recipe)
{
    *answer = (struct published){.own_lr = NAN};
    answer->own_batch =
        law->batch * pow(recipe->params, law->batch_alpha) * pow(recipe->tokens, law->batch_beta);
    answer->own_lr = law->lr * pow(recipe->params / law->unit, -law->alpha) *
                     pow(recipe->tokens / law->unit, -law->beta);
    answer->applies = decide(answer, law, recipe);
    struct rule batch = carry_batch(answer, law, recipe);
    struct rule anneal = transfer_anneal(&cosine, &recipe->anneal);
    double far = hypot(ALPHA_ERROR * from_middle(recipe->params, law->params),
                       BETA_ERROR * from_middle(recipe->tokens, law->tokens));
    double error = Z90 * hypot(hypot(MISFIT, far), hypot(batch.sd, anneal.sd));
    answer->lr = answer->own_lr * exp(batch.ln_factor + anneal.ln_factor);
    answer->ci90[0] = answer->lr * exp(-error);
    answer->ci90[1] = answer->lr * exp(error);
}

/* ---- weight decay ---- */

const struct published_decay published_decays[PUBLISHED_DECAYS] = {
    {"GPT-3", "arXiv 2005.14165", 0.6e-4, 0.1, 3.2e6, 300e9, 175e9},
    {"LLaMA 7B", "arXiv 2302.13971", 3e-4, 0.1, 4e6, 1e12, 6.7e9},
    {"Llama 2 7B", "arXiv 2307.09288", 3e-4, 0.1, 4e6, 2e12, 6.7e9},
};

double decay_timescale(double lr, double weight_decay, double batch_tokens, double tokens)
{
    return batch_tokens / (lr * weight_decay * tokens);
}

double published_timescale(double params, double tokens)
{
    return 1.084 * pow(tokens / params, -0.527);
}
