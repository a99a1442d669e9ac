/* Prints the answer as text, and in one line for programs that forward it. The first sentence gives
 * the answer, or says that there is none; the rest supports it: what was measured, what is
 * extrapolated from that and by which share of assumption, the cost, every warning, and commands.
 * A fitted value is never called measured, and where a table has no optimum no number stands for
 * one. */
#include "report/summary.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "report/cell_names.h"
#include "report/cells_text.h"
#include "report/next_steps.h"
#include "report/plain_text.h"
#include "store/json_value.h"

/* From this probability on a reader must know that there may be no optimum. */
#define NO_BASIN_SHOWN 0.05

/* Tokens of the longest horizon with a fitted optimum; 0: none. */
static uint64_t longest_fitted(const struct answer *answer)
{
    for (size_t i = answer->horizon_count; i-- > 0;)
        if (isfinite(answer->horizons[i].lr_opt))
            return answer->horizons[i].tokens;
    return 0;
}

/* ---- the first sentences ---- */

static void print_sure(FILE *out, const struct answer *answer)
{
    const struct target_answer *target = &answer->target;
    char apart[64] = "", interval[160] = "", word[64] = "";
    double factor = target->ci90[1] / target->ci90[0];
    if (factor >= 1 && isfinite(factor))
        snprintf(apart, sizeof(apart), factor >= 99.5 ? " (%.3gx apart)" : " (%.2gx apart)",
                 factor);
    if (interval_known(target->ci90))
        snprintf(interval, sizeof(interval), "90\v%% sure between %s and %s%s. ",
                 LR(2, target->ci90[0]), LR(2, target->ci90[1]), apart);
    if (answer->confidence.word != CONFIDENCE_NONE)
        snprintf(word, sizeof(word), "Confidence: %s", confidence_name(answer->confidence.word));
    if (*interval || *word)
        wrap_print(out, "", "%s%s", interval, word);
}

/* The lead of an LR that is no answer yet, or none. */
static void print_guess(FILE *out, const char *lead, const struct target_answer *target)
{
    if (isfinite(target->lr))
        wrap_print(out, "", "%s%s%s", lead, LR(2, target->lr), INTERVAL90('l', 2, target->ci90));
}

static void print_headline(FILE *out, const struct answer *answer)
{
    const struct target_answer *target = &answer->target;
    const char *reason = answer->reason[0] ? answer->reason : "no reason given";
    const char *tokens = COUNT(target->tokens);
    switch (answer->status) {
    case ANSWER_IDENTIFIED:
        wrap_print(out, "", "Peak learning rate for %s tokens: %s", tokens, LR(2, target->lr));
        print_sure(out, answer);
        return;
    case ANSWER_NOT_IDENTIFIED:
        wrap_print(out, "", "No peak learning rate for %s tokens: %s", tokens, reason);
        print_guess(out, "A guess, not to be relied on: ", target);
        return;
    case ANSWER_BUDGET_EXHAUSTED:
        wrap_print(out, "", "The budget was used up before the answer for %s tokens: %s", tokens,
                   reason);
        break;
    case ANSWER_INTERRUPTED:
        wrap_print(out, "", "Not finished, no answer yet for %s tokens: %s", tokens, reason);
        break;
    }
    print_guess(out, "As far as it went: ", target);
}

/* ---- if you use it ---- */

static const char *use_lead(int *line)
{
    return (*line)++ == 0 ? "If you use it     " : "                  ";
}

/* "at 524k tokens": the horizon whose optimum target->keep_lr is. */
static const char *where_kept(char *text, size_t capacity, const struct answer *answer)
{
    snprintf(text, capacity, "of the longest trainings");
    for (size_t i = 0; i < answer->horizon_count; i++)
        if (answer->horizons[i].lr_opt == answer->target.keep_lr)
            snprintf(text, capacity, "at %s tokens", COUNT(answer->horizons[i].tokens));
    return text;
}

