/* Transfer rules and their errors, from publications and from published runs. Errors are standard
 * deviations of ln LR; those over a model's sizes are per octave of distance. */
#include "search/laws/transfer.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "lrsearch/count.h"
#include "search/numerics.h"
#include "search/search_answer.h"

#define LN2 0.69314718055994531

/* mup and lvp: the LR at base_width holds. In plans/mup-transfer it is off by .16 octaves after one
 * octave of width and by .08 after two, no more than the error of either. Papers see it hold over a
 * factor of 16 and more. */
#define WIDTH_ERROR (0.1 * LN2)
#define WIDTH_REACH 4.0

/* Depth. Without a rule for the residual branches the optimum falls in some papers (CompleteP,
 * arXiv 2505.01618, figures of sp and mup) and stays in others: no factor, but a wide error. With
 * CompleteP and alpha = 1 it holds there from 2 to 128 layers. */
#define DEPTH_ERROR (0.25 * LN2)
#define COMPLETEP_ERROR (0.08 * LN2)
#define DEPTH_REACH 2.0
#define COMPLETEP_REACH 6.0

/* Vocabulary: theory (Hayou and Liu, arXiv 2506.15025) moves the embedding's LR, not that of the
 * hidden matrices. */
#define VOCAB_ERROR (0.1 * LN2)
#define VOCAB_REACH 4.0

/* Batch. For S steps LR* goes as sqrt(B) S^-beta; with D = S B tokens that is B^(1/2 + beta)
 * D^-beta. Step Law's own runs below the critical batch: B^.72 D^-.24; its 215M runs (4B to 100B
 * tokens, 65k to 4M a batch) have exponents of .69 to .85, and the optimum stops rising at .8 to
 * 1.9 times the best batch for D. */
#define BATCH_ROOT 0.5
#define BATCH_BETA 0.25
#define BATCH_BETA_MOST 0.5
#define BATCH_ERROR 0.15 /* standard deviation of the exponent */
#define BATCH_KNEE 1.25
#define BATCH_LARGEST 2.0 /* times the best batch; beyond, the law over horizons may change too */
#define BATCH_REACH 8.0
#define STRETCHED 2.0 /* factor on the error of a stretched batch rule */

/* Schedules, by the optimum of a bound from convex optimisation (arXiv 2501.18965, 2602.07145). For
 * a linear cooldown to 0 after a stable share c it is 1/sqrt((1 + c)(1 + ln((1 + c)/(1 - c))/2));
 * 124M runs over cooldowns of .1 to .9 lie within 9 % of that (root mean square). Cosine to 0 is
 * .97 of linear by the bound and .98 in those runs, 1-sqrt 1.06 and 1.13 of linear. The optimum of
 * a constant LR is .3 of that of a cooldown of .2 there. An LR that ends above 0 lies between:
 * CONSTANT_POWER gives linear and cosine to .1 the mean of the bound (.82 of those to 0) and the
 * runs (.65). */
#define COSINE_OF_LINEAR 0.975
#define ROOT_OF_LINEAR 1.09
#define CONSTANT_LR 0.3
#define CONSTANT_POWER 0.78
#define ANNEAL_ERROR 0.12
#define ANNEAL_FINAL_ERROR 0.7 /* times the difference of the schedules' constant_share() */

static struct rule holds(double octaves, double error, double reach)
{
    double far = fabs(octaves);
    return (struct rule){0, error * far, !(far <= reach)};
}

struct rule transfer_width(double octaves)
{
    return holds(octaves, WIDTH_ERROR, WIDTH_REACH);
}

struct rule transfer_depth(double octaves, bool completep)
{
    return completep ? holds(octaves, COMPLETEP_ERROR, COMPLETEP_REACH)
                     : holds(octaves, DEPTH_ERROR, DEPTH_REACH);
}

struct rule transfer_vocab(double octaves)
{
    return holds(octaves, VOCAB_ERROR, VOCAB_REACH);
}

