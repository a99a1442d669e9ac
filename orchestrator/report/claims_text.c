/* What the cells say together, each with its interval and, where it was checked, with the check. */
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include "lrsearch/trial.h"
#include "report/cell_names.h"
#include "report/cells_text.h"
#include "report/summary.h"
#include "report/wrap.h"

/* " (90 % interval 0.31 .. 0.77)", or nothing. */
static const char *format_power_interval(char *text, size_t capacity, const double ends[2])
{
    text[0] = '\0';
    if (interval_known(ends))
        snprintf(text, capacity, " (90\v%% interval %.2f\v..\v%.2f)", ends[0], ends[1]);
    return text;
}

static const char *lead(size_t index, const char *first)
{
    return index == 0 ? first : "          - ";
}

/* ---- exponents ---- */

static bool is_ratio_over_width(const struct exponent_answer *exponent)
{
    return strcmp(exponent->of, "embedding_lr_ratio") == 0 && strcmp(exponent->axis, "width") == 0;
}

static void print_exponent(FILE *out, const char *first, const struct answer *answer,
                           const struct exponent_answer *exponent)
{
    char interval[80], kind[32] = "", vocab[48] = "", prior[80] = "";
    if (cells_vary(answer, CELL_PARAMETRIZATION) && exponent->parametrization != ANSWER_EVERY)
        snprintf(kind, sizeof(kind), " with %s", parametrization_name(exponent->parametrization));
    if (exponent->vocab > 0)
        snprintf(vocab, sizeof(vocab), " at vocabulary %" PRIu32, exponent->vocab);
    if (exponent->prior_weight >= 0.9995)
        snprintf(prior, sizeof(prior), ", which is the prior alone");
    else if (exponent->prior_weight >= 0.005)
        snprintf(prior, sizeof(prior), ", %.0f\v%% of it by the prior\v(%.2g)",
                 100 * exponent->prior_weight, exponent->expected);
    wrap_print(out, first, "%s* ~ %s^%.2f%s%s%s%s",
               strcmp(exponent->of, "lr") == 0 ? "LR" : exponent->of, exponent->axis,
               exponent->value, format_power_interval(interval, sizeof(interval), exponent->ci90),
               kind, vocab, prior);
}

void exponents_print(FILE *out, const struct answer *answer)
{
    size_t shown = 0;
    bool claimed = false;
    for (size_t i = 0; i < answer->exponent_count; i++) {
        const struct exponent_answer *exponent = &answer->exponents[i];
        if (!isfinite(exponent->value))
            continue;
        print_exponent(out, lead(shown++, "exponents - "), answer, exponent);
        claimed = claimed || is_ratio_over_width(exponent);
    }
    if (claimed)
        wrap_print(out, lead(shown, ""), "%s",
                   "embedding_lr_ratio* over the width: muP says 1, large vocabularies 1/2");
}

/* ---- joint law ---- */

static void print_joint_holdout(FILE *out, const struct answer *answer)
{
    const struct joint_answer *joint = &answer->joint;
    char tokens[32], lr[2][32], interval[2][96] = {"", ""}, ends[2][80], apart[48] = "", where[160];
    const double *both[2] = {joint->holdout.ci90, joint->holdout.measured_ci90};
    double ratio = joint->holdout.lr_measured / joint->holdout.lr_predicted;
    if (!joint->holdout.known)
        return;
    for (int i = 0; i < 2; i++)
        if (interval_known(both[i]))
            snprintf(interval[i], sizeof(interval[i]), " (%s)",
                     format_lr_interval(ends[i], sizeof(ends[i]), 2, both[i]));
    if (ratio > 0 && isfinite(ratio))
        snprintf(apart, sizeof(apart), ", %.3g times that", ratio);
    where[0] = '\0';
    if (joint->holdout.cell < answer->cell_count)
        cell_name(where, sizeof(where), answer, joint->holdout.cell, 0);
    wrap_print(out, "check     ", "%s%sat %s tokens the others alone predict %s%s; measured %s%s%s",
               where, *where ? ": " : "",
               format_count(tokens, sizeof(tokens), (double)joint->holdout.tokens),
               format_lr(lr[0], sizeof(lr[0]), 2, joint->holdout.lr_predicted), interval[0],
               format_lr(lr[1], sizeof(lr[1]), 2, joint->holdout.lr_measured), interval[1], apart);
}

void joint_print(FILE *out, const struct answer *answer)
{
    const struct joint_answer *joint = &answer->joint;
    char alpha[80], beta[80], kind[32] = "", fit[32] = "";
    if (!joint->known ||
        !(isfinite(joint->ln_c) && isfinite(joint->alpha) && isfinite(joint->beta)))
        return;
    if (cells_vary(answer, CELL_PARAMETRIZATION))
        snprintf(kind, sizeof(kind), " with %s", parametrization_name(joint->parametrization));
    if (isfinite(joint->r2))
        snprintf(fit, sizeof(fit), "; R2 %.3f", joint->r2);
    wrap_print(out, "joint law ",
               "LR* = %.3g N^%.2f D^%.2f%s, N hidden parameters, D tokens: alpha %.2f%s, beta "
               "%.2f%s%s",
               exp(joint->ln_c), -joint->alpha, -joint->beta, kind, joint->alpha,
               format_power_interval(alpha, sizeof(alpha), joint->alpha_ci90), joint->beta,
               format_power_interval(beta, sizeof(beta), joint->beta_ci90), fit);
    print_joint_holdout(out, answer);
}

/* ---- confirmations ---- */

static void print_confirm(FILE *out, const char *first, const struct confirm_answer *confirm)
{
    char layers[48], model[160] = "";
    if (confirm->d_model > 0) /* made-up losses need none */
        snprintf(model, sizeof(model), "%s, width %" PRIu32 ", %s, vocabulary %" PRIu32 ": ",
                 parametrization_name(confirm->parametrization), confirm->d_model,
                 cell_axis_text(layers, sizeof(layers), CELL_DEPTH, confirm->n_layers),
                 confirm->vocab);
    wrap_print(out, first, "%s%s", model, confirm->text);
}

void confirms_print(FILE *out, const struct answer *answer)
{
    for (size_t i = 0; i < answer->confirm_count; i++)
        print_confirm(out, lead(i, "confirm   - "), &answer->confirms[i]);
}

void verdicts_print(FILE *out, const struct answer *answer)
{
    for (size_t i = 0; i < answer->verdict_count; i++)
        wrap_print(out, lead(i, "verdicts  - "), "%s", answer->verdicts[i]);
}