/* Nothing about a guess that is not to be relied on. */
static void print_use(FILE *out, const struct answer *answer)
{
    const struct target_answer *target = &answer->target;
    char kept[64];
    int line = 0;
    bool keep = target->keep_lr > 0 && isfinite(target->keep_penalty);
    if (answer->status == ANSWER_NOT_IDENTIFIED || !isfinite(target->lr))
        return;
    if (isfinite(target->loss_penalty) || isfinite(target->loss_penalty_if_wrong_2x) || keep)
        fputc('\n', out);
    if (isfinite(target->loss_penalty))
        wrap_print(out, use_lead(&line), "about %.2g nats above the unknown optimum",
                   target->loss_penalty);
    if (isfinite(target->loss_penalty_if_wrong_2x))
        wrap_print(out, use_lead(&line), "half or twice the optimum would cost %.2g nats",
                   target->loss_penalty_if_wrong_2x);
    if (keep)
        wrap_print(
            out, use_lead(&line), "keeping %s, the fitted optimum %s, would cost about %.2g nats",
            LR(2, target->keep_lr), where_kept(kept, sizeof(kept), answer), target->keep_penalty);
    if (line > 0 && target->no_basin >= NO_BASIN_SHOWN)
        wrap_print(out, use_lead(&line),
                   "%.0f\v%% chance that the learning rate makes no difference to the loss",
                   100 * target->no_basin);
}

/* ---- the best batch ---- */

static void print_assumption(FILE *out, double share, const char *of)
{
    const char *text = TEXT_OF(format_assumption, share, of);
    if (*text)
        wrap_item(out, "%s", text);
}

static void print_best_batch(FILE *out, const struct answer *answer)
{
    const struct best_batch_answer *best = &answer->best_batch;
    if (!best->asked || best->horizon_count == 0)
        return;
    fputc('\n', out);
    if (best->known)
        wrap_print(out, "",
                   "Best batch for %s tokens: %s tokens a step, 90\v%% sure between %s and %s",
                   COUNT(answer->target.tokens), COUNT(best->batch_tokens), COUNT(best->ci90[0]),
                   COUNT(best->ci90[1]));
    else
        wrap_print(out, "", "Best batch: not known; what the losses show");
    if (best->known)
        wrap_item(out, "best LR there: %s with a batch of %s, %s with %s", LR(2, best->lr[0]),
                  COUNT(best->ci90[0]), LR(2, best->lr[1]), COUNT(best->ci90[1]));
    for (size_t i = 0; i < best->horizon_count; i++) {
        const struct best_batch_horizon *horizon = &best->horizons[i];
        bool fitted = isfinite(horizon->batch_tokens) && !horizon->at_edge;
        const char *tokens = COUNT(horizon->tokens);
        if (fitted)
            wrap_item(out, "fitted at %s tokens: %s (%s\v..\v%s), of %" PRIu32 " batches", tokens,
                      COUNT(horizon->batch_tokens), COUNT(horizon->ci90[0]),
                      COUNT(horizon->ci90[1]), horizon->batches);
        else
            wrap_item(out, "fitted at %s tokens: %s", tokens,
                      horizon->at_edge ? "none: at the edge" : "none: too few losses");
    }
    if (!isfinite(best->exponent))
        return;
    wrap_item(out, "best batch ~ tokens^%s%s", FIXED(2, best->exponent),
              ENDS('f', 2, best->exponent_ci90));
    print_assumption(out, best->prior_weight, "this exponent");
}

/* ---- what was measured ---- */

const char *no_optimum(const struct horizon_answer *horizon)
{
    if (horizon->trials == 0)
        return "none: nothing trained";
    if (horizon->trials == horizon->diverged)
        return "none: all diverged";
    if (horizon->at_edge)
        return "none: at the edge";
    if (horizon->flat)
        return "none: flat";
    return isfinite(horizon->lr_opt) ? NULL : "none: too few losses";
}

#define ROW "  %-6s  %-17s  %-25s  "