double transfer_best_batch(double tokens)
{
    return 0.58 * pow(tokens, 0.571);
}

static double batch_exponent(double beta)
{
    return BATCH_ROOT + (isnan(beta) ? BATCH_BETA : fmax(0, fmin(BATCH_BETA_MOST, beta)));
}

struct rule transfer_batch(double from, double to, double tokens, double beta)
{
    double best = transfer_best_batch(tokens), knee = BATCH_KNEE * best, ln_ratio = log(to / from);
    struct rule rule = {
        .ln_factor = batch_exponent(beta) * log(fmin(to, knee) / fmin(from, knee)),
        .sd = BATCH_ERROR * fabs(ln_ratio),
        .stretched = !(fmax(from, to) <= BATCH_LARGEST * best) ||
                     !(fabs(ln_ratio) <= log(BATCH_REACH) * (1 + 1e-12)),
    };
    if (rule.stretched)
        rule.sd *= STRETCHED;
    return rule;
}

/* Weight of a constant LR's optimum in the schedule's, [0, 1]. */
static double constant_share(const struct anneal *anneal)
{
    return anneal->kind == SCHEDULE_CONSTANT ? 1 : pow(anneal->final_lr, CONSTANT_POWER);
}

/* ln of the optimum over that of a linear cooldown in the last fifth. */
static double anneal_ln(const struct anneal *anneal)
{
    double share = anneal->kind == SCHEDULE_WSD ? anneal->cooldown : 1, shape = 1;
    double c = 1 - share, fifth = 1.8 * (1 + log(1.8 / 0.2) / 2);
    if (anneal->kind == SCHEDULE_COSINE)
        shape = COSINE_OF_LINEAR;
    if (anneal->kind == SCHEDULE_WSD && anneal->shape == COOLDOWN_ROOT)
        shape = ROOT_OF_LINEAR;
    double to_zero = log(shape * sqrt(fifth / ((1 + c) * (1 + log((1 + c) / share) / 2))));
    double constant = constant_share(anneal);
    return (1 - constant) * to_zero + constant * log(CONSTANT_LR);
}

static bool same_anneal(const struct anneal *a, const struct anneal *b)
{
    bool wsd = a->kind == SCHEDULE_WSD;
    return a->kind == b->kind && a->final_lr == b->final_lr &&
           (!wsd || (a->shape == b->shape && a->cooldown == b->cooldown));
}

struct rule transfer_anneal(const struct anneal *from, const struct anneal *to)
{
    if (same_anneal(from, to))
        return (struct rule){0, 0, false};
    double apart = ANNEAL_FINAL_ERROR * (constant_share(to) - constant_share(from));
    return (struct rule){anneal_ln(to) - anneal_ln(from), hypot(ANNEAL_ERROR, apart),
                         to->kind == SCHEDULE_CONSTANT};
}

const char *anneal_text(const struct anneal *anneal, char out[ANNEAL_TEXT])
{
    char cooldown[32] = "", final[24] = "";
    if (anneal->kind == SCHEDULE_WSD)
        snprintf(cooldown, sizeof(cooldown), ", %scooldown %.3g",
                 anneal->shape == COOLDOWN_ROOT ? "1-sqrt " : "", anneal->cooldown);
    if (anneal->kind != SCHEDULE_CONSTANT)
        snprintf(final, sizeof(final), " to %.3g", anneal->final_lr);
    snprintf(out, ANNEAL_TEXT, "%s%s%s", schedule_name(anneal->kind), final, cooldown);
    return out;
}

/* ---- steps ---- */

static struct transfer_step *next_step(struct answer *answer, const char *of)
{
    if (answer->step_count == ANSWER_STEPS)
        return NULL;
    struct transfer_step *step = &answer->steps[answer->step_count++];
    memset(step, 0, sizeof(*step));
    snprintf(step->of, sizeof(step->of), "%s", of);
    return step;
}

/* Moves the interval around `from` to `to`, and widens it by an independent error: half widths in
 * ln LR add in quadrature. */
