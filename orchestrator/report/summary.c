/* Prints the answer as text, and in one line for programs that forward it. The first sentence gives
 * the answer, or says that there is none; the rest supports it: the measurements, the law fitted to
 * them, the law's check on data that it did not see, the cost, and every warning. */
#include "report/summary.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "report/cell_names.h"
#include "report/cells_text.h"
#include "report/plain_text.h"
#include "store/json_value.h"

struct texts { /* one buffer for each number in a sentence */
    char a[32], b[32], c[32], d[32], e[32];
};

#define COUNT(buffer, value) format_count(buffer, sizeof(buffer), (double)(value))
#define LR(buffer, digits, value) format_lr(buffer, sizeof(buffer), digits, value)

static void print_target(FILE *out, const char *lead, const struct target_answer *target)
{
    struct texts t;
    char interval[INTERVAL90_TEXT], expected[80] = "", penalty[80] = "";
    if (isfinite(target->loss_penalty))
        snprintf(expected, sizeof(expected),
                 "; not being the optimum, it costs about %.2g nats of loss", target->loss_penalty);
    if (isfinite(target->loss_penalty_if_wrong_2x))
        snprintf(penalty, sizeof(penalty), "; being wrong by 2x would cost %.2g",
                 target->loss_penalty_if_wrong_2x);
    wrap_print(out, "", "%slearning rate for %s tokens: %s%s%s%s", lead, COUNT(t.a, target->tokens),
               LR(t.b, 2, target->lr),
               format_interval90(interval, sizeof(interval), 'l', 2, target->ci90), expected,
               penalty);
}

static void print_headline(FILE *out, const struct answer *answer)
{
    struct texts t;
    bool some = isfinite(answer->target.lr);
    const char *reason = answer->reason[0] ? answer->reason : "no reason given";
    switch (answer->status) {
    case ANSWER_IDENTIFIED:
        print_target(out, "", &answer->target);
        return;
    case ANSWER_NOT_IDENTIFIED:
        wrap_print(out, "", "no learning rate for %s tokens could be identified: %s",
                   COUNT(t.a, answer->target.tokens), reason);
        break;
    case ANSWER_BUDGET_EXHAUSTED:
        wrap_print(out, "", "the budget was used up before the answer: %s", reason);
        break;
    case ANSWER_INTERRUPTED:
        wrap_print(out, "", "not finished: %s", reason);
        break;
    }
    if (some)
        print_target(out,
                     answer->status == ANSWER_NOT_IDENTIFIED ? "a guess, not to be relied on: "
                                                             : "as far as it went: ",
                     &answer->target);
}

static const char *format_loss(char *text, size_t capacity, double loss)
{
    if (!isfinite(loss))
        snprintf(text, capacity, "-");
    else
        snprintf(text, capacity, fabs(loss) < 1000 ? "%.4f" : "%.3e", loss);
    return text;
}

static void print_horizon(FILE *out, const struct horizon_answer *horizon)
{
    struct texts t;
    char interval[80], loss[32], curvature[32] = "-";
    if (isfinite(horizon->curvature))
        snprintf(curvature, sizeof(curvature), "%.2g", horizon->curvature);
    fprintf(out, "%9s  %8s  %-19s %9s %6" PRIu32 " %8" PRIu32 " %7s%s\n",
            COUNT(t.a, horizon->tokens), LR(t.b, 3, horizon->lr_opt),
            format_lr_interval(interval, sizeof(interval), 3, horizon->ci90),
            format_loss(loss, sizeof(loss), horizon->loss_min), horizon->trials, horizon->diverged,
            curvature,
            horizon->at_edge ? "  edge"
            : horizon->flat  ? "  flat"
                             : "");
}