static void print_horizon(FILE *out, const struct horizon_answer *horizon)
{
    char lowest[80] = "-", fitted[192];
    const char *none = no_optimum(horizon);
    bool marked = !none && horizon->interpolated;
    if (horizon->lowest_lr > 0 && isfinite(horizon->lowest_loss))
        snprintf(lowest, sizeof(lowest),
                 fabs(horizon->lowest_loss) < 1000 ? "%.4f at %s" : "%.3e at %s",
                 horizon->lowest_loss, LR(2, horizon->lowest_lr));
    snprintf(fitted, sizeof(fitted), "%s%s", none ? none : LR(2, horizon->lr_opt),
             none ? "" : ENDS('l', 2, horizon->ci90));
    for (char *c = fitted; *c; c++)
        if (*c == '\v')
            *c = ' ';
    fprintf(out, ROW "%4" PRIu32 "  %8" PRIu32 "%s\n", COUNT(horizon->tokens), lowest, fitted,
            horizon->trials, horizon->diverged, marked ? " *" : "");
}

static void print_notes(FILE *out, const struct answer *answer)
{
    bool interpolated = false, edge = false, flat = false;
    for (size_t i = 0; i < answer->horizon_count; i++) {
        const struct horizon_answer *horizon = &answer->horizons[i];
        bool lost = horizon->trials == horizon->diverged;
        interpolated = interpolated || (!no_optimum(horizon) && horizon->interpolated);
        edge = edge || (!lost && horizon->at_edge);
        flat = flat || (!lost && !horizon->at_edge && horizon->flat);
    }
    if (interpolated)
        wrap_item(out, "* nothing was trained inside this interval: interpolated");
    if (edge)
        wrap_item(out,
                  "at the edge: the lowest loss is that of the lowest or highest LR tried, the "
                  "optimum may lie beyond");
    if (flat)
        wrap_item(out, "flat: the losses differ by no more than their noise");
    wrap_item(out, "losses in nats per token, validation");
}

static void print_measured(FILE *out, const struct answer *answer)
{
    char name[CELL_NAME];
    const char *of = cells_nearest(name, sizeof(name), answer);
    fputc('\n', out);
    wrap_print(out, "", "Measured%s%s%s", of ? " (the model nearest to the target: " : "",
               of ? of : "", of ? ")" : "");
    fprintf(out, ROW "%4s  %8s\n", "tokens", "lowest loss seen", "fitted optimum (90 %)", "runs",
            "diverged");
    for (size_t i = 0; i < answer->horizon_count; i++)
        print_horizon(out, &answer->horizons[i]);
    if (answer->horizon_count == 0)
        fputs("  none\n", out);
    print_notes(out, answer);
}

/* ---- what is extrapolated ---- */

/* "3 % lower": what a factor of the LR is in words. */
static const char *format_change(char *text, size_t capacity, double factor)
{
    double percent = 100 * fabs(factor - 1);
    if (!(factor < 2))
        snprintf(text, capacity, "%.3g times as high", factor);
    else if (percent < 0.5)
        snprintf(text, capacity, "the same");
    else
        snprintf(text, capacity, "%.0f\v%% %s", percent, factor < 1 ? "lower" : "higher");
    return text;
}

/* "131k and 262k", "131k to 1M": the horizons below `tokens` with an optimum. */
static void name_shorter(char *text, size_t capacity, const struct answer *answer, uint64_t tokens)
{
    const struct horizon_answer *first = NULL, *last = NULL;
    size_t count = 0;
    for (size_t i = 0; i < answer->horizon_count; i++) {
        const struct horizon_answer *horizon = &answer->horizons[i];
        if (horizon->tokens >= tokens || no_optimum(horizon))
            continue;
        first = first ? first : horizon;
        last = horizon;
        count++;
    }
    if (count < 2)
        snprintf(text, capacity, "the shorter ones");
    else
        snprintf(text, capacity, "%s %s %s", COUNT(first->tokens), count == 2 ? "and" : "to",
                 COUNT(last->tokens));
}