static void widen(double ci90[2], double from, double to, const double ln_error[2])
{
    if (!(ci90[0] > 0)) /* no interval */
        return;
    double low = hypot(log(from / ci90[0]), ln_error[0]);
    double high = hypot(log(ci90[1] / from), ln_error[1]);
    ci90[0] = to * exp(-low);
    ci90[1] = to * exp(high);
}

/* Applies the step to the target. `ln_error`: half widths in ln LR, lower and upper, of the step's
 * own 90 % interval. */
static void apply_step(struct answer *answer, const struct transfer_step *step,
                       const double ln_error[2])
{
    struct target_answer *target = &answer->target;
    double lr = target->lr * step->factor;
    double octaves = (ln_error[0] + ln_error[1]) / (2 * Z90 * LN2);
    widen(target->ci90, target->lr, lr, ln_error);
    target->lr = lr;
    target->embedding_lr *= step->factor;
    /* the expected cost of an error is curvature times its variance */
    target->loss_penalty += target->loss_penalty_if_wrong_2x * octaves * octaves;
}

static void __attribute__((format(printf, 4, 5)))
apply_rule(struct answer *answer, const char *of, struct rule rule, const char *format, ...)
{
    struct transfer_step *step = next_step(answer, of);
    if (!step)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(step->how, sizeof(step->how), format, args);
    va_end(args);
    double error = Z90 * rule.sd, ln_error[2] = {error, error};
    step->factor = exp(rule.ln_factor);
    step->ci90[0] = exp(rule.ln_factor - error);
    step->ci90[1] = exp(rule.ln_factor + error);
    apply_step(answer, step, ln_error);
}

/* text = "width, depth": the axes of the campaign; returns the first, NULL: none. */
static const char *axes_text(char *text, size_t capacity, const bool measured[AXIS_COUNT])
{
    static const char *const names[AXIS_COUNT] = {"width", "depth", "vocabulary", "batch",
                                                  "weight decay"};
    const char *first = NULL;
    text[0] = '\0';
    for (int axis = 0; axis < AXIS_COUNT; axis++)
        if (measured[axis]) {
            size_t length = strlen(text);
            snprintf(text + length, capacity - length, "%s%s", length ? ", " : "", names[axis]);
            first = first ? first : names[axis];
        }
    return first;
}

/* Adds the campaign's own law as a step: a factor from its longest measured optimum. */
static void step_of_law(struct answer *answer, const struct transfer *transfer)
{
    const struct horizon_answer *longest = NULL;
    char from[COUNT_TEXT], to[COUNT_TEXT], axes[64];
    const char *axis = axes_text(axes, sizeof(axes), transfer->measured);
    for (size_t h = 0; h < answer->horizon_count; h++)
        if (isfinite(answer->horizons[h].lr_opt))
            longest = &answer->horizons[h];
    bool same = longest && longest->tokens == answer->target.tokens && axis;
    struct transfer_step *step = longest ? next_step(answer, same ? axis : "horizon") : NULL;
    if (!step)
        return;
    format_count(from, sizeof(from), (double)longest->tokens);
    format_count(to, sizeof(to), (double)answer->target.tokens);
    if (same)
        snprintf(step->how, sizeof(step->how), "this campaign's slope over %s, at %s tokens", axes,
                 to);
    else
        snprintf(step->how, sizeof(step->how),
                 "this campaign's slope over tokens%s%s, from %s to %s tokens", axis ? " and " : "",
                 axes, from, to);
    step->measured = true;
    double held = answer->target.held_factor > 0 ? answer->target.held_factor : 1;
    step->factor = answer->target.lr / held / longest->lr_opt;
    for (int i = 0; i < 2; i++)
        step->ci90[i] = answer->target.ci90[i] / held / longest->lr_opt;
}