static void print_horizons(FILE *out, const struct answer *answer)
{
    bool edge = false, flat = false;
    char name[CELL_NAME];
    fputc('\n', out);
    if (cells_nearest(name, sizeof(name), answer))
        wrap_print(out, "", "cell nearest to the target: %s", name);
    fprintf(out, "%9s  %8s  %-19s %9s %6s %8s %7s\n", "tokens", "best LR", "90 % interval", "loss",
            "trials", "diverged", "2x off");
    for (size_t i = 0; i < answer->horizon_count; i++) {
        print_horizon(out, &answer->horizons[i]);
        edge = edge || answer->horizons[i].at_edge;
        flat = flat || (answer->horizons[i].flat && !answer->horizons[i].at_edge);
    }
    if (answer->horizon_count == 0)
        fprintf(out, "%9s\n", "none");
    wrap_print(out, "  ",
               "loss in nats per token at the best LR; 2x off: what twice or half of it adds%s%s",
               edge ? "; edge: the best LR is the lowest or highest tried" : "",
               flat ? "; flat: the losses differ by no more than their noise" : "");
}

static void print_law(FILE *out, const struct answer *answer)
{
    const struct law_answer *law = &answer->law;
    struct texts t;
    char interval[INTERVAL90_TEXT], fit[80] = "", prior[80] = "", name[CELL_NAME];
    const char *of = cells_nearest(name, sizeof(name), answer);
    if (!isfinite(law->beta)) {
        wrap_print(out, "law       ", "none: too few horizons have a best LR");
        return;
    }
    if (law->prior_weight >= 0.9995)
        snprintf(prior, sizeof(prior), ", which is the prior alone");
    else if (law->prior_weight >= 0.005)
        snprintf(prior, sizeof(prior), ", %.0f\v%% of it by the prior", 100 * law->prior_weight);
    if (isfinite(law->r2))
        snprintf(fit, sizeof(fit), "; R2 %.3f", law->r2);
    wrap_print(out, "law       ", "%s%sLR %s as tokens^%.2f%s%s%s", of ? of : "", of ? ": " : "",
               law->beta < 0 ? "rises" : "falls", -law->beta,
               format_interval90(interval, sizeof(interval), 'f', 2, law->beta_ci90), prior, fit);
    if (law->holdout.tokens == 0)
        return;
    char predicted[80] = "", apart[80] = "";
    double ratio = law->holdout.lr_measured / law->holdout.lr_predicted;
    if (interval_known(law->holdout.ci90))
        snprintf(predicted, sizeof(predicted), " (%s\v..\v%s)", LR(t.a, 2, law->holdout.ci90[0]),
                 LR(t.b, 2, law->holdout.ci90[1]));
    if (ratio > 0 && isfinite(ratio))
        snprintf(apart, sizeof(apart), ", %.3g times that", ratio);
    wrap_print(out, "check     ",
               "at %s tokens the shorter horizons alone predict %s%s; measured %s%s",
               COUNT(t.c, law->holdout.tokens), LR(t.d, 2, law->holdout.lr_predicted), predicted,
               LR(t.e, 2, law->holdout.lr_measured), apart);
}