static void print_back_test(FILE *out, const struct answer *answer)
{
    const struct law_answer *law = &answer->law;
    char shorter[80], verdict[32] = "";
    if (law->holdout.tokens == 0)
        return;
    name_shorter(shorter, sizeof(shorter), answer, law->holdout.tokens);
    if (answer->confidence.back_test != BACK_TEST_NONE)
        snprintf(verdict, sizeof(verdict), " (%s)",
                 answer->confidence.back_test == BACK_TEST_PASSED ? "ok" : "failed");
    wrap_item(out, "back-test: %s predict %s%s at %s; fitted %s%s", shorter,
              LR(2, law->holdout.lr_predicted), ENDS('l', 2, law->holdout.ci90),
              COUNT(law->holdout.tokens), LR(2, law->holdout.lr_measured), verdict);
}

static void print_slope(FILE *out, const struct answer *answer)
{
    const struct law_answer *law = &answer->law;
    const double ci90[2] = {-law->beta_ci90[1], -law->beta_ci90[0]};
    if (!isfinite(law->beta)) {
        wrap_item(out, "no slope: too few lengths of training have a fitted optimum to extrapolate "
                       "from");
        return;
    }
    wrap_item(out, "best LR ~ tokens^%s%s: twice as long, %s", FIXED(2, -law->beta),
              ENDS('f', 2, ci90), TEXT_OF(format_change, exp2(-law->beta)));
    print_assumption(out, law->prior_weight, "this slope");
    if (law->assumed[0])
        wrap_item(out, "assumed: %s", law->assumed);
}

/* The step over the tokens of a campaign with one model. Others are listed with the rest. */
static bool is_plain_length(const struct answer *answer, const struct transfer_step *step)
{
    return answer->cell_count < 2 && step->measured && strcmp(step->of, "horizon") == 0;
}

/* "524k -> 8.39M tokens (16x longer): LR x 0.9 (0.6 .. 1.2)" */
static void print_length(FILE *out, const struct answer *answer)
{
    char factor[192] = "";
    uint64_t longest = longest_fitted(answer);
    double times = (double)answer->target.tokens / (double)longest;
    if (longest == 0)
        return;
    for (size_t i = 0; i < answer->step_count; i++) {
        const struct transfer_step *step = &answer->steps[i];
        if (is_plain_length(answer, step) && isfinite(step->factor))
            snprintf(factor, sizeof(factor), ": LR x %.2g%s", step->factor,
                     ENDS('g', 2, step->ci90));
    }
    const char *from = COUNT(longest), *to = COUNT(answer->target.tokens);
    if (times > 1)
        wrap_item(out, "%s -> %s tokens (%.3gx longer)%s", from, to, times, factor);
    else
        wrap_item(out, "%s tokens lie within the lengths that were trained, up to %s", to, from);
}

enum { STEP_TEXT = ANSWER_TEXT + 256 };

static const char *step_name(const struct transfer_step *step)
{
    return strcmp(step->of, "horizon") == 0 ? "length" : step->of;
}

static void format_step(char text[STEP_TEXT], const struct transfer_step *step)
{
    char factor[32] = "not known";
    if (isfinite(step->factor))
        snprintf(factor, sizeof(factor), "x %.3g", step->factor);
    snprintf(text, STEP_TEXT, "%s: LR %s%s; %s%s", step_name(step), factor,
             ENDS('g', 2, step->ci90),
             step->measured ? "from your runs: " : "a published rule: ", step->how);
}

void transfer_print(FILE *out, const struct answer *answer)
{
    char text[STEP_TEXT];
    for (size_t i = 0; i < answer->step_count; i++) {
        format_step(text, &answer->steps[i]);
        wrap_print(out, i == 0 ? "steps     - " : "          - ", "%s", text);
    }
}

static void print_extrapolated(FILE *out, const struct answer *answer)
{
    fputs("\nExtrapolated (in brackets: 90 % intervals)\n", out);
    print_slope(out, answer);
    print_length(out, answer);
    print_back_test(out, answer);
    exponents_print(out, answer);
    joint_print(out, answer);
    for (size_t i = 0; i < answer->step_count; i++) {
        char text[STEP_TEXT];
        if (is_plain_length(answer, &answer->steps[i]))
            continue;
        format_step(text, &answer->steps[i]);
        wrap_item(out, "%s", text);
    }
    fputc('\n', out);
}