/* Lists what the LR, which has it already, makes up for. */
static void step_held(struct answer *answer)
{
    struct transfer_step *step = NULL;
    for (enum answer_ratio r = 0; r < RATIO_COUNT; r++) {
        const struct ratio_answer *ratio = &answer->ratios[r];
        if (!ratio->beyond || (!step && !(step = next_step(answer, "range"))))
            continue;
        size_t used = strlen(step->how);
        snprintf(step->how + used, sizeof(step->how) - used,
                 "%s%s is %.3g, the %s end of its range", used ? ", " : "", answer_ratio_name(r),
                 ratio->value, ratio->optimum > ratio->value ? "upper" : "lower");
    }
    if (!step)
        return;
    step->measured = true;
    step->factor = answer->target.held_factor;
    memcpy(step->ci90, answer->target.held_ci90, sizeof(step->ci90));
}

static bool differ(uint32_t from, uint32_t to)
{
    return from > 0 && to > 0 && from != to;
}

static double octaves(uint32_t from, uint32_t to)
{
    return log2((double)to / from);
}

static void step_width(struct answer *answer, const struct transfer *transfer)
{
    uint32_t from = transfer->from.d_model, to = transfer->to.d_model;
    if (transfer->measured[AXIS_WIDTH] || !differ(from, to) ||
        transfer->parametrization == PARAM_SP) /* sp has no rule: the campaign warns */
        return;
    struct rule rule = transfer_width(octaves(from, to));
    apply_rule(answer, "width", rule, "%s holds the LR of base_width, from width %u to %u",
               parametrization_name(transfer->parametrization), from, to);
    if (rule.stretched)
        answer_warn(answer,
                    "the target's width is %u, that of the trials %u: %s is not known to hold so "
                    "far",
                    to, from, parametrization_name(transfer->parametrization));
}

static void step_depth(struct answer *answer, const struct transfer *transfer)
{
    uint32_t from = transfer->from.n_layers, to = transfer->to.n_layers;
    bool completep = transfer->depth_rule == DEPTH_COMPLETEP;
    if (transfer->measured[AXIS_DEPTH] || !differ(from, to))
        return;
    struct rule rule = transfer_depth(octaves(from, to), completep);
    apply_rule(answer, "depth", rule, "%s, from %u to %u layers",
               completep ? "completep holds the LR" : "no change assumed, without a published rule",
               from, to);
    if (rule.stretched)
        answer_warn(answer, "the target has %u layers, the trials %u: %s", to, from,
                    completep ? "completep is not known to hold so far"
                              : "without model.depth_rule: completep the learning rate is not "
                                "known to carry over");
}

static void step_vocab(struct answer *answer, const struct transfer *transfer)
{
    uint32_t from = transfer->from.vocab, to = transfer->to.vocab;
    if (transfer->measured[AXIS_VOCAB] || !differ(from, to))
        return;
    struct rule rule = transfer_vocab(octaves(from, to));
    apply_rule(answer, "vocabulary", rule,
               "no change for the hidden matrices (arXiv 2506.15025), from %u to %u", from, to);
    if (rule.stretched)
        answer_warn(answer,
                    "the target's vocabulary is %u, that of the trials %u: too far to say that the "
                    "learning rate holds",
                    to, from);
}

static void step_batch(struct answer *answer, const struct transfer *transfer)
{
    uint32_t from = transfer->from.batch_tokens, to = transfer->to.batch_tokens;
    double tokens = (double)answer->target.tokens, beta = answer->law.beta;
    if (transfer->measured[AXIS_BATCH] || !differ(from, to))
        return;
    struct rule rule = transfer_batch(from, to, tokens, beta);
    char a[COUNT_TEXT], b[COUNT_TEXT], best[COUNT_TEXT];
    format_count(a, sizeof(a), from);
    format_count(b, sizeof(b), to);
    format_count(best, sizeof(best), transfer_best_batch(tokens));
    apply_rule(answer, "batch", rule,
               "batch^%.2f, the square root rule at a fixed number of tokens, from %s to %s "
               "tokens",
               batch_exponent(beta), a, b);
    if (rule.stretched)
        answer_warn(answer,
                    "the batch goes from %s to %s tokens: the square root rule holds over a factor "
                    "of %.0f and below %.0f times the best batch (Step Law: %s for the target's "
                    "tokens); its interval is doubled",
                    a, b, BATCH_REACH, BATCH_LARGEST, best);
}

