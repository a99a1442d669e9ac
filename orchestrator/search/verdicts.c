/* The campaign's evidence on published claims, in words, with posterior probabilities:
 *
 * - the best embedding ratio goes as width under muP's theory, as its square root with a large
 *   vocabulary (Hayou and Liu 2025, arXiv 2506.15025);
 * - LR* falls as a power of the horizon, with a smaller exponent for larger models (Bjorck et al.
 *   2024, arXiv 2409.19913);
 * - mup and lvp keep LR* over the width, sp does not (Yang et al. 2022, arXiv 2203.03466). */
#include "search/verdicts.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include "lrsearch/trial.h"

#define MUP_GAMMA 1.0
#define LARGE_VOCABULARY_GAMMA 0.5
#define CERTAIN 0.95

__attribute__((format(printf, 2, 3))) static void say(struct answer *answer, const char *format,
                                                      ...)
{
    va_list args;
    if (answer->verdict_count == ANSWER_VERDICTS)
        return;
    va_start(args, format);
    vsnprintf(answer->verdicts[answer->verdict_count++], ANSWER_TEXT, format, args);
    va_end(args);
}

/* Share of the posterior samples in which the combination of terms lies below `bound`. */
static double share_below(const struct posterior *posterior, int k,
                          const double coefficients[TERMS_MAX], double bound)
{
    double values[POSTERIOR_SAMPLES], share = 0;
    posterior_values(posterior, k, coefficients, values);
    for (int s = 0; s < POSTERIOR_SAMPLES; s++)
        share += values[s] < bound ? 1.0 / POSTERIOR_SAMPLES : 0;
    return share;
}

static bool holds(const double ci90[2], double value)
{
    return ci90[0] <= value && value <= ci90[1];
}

static const char *stands(const double ci90[2], double value)
{
    return holds(ci90, value) ? "lies inside" : "is excluded";
}

/* "mup", "sp with embedding_lr_exponent 0.5": what an exponent applies to. */
static const char *group_name(char *text, size_t capacity, const struct exponent_answer *exponent)
{
    int used = snprintf(text, capacity, "%s", parametrization_name(exponent->parametrization));
    if (!isnan(exponent->embedding_lr_exponent) && used > 0 && (size_t)used < capacity)
        snprintf(text + used, capacity - (size_t)used, " with embedding_lr_exponent %.3g",
                 exponent->embedding_lr_exponent);
    return text;
}

/* One sentence for each exponent of the embedding ratio over the width. */
static void judge_gammas(struct answer *answer)
{
    for (size_t i = 0; i < answer->exponent_count; i++) {
        const struct exponent_answer *gamma = &answer->exponents[i];
        char vocab[48] = "", name[64];
        if (gamma->of[0] != 'e' || gamma->axis[0] != 'w') /* embedding_lr_ratio over width */
            continue;
        if (gamma->vocab)
            snprintf(vocab, sizeof(vocab), "vocabulary %u: ", gamma->vocab);
        bool both = holds(gamma->ci90, MUP_GAMMA) && holds(gamma->ci90, LARGE_VOCABULARY_GAMMA);
        say(answer,
            "%s%s: the best ratio of embedding LR to hidden LR goes as width^%.2f (90 %% interval "
            "%.2f to %.2f): muP's 1 %s, the large vocabulary's 1/2 %s%s",
            vocab, group_name(name, sizeof(name), gamma), gamma->value, gamma->ci90[0],
            gamma->ci90[1], stands(gamma->ci90, MUP_GAMMA),
            stands(gamma->ci90, LARGE_VOCABULARY_GAMMA),
            both ? "; these data do not tell them apart" : "");
    }
}

static void judge_vocabulary(struct answer *answer, const struct posterior *posterior)
{
    for (int k = 1; k < posterior->data->coordinate_count; k++) {
        const struct terms *terms = &posterior->data->terms[k];
        const struct term *both = term_find(terms, TERM_WIDTH_VOCAB, 0);
        double coefficients[TERMS_MAX] = {0};
        if (!both || posterior->data->coordinates[k] != 1 + RATIO_EMBEDDING)
            continue;
        coefficients[both - terms->term] = 1;
        struct spread spread = posterior_combine(posterior, k, coefficients);
        double falls = share_below(posterior, k, coefficients, 0);
        say(answer,
            "each doubling of the vocabulary changes that exponent by %+.2f (90 %% interval %+.2f "
            "to %+.2f): that it falls as the vocabulary grows, as the theory says, %s (%.0f %%)",
            spread.mean, spread.ci90[0], spread.ci90[1],
            falls > CERTAIN       ? "is seen"
            : falls < 1 - CERTAIN ? "is contradicted"
                                  : "is not decided",
            100 * falls);
    }
}

static void judge_horizon(struct answer *answer, const struct posterior *posterior)
{
    const struct terms *terms = &posterior->data->terms[0];
    const struct term *tokens = term_find(terms, TERM_TOKENS, 0);
    const struct term *size = term_find(terms, TERM_TOKENS_SIZE, 0);
    double coefficients[TERMS_MAX] = {0};
    if (!tokens || posterior->data->space.horizon_count < 2)
        return;
    coefficients[tokens - terms->term] = 1;
    double rises = share_below(posterior, 0, coefficients, 0);
    say(answer, "the best learning rate falls with the horizon: %s (%.0f %%)",
        rises < 1 - CERTAIN ? "yes"
        : rises > CERTAIN   ? "no, it rises"
                            : "not decided",
        100 * (1 - rises));
    if (!size)
        return;
    double change[TERMS_MAX] = {0};
    change[size - terms->term] = 1;
    struct spread spread = posterior_combine(posterior, 0, change);
    say(answer,
        "its exponent changes by %+.2f with each doubling of the parameters (90 %% interval "
        "%+.2f to %+.2f); published: .70 at 50M, .38 at 350M, .32 from 760M on, which is about -.1",
        spread.mean, spread.ci90[0], spread.ci90[1]);
}

static void judge_widths(struct answer *answer)
{
    for (size_t i = 0; i < answer->exponent_count; i++) {
        const struct exponent_answer *exponent = &answer->exponents[i];
        bool keeps = exponent->parametrization != PARAM_SP;
        char name[64];
        if (exponent->of[0] != 'l' || exponent->axis[0] != 'w') /* lr over width */
            continue;
        say(answer, "%s: the best learning rate goes as width^%.2f (90 %% interval %.2f to %.2f)%s",
            group_name(name, sizeof(name), exponent), exponent->value, exponent->ci90[0],
            exponent->ci90[1],
            !keeps                     ? ""
            : holds(exponent->ci90, 0) ? ": it carries over to other widths, as it should"
                                       : ": it does not carry over as it should");
    }
}

void verdicts_add(struct answer *answer, const struct posterior *posterior)
{
    judge_gammas(answer);
    judge_vocabulary(answer, posterior);
    judge_widths(answer);
    judge_horizon(answer, posterior);
}