/* " (90 % interval 0.1 .. 0.3)", or one end if the best ratio lies beyond its range. */
static const char *ratio_interval(char text[INTERVAL90_TEXT], const struct ratio_answer *ratio,
                                  int digits)
{
    bool upper = !isfinite(ratio->ci90[0]); /* the end that is known */
    format_interval90(text, INTERVAL90_TEXT, 'g', digits, ratio->ci90);
    if (ratio->beyond && isfinite(ratio->ci90[upper]))
        snprintf(text, INTERVAL90_TEXT, " (90\v%% interval %.*g\vor\v%s)", digits,
                 ratio->ci90[upper], upper ? "less" : "more");
    return text;
}

/* Several cells have their ratios in the table of cells. */
static void print_ratios(FILE *out, const struct answer *answer)
{
    static const char *const names[RATIO_COUNT] = {[RATIO_EMBEDDING] = "embedding LR",
                                                   [RATIO_OUTPUT] = "output LR",
                                                   [RATIO_VECTOR] = "LR of norms and biases",
                                                   [RATIO_DECAY] = "weight decay"};
    for (int r = 0; r < RATIO_COUNT && answer->cell_count < 2; r++) {
        char optimum[48] = "", interval[INTERVAL90_TEXT];
        const struct ratio_answer *ratio = &answer->ratios[r];
        if (!ratio->searched)
            continue;
        ratio_interval(interval, ratio, 3);
        if (ratio->beyond)
            snprintf(optimum, sizeof(optimum), "; at the edge: the best lies beyond");
        else if (*interval)
            snprintf(optimum, sizeof(optimum), "; fitted optimum %.3g", ratio->optimum);
        wrap_item(out, "%s: %.3g%s%s%s, %" PRIu32 " runs", names[r], ratio->value,
                  r == RATIO_DECAY ? " at the target" : " times that of the hidden matrices",
                  optimum, interval, ratio->trials);
    }
}

/* Layers and batch of the target of a campaign with axes. */
static void describe_model(char *text, size_t capacity, const struct target_answer *target)
{
    char layers[48] = "", batch[48] = "";
    if (target->n_layers > 0)
        cell_axis_text(layers, sizeof(layers), CELL_DEPTH, target->n_layers);
    if (target->batch_tokens > 0)
        cell_axis_text(batch, sizeof(batch), CELL_BATCH, target->batch_tokens);
    snprintf(text, capacity, "%s%s%s%s", *layers ? ", " : "", layers, *batch ? ", " : "", batch);
}

static void describe_ratio(char *text, size_t capacity, const struct answer *answer)
{
    const struct target_answer *target = &answer->target;
    const char *interval = INTERVAL90('r', 0, target->ratio_ci90[RATIO_EMBEDDING]);
    if (!*interval && answer->ratios[RATIO_EMBEDDING].beyond)
        interval = " (at the edge of its range)";
    if (isfinite(target->ratio[RATIO_EMBEDDING]))
        snprintf(text, capacity, ", best %s times that of the hidden matrices%s",
                 RATIO(target->ratio[RATIO_EMBEDDING]), interval);
}

/* The best weight decay, if it was searched. */
static void describe_decay(char *text, size_t capacity, const char *before,
                           const struct answer *answer)
{
    char interval[INTERVAL90_TEXT];
    const struct ratio_answer *decay = &answer->ratios[RATIO_DECAY];
    if (decay->searched && isfinite(decay->optimum))
        snprintf(text, capacity, "%sweight decay %.2g%s%s", before, decay->value,
                 decay->beyond ? " at the edge" : "", ratio_interval(interval, decay, 2));
}