static void step_anneal(struct answer *answer, const struct transfer *transfer)
{
    const struct anneal *from = &transfer->from.anneal, *to = &transfer->to.anneal;
    char a[ANNEAL_TEXT], b[ANNEAL_TEXT];
    if (same_anneal(from, to))
        return;
    if (from->kind == SCHEDULE_CONSTANT) {
        answer_warn(answer,
                    "the trials' schedule is constant: their optimum is not that of a training "
                    "whose learning rate falls, and no factor leads there");
        return;
    }
    struct rule rule = transfer_anneal(from, to);
    apply_rule(answer, "schedule", rule, "%s -> %s (arXiv 2602.07145)", anneal_text(from, a),
               anneal_text(to, b));
    if (rule.stretched)
        answer_warn(answer, "the target's schedule is constant: its optimum is known from one "
                            "model only, and its loss is higher than that of any other");
}

/* Refuses an interval wider than ACCEPT_WIDEST: the limit of a campaign's own answer holds with
 * rules too. */
static void refuse_widest(struct answer *answer)
{
    const struct target_answer *target = &answer->target;
    const struct transfer_step *least = NULL; /* the rule with the widest interval */
    for (size_t i = 0; i < answer->step_count; i++) {
        const struct transfer_step *step = &answer->steps[i];
        if (!step->measured &&
            (!least || step->ci90[1] / step->ci90[0] > least->ci90[1] / least->ci90[0]))
            least = step;
    }
    double factor = fmax(target->ci90[1] / target->lr, target->lr / target->ci90[0]);
    if (!least || answer->status != ANSWER_IDENTIFIED || !(target->ci90[0] > 0) ||
        factor <= ACCEPT_WIDEST)
        return;
    answer->status = ANSWER_NOT_IDENTIFIED;
    snprintf(answer->reason, sizeof(answer->reason),
             "carried over to the target, the 90 %% interval reaches a factor %.1f from the answer "
             "(at most %.0f), and no measurement stands behind its %s: train nearer to the target "
             "there",
             factor, ACCEPT_WIDEST, least->of);
}

void transfer_apply(struct answer *answer, const struct transfer *transfer)
{
    answer->step_count = 0;
    if (!isfinite(answer->target.lr))
        return;
    step_of_law(answer, transfer);
    step_held(answer);
    step_width(answer, transfer);
    step_depth(answer, transfer);
    step_vocab(answer, transfer);
    step_batch(answer, transfer);
    step_anneal(answer, transfer);
    refuse_widest(answer);
}

void transfer_size(struct answer *answer, double from, double params)
{
    const struct joint_answer *joint = &answer->joint;
    double ln_ratio = log(params / from);
    char a[COUNT_TEXT], b[COUNT_TEXT];
    struct transfer_step *step = isfinite(answer->target.lr) ? next_step(answer, "size") : NULL;
    if (!step)
        return;
    snprintf(step->how, sizeof(step->how),
             "this campaign's slope over sizes, from %s to %s parameters",
             format_count(a, sizeof(a), from), format_count(b, sizeof(b), params));
    step->measured = true;
    step->factor = exp(-joint->alpha * ln_ratio);
    double ends[2] = {exp(-joint->alpha_ci90[0] * ln_ratio), exp(-joint->alpha_ci90[1] * ln_ratio)};
    step->ci90[0] = fmin(ends[0], ends[1]);
    step->ci90[1] = fmax(ends[0], ends[1]);
    double ln_error[2] = {log(step->factor / step->ci90[0]), log(step->ci90[1] / step->factor)};
    apply_step(answer, step, ln_error);
}