/* Several cells have their ratios in the table of cells. */
static void print_ratio(FILE *out, const struct answer *answer, enum answer_ratio which)
{
    char optimum[32] = "", interval[INTERVAL90_TEXT];
    const struct ratio_answer *ratio = &answer->ratios[which];
    if (!ratio->searched || answer->cell_count > 1)
        return;
    format_interval90(interval, sizeof(interval), 'g', 3, ratio->ci90);
    if (*interval)
        snprintf(optimum, sizeof(optimum), "; its optimum %.3g", ratio->optimum);
    wrap_print(out, "ratio     ",
               "%s LR %.3g times that of the hidden matrices%s%s, %" PRIu32 " trainings",
               which == RATIO_EMBEDDING ? "embedding" : "output", ratio->value, optimum, interval,
               ratio->trials);
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

static void describe_ratio(char *text, size_t capacity, const struct target_answer *target)
{
    char value[64], ends[2][64], interval[160] = "";
    const double *ci90 = target->ratio_ci90[RATIO_EMBEDDING];
    if (!isfinite(target->ratio[RATIO_EMBEDDING]))
        return;
    if (interval_known(ci90))
        snprintf(interval, sizeof(interval), " (90\v%% interval %s\v..\v%s)",
                 format_ratio(ends[0], sizeof(ends[0]), ci90[0]),
                 format_ratio(ends[1], sizeof(ends[1]), ci90[1]));
    snprintf(text, capacity, ", best %s times that of the hidden matrices%s",
             format_ratio(value, sizeof(value), target->ratio[RATIO_EMBEDDING]), interval);
}

static void print_model(FILE *out, const struct answer *answer)
{
    const struct target_answer *target = &answer->target;
    struct texts t;
    char model[128] = "", vocab[32] = "", ratio[320] = "";
    if (target->width == 0) /* a table of losses has no model */
        return;
    if (answer->cell_count > 0) {
        describe_model(model, sizeof(model), target);
        describe_ratio(ratio, sizeof(ratio), target);
    }
    if (target->vocab > 0) /* optional for a command */
        snprintf(vocab, sizeof(vocab), ", vocabulary %" PRIu32, target->vocab);
    wrap_print(out, "target    ", "width %" PRIu32 "%s%s, embedding LR %s%s", target->width, model,
               vocab, LR(t.a, 2, target->embedding_lr), ratio);
}

static void print_cost(FILE *out, const struct answer_cost *cost)
{
    struct texts t;
    char flops[32] = "", seconds[48] = "", share[64] = "";
    if (cost->flops > 0 && isfinite(cost->flops))
        snprintf(flops, sizeof(flops), ", %.2e FLOPs", cost->flops);
    if (isfinite(cost->core_seconds))
        snprintf(seconds, sizeof(seconds), ", %s of core time",
                 format_seconds(t.c, sizeof(t.c), cost->core_seconds));
    double fraction = cost->target_run_fraction;
    if (fraction >= 10)
        snprintf(share, sizeof(share), "; %.3g times the target run", fraction);
    else if (fraction >= 0)
        snprintf(share, sizeof(share), "; %.3g\v%% of the target run", 100 * fraction);
    wrap_print(out, "cost      ", "%" PRIu64 " training%s, %s tokens%s%s%s", cost->trials,
               cost->trials == 1 ? "" : "s", COUNT(t.b, cost->tokens), flops, seconds, share);
    if (cost->lost_attempts > 0)
        wrap_print(out, "lost      ",
                   "%" PRIu64 " attempt%s and %s tokens; faults.csv tells where and why",
                   cost->lost_attempts, cost->lost_attempts == 1 ? "" : "s",
                   COUNT(t.b, cost->lost_tokens));
    if (cost->reused_tokens > 0)
        wrap_print(out, "reused    ", "%s tokens from another campaign",
                   COUNT(t.b, cost->reused_tokens));
}

static void print_reach(FILE *out, const struct answer *answer)
{
    struct texts t;
    if (answer->horizon_count == 0)
        return;
    uint64_t longest = answer->horizons[answer->horizon_count - 1].tokens;
    double times = (double)answer->target.tokens / (double)longest;
    if (times > 1)
        wrap_print(out, "reach     ", "%.3g times as long as the longest horizon, %s tokens", times,
                   COUNT(t.a, longest));
    else
        wrap_print(out, "reach     ", "within the horizons, the longest of which is %s tokens",
                   COUNT(t.a, longest));
}

/* ---- from the measurements to the target ---- */

void transfer_print(FILE *out, const struct answer *answer)
{
    for (size_t i = 0; i < answer->step_count; i++) {
        const struct transfer_step *step = &answer->steps[i];
        char factor[32] = "not known", interval[INTERVAL90_TEXT];
        if (isfinite(step->factor))
            snprintf(factor, sizeof(factor), "times %.3g", step->factor);
        wrap_print(out, i == 0 ? "transfer  - " : "          - ", "%s: LR %s%s; %s%s", step->of,
                   factor, format_interval90(interval, sizeof(interval), 'g', 2, step->ci90),
                   step->measured ? "measured: " : "assumed: ", step->how);
    }
}

/* ---- drift ---- */

static const char *drift_ratio_text(char text[128], double ratio, const double ci90[2])
{
    char interval[INTERVAL90_TEXT];
    snprintf(text, 128, "%.3g times that%s", ratio,
             format_interval90(interval, sizeof(interval), 'g', 3, ci90));
    return text;
}

void drift_print(FILE *out, const char *lead, const struct drift *drift)
{
    struct texts t;
    char ratio[128], interval[INTERVAL90_TEXT], blank[32];
    const char *beyond = drift->lr_beyond ? "; beyond tolerance" : "";
    snprintf(blank, sizeof(blank), "%*s", (int)strlen(lead), "");
    if (drift->lr_reason[0])
        wrap_print(out, lead, "LR at the target not compared: %s", drift->lr_reason);
    else
        wrap_print(out, lead, "LR at the target %s%s",
                   drift_ratio_text(ratio, drift->lr_ratio, drift->lr_ci90),
                   drift->at_tokens ? "" : beyond);
    if (drift->at_tokens)
        wrap_print(out, blank, "LR at %s tokens %s%s", COUNT(t.a, drift->at_tokens),
                   drift_ratio_text(ratio, drift->at_ratio, drift->at_ci90), beyond);
    if (drift->loss_reason[0]) {
        wrap_print(out, blank, "loss not compared: %s", drift->loss_reason);
        return;
    }
    wrap_print(out, blank, "loss at %s tokens %+.4f nats%s%s", COUNT(t.a, drift->loss_tokens),
               drift->loss_difference,
               format_interval90(interval, sizeof(interval), '+', 2, drift->loss_ci90),
               drift->loss_beyond ? "; beyond tolerance" : "");
}

static void print_baseline(FILE *out, const struct answer *answer)
{
    const struct baseline_answer *baseline = &answer->baseline;
    if (!baseline->wanted)
        return;
    if (baseline->reason[0]) {
        wrap_print(out, "baseline  ", "not compared: %s", baseline->reason);
        return;
    }
    wrap_print(out, "baseline  ", "%s", baseline->run_dir);
    drift_print(out, "          ", &baseline->drift);
}

/* ---- the summary ---- */

void warnings_print(FILE *out, const struct answer *answer)
{
    for (size_t i = 0; i < answer->warning_count; i++)
        wrap_print(out, i == 0 ? "warnings  - " : "          - ", "%s", answer->warnings[i]);
}

/* The warnings, and the campaign's name. */
static void print_end(FILE *out, const char *name, const struct answer *answer)
{
    warnings_print(out, answer);
    if (answer->warning_count == 0 && answer->status == ANSWER_IDENTIFIED)
        wrap_print(out, "warnings  ", "none found");
    wrap_print(out, "campaign  ", "%s", name);
}

void summary_print_prediction(FILE *out, const char *name, const struct answer *answer,
                              const char *width)
{
    print_headline(out, answer);
    fputc('\n', out);
    print_law(out, answer);
    exponents_print(out, answer);
    joint_print(out, answer);
    print_reach(out, answer);
    transfer_print(out, answer);
    print_model(out, answer);
    if (*width)
        wrap_print(out, "width     ", "%s", width);
    print_end(out, name, answer);
}

void summary_print(FILE *out, const char *name, const struct answer *answer)
{
    print_headline(out, answer);
    print_horizons(out, answer);
    cells_print(out, answer);
    fputc('\n', out);
    print_law(out, answer);
    print_ratio(out, answer, RATIO_EMBEDDING);
    print_ratio(out, answer, RATIO_OUTPUT);
    exponents_print(out, answer);
    joint_print(out, answer);
    confirms_print(out, answer);
    verdicts_print(out, answer);
    transfer_print(out, answer);
    print_model(out, answer);
    print_cost(out, &answer->cost);
    print_baseline(out, answer);
    print_end(out, name, answer);
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
    if (text)
        fprintf(stderr, "lrsearch: summary %s\n", text);
    lr_free(text);
}