static void print_model(FILE *out, const struct answer *answer)
{
    const struct target_answer *target = &answer->target;
    char model[128] = "", vocab[32] = "", ratio[320] = "", decay[192] = "";
    if (target->width == 0) { /* a table of losses has no model */
        describe_decay(decay, sizeof(decay), "", answer);
        if (*decay)
            wrap_print(out, "Target    ", "%s", decay);
        return;
    }
    describe_decay(decay, sizeof(decay), "; ", answer);
    if (answer->cell_count > 0) {
        describe_model(model, sizeof(model), target);
        describe_ratio(ratio, sizeof(ratio), answer);
    }
    if (target->vocab > 0) /* optional for a command */
        snprintf(vocab, sizeof(vocab), ", vocabulary %" PRIu32, target->vocab);
    wrap_print(out, "Target    ", "width %" PRIu32 "%s%s, embedding LR %s%s%s", target->width,
               model, vocab, LR(2, target->embedding_lr), ratio, decay);
}

static void print_cost(FILE *out, const struct answer_cost *cost)
{
    char flops[32] = "", seconds[48] = "", share[64] = "";
    if (cost->flops > 0 && isfinite(cost->flops))
        snprintf(flops, sizeof(flops), ", %.2e FLOPs", cost->flops);
    if (isfinite(cost->core_seconds))
        snprintf(seconds, sizeof(seconds), ", %s of core time", DURATION(cost->core_seconds));
    double fraction = cost->target_run_fraction;
    if (fraction >= 10)
        snprintf(share, sizeof(share), "; %.3g times the target run", fraction);
    else if (fraction >= 0)
        snprintf(share, sizeof(share), "; %.3g\v%% of the target run", 100 * fraction);
    wrap_print(out, "Cost      ", "%" PRIu64 " run%s, %s tokens%s%s%s", cost->trials,
               cost->trials == 1 ? "" : "s", COUNT(cost->tokens), flops, seconds, share);
    if (cost->lost_attempts > 0)
        wrap_print(
            out, "Lost      ", "%" PRIu64 " attempt%s and %s tokens; faults.csv has the reasons",
            cost->lost_attempts, cost->lost_attempts == 1 ? "" : "s", COUNT(cost->lost_tokens));
    if (cost->reused_tokens > 0)
        wrap_print(out, "Reused    ", "%s tokens from another campaign",
                   COUNT(cost->reused_tokens));
}

/* ---- drift ---- */

void drift_print(FILE *out, const char *lead, const struct drift *drift)
{
    char blank[32];
    const char *beyond = drift->lr_beyond ? "; beyond tolerance" : "";
    snprintf(blank, sizeof(blank), "%*s", (int)strlen(lead), "");
    if (drift->lr_reason[0])
        wrap_print(out, lead, "LR at the target not compared: %s", drift->lr_reason);
    else
        wrap_print(out, lead, "LR at the target %.3g times that%s%s", drift->lr_ratio,
                   INTERVAL90('g', 3, drift->lr_ci90), drift->at_tokens ? "" : beyond);
    if (drift->at_tokens)
        wrap_print(out, blank, "LR at %s tokens %.3g times that%s%s", COUNT(drift->at_tokens),
                   drift->at_ratio, INTERVAL90('g', 3, drift->at_ci90), beyond);
    if (drift->loss_reason[0]) {
        wrap_print(out, blank, "loss not compared: %s", drift->loss_reason);
        return;
    }
    wrap_print(out, blank, "loss at %s tokens %+.4f nats%s%s", COUNT(drift->loss_tokens),
               drift->loss_difference, INTERVAL90('+', 2, drift->loss_ci90),
               drift->loss_beyond ? "; beyond tolerance" : "");
}

static void print_baseline(FILE *out, const struct answer *answer)
{
    const struct baseline_answer *baseline = &answer->baseline;
    if (!baseline->wanted)
        return;
    if (baseline->reason[0]) {
        wrap_print(out, "Baseline  ", "not compared: %s", baseline->reason);
        return;
    }
    wrap_print(out, "Baseline  ", "%s", baseline->run_dir);
    drift_print(out, "          ", &baseline->drift);
}

/* ---- the summary ---- */

void warnings_print(FILE *out, const struct answer *answer)
{
    for (size_t i = 0; i < answer->warning_count; i++)
        wrap_print(out, i == 0 ? "Warnings  - " : "          - ", "%s", answer->warnings[i]);
}

static void print_next(FILE *out, const char *run_dir, const struct answer *answer)
{
    struct next_steps steps;
    if (!run_dir)
        return;
    next_steps_fill(&steps, run_dir, answer);
    for (size_t i = 0; i < steps.count; i++)
        next_step_print(out, i == 0 ? "Next      " : "          ", steps.commands[i]);
}

/* Why the search ended, the warnings, what to do next, and the campaign's name. */
static void print_end(FILE *out, const char *name, const char *run_dir, const struct answer *answer)
{
    if (answer->stopped[0])
        wrap_print(out, "Stopped   ", "%s", answer->stopped);
    warnings_print(out, answer);
    if (answer->warning_count == 0 && answer->status == ANSWER_IDENTIFIED)
        wrap_print(out, "Warnings  ", "none");
    print_next(out, run_dir, answer);
    wrap_print(out, "Campaign  ", "%s", name);
}

void summary_print_prediction(FILE *out, const char *name, const struct answer *answer,
                              const char *width)
{
    print_headline(out, answer);
    print_use(out, answer);
    print_best_batch(out, answer);
    print_extrapolated(out, answer);
    print_model(out, answer);
    if (*width)
        wrap_print(out, "Width     ", "%s", width);
    print_end(out, name, NULL, answer);
}

void summary_print(FILE *out, const char *name, const char *run_dir, const struct answer *answer)
{
    print_headline(out, answer);
    print_use(out, answer);
    print_measured(out, answer);
    print_ratios(out, answer);
    cells_print(out, answer, WRAP_COLUMNS);
    print_extrapolated(out, answer);
    print_model(out, answer);
    confirms_print(out, answer);
    verdicts_print(out, answer);
    print_cost(out, &answer->cost);
    print_baseline(out, answer);
    print_end(out, name, run_dir, answer);
}

/* ---- JSON line ---- */

static json_t *drift_json(const struct answer *answer, bool *ok)
{
    const struct baseline_answer *baseline = answer ? &answer->baseline : NULL;
    if (!baseline || !baseline->wanted || baseline->reason[0])
        return json_null();
    json_t *object = json_object();
    json_put(object, "lr", json_of_double(baseline->drift.lr_ratio), ok);
    json_put(object, "loss", json_of_double(baseline->drift.loss_difference), ok);
    json_put(object, "beyond", json_boolean(answer_drifted(answer)), ok);
    return object;
}

void summary_print_line(const char *name, const char *run_dir, const struct answer *answer,
                        int exit_status)
{
    static const double unknown[2] = {NAN, NAN};
    const struct target_answer *target = answer ? &answer->target : NULL;
    const char *status = answer ? answer_status_name(answer->status)
                         : exit_status == LR_EXIT_INTERRUPTED
                             ? answer_status_name(ANSWER_INTERRUPTED)
                             : "failed";
    bool ok = true;
    json_use_lr_memory();
    json_t *line = json_object();
    json_put(line, "name", json_of_text(name), &ok);
    json_put(line, "status", json_string(status), &ok);
    json_put(line, "exit", json_integer(exit_status), &ok);
    json_put(line, "lr", json_of_double(target ? target->lr : NAN), &ok);
    json_put(line, "ci90", json_of_interval(target ? target->ci90 : unknown), &ok);
    json_put(line, "target_tokens", target ? json_of_count(target->tokens) : json_null(), &ok);
    json_put(line, "drift", drift_json(answer, &ok), &ok);
    json_put(line, "run_dir", json_of_text(run_dir), &ok);
    char *text = json_to_line(line, ok);
    if (text) {
        fflush(stdout);
        fprintf(stderr, "lrsearch: summary %s\n", text);
    }
    lr_free(text);
}
