/* The first screen: whoever reads nothing else must know what to do, how sure that is, and why to
 * doubt it. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>
#include "report/report_parts.h"
#include "report/summary.h"

static void fact(struct html *page, const char *name, const char *value, const char *more)
{
    html_raw(page, "<div><dt>");
    html_text(page, name);
    html_raw(page, "<dd>");
    html_text(page, value);
    html_raw(page, " <small>");
    html_text(page, more);
    html_raw(page, "</small></div>");
}

static void add(char *text, size_t capacity, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void add(char *text, size_t capacity, const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, capacity - used, format, arguments);
    va_end(arguments);
}

const char *report_state(const struct answer *answer)
{
    switch (answer->status) {
    case ANSWER_IDENTIFIED:
        return "identified";
    case ANSWER_NOT_IDENTIFIED:
        return "not identified";
    case ANSWER_BUDGET_EXHAUSTED:
        return "budget used up";
    case ANSWER_INTERRUPTED:
        break;
    }
    return "not finished";
}

/* "<data value=...>2.0e-3</data>": the page shows two digits and keeps all. */
static void put_lr(struct html *page, double lr)
{
    char text[32];
    html_format(page, "<data id=\"lr\" value=\"%.17g\">%s</data>", lr,
                format_lr(text, sizeof(text), 2, lr));
}

static void put_headline(struct html *page, const struct answer *answer)
{
    char tokens[32];
    const struct target_answer *target = &answer->target;
    const char *reason = answer->reason[0] ? answer->reason : "no reason given";
    format_count(tokens, sizeof(tokens), (double)target->tokens);
    html_format(page, "<p class=\"badge %s\">%s</p><h1>", answer_status_name(answer->status),
                report_state(answer));
    if (answer->status == ANSWER_IDENTIFIED) {
        html_say(page, "Train %s tokens with a peak learning rate of ", tokens);
        put_lr(page, target->lr);
        html_raw(page, "</h1>");
        return;
    }
    html_say(page, "%s",
             answer->status == ANSWER_NOT_IDENTIFIED     ? "There is no answer for "
             : answer->status == ANSWER_BUDGET_EXHAUSTED ? "The budget was used up before there "
                                                           "was an answer for "
                                                         : "Not finished: no answer yet for ");
    html_say(page, "%s tokens", tokens);
    html_raw(page, "</h1><p class=\"reason\">");
    html_text(page, reason);
    html_raw(page, "</p>");
    if (!isfinite(target->lr))
        return;
    html_raw(page, "<p class=\"guess\">");
    html_text(page, answer->status == ANSWER_NOT_IDENTIFIED
                        ? "A guess, not to be relied on: learning rate "
                        : "As far as it went: learning rate ");
    put_lr(page, target->lr);
    html_raw(page, "</p>");
}

static void put_facts(struct html *page, const struct report_input *input,
                      const struct run_history *history)
{
    const struct target_answer *target = &input->answer->target;
    const struct answer_cost *cost = &input->answer->cost;
    char value[64], more[192], a[32], b[32];
    html_raw(page, "<dl class=\"facts\">");
    if (isfinite(target->lr))
        fact(page, "90 % interval",
             interval_known(target->ci90)
                 ? format_lr_interval(value, sizeof(value), 2, target->ci90)
                 : "not known",
             "of the best learning rate there");
    if (isfinite(target->loss_penalty)) {
        snprintf(value, sizeof(value), "%.2g nats", target->loss_penalty);
        fact(page, "Expected cost", value, "of loss, because this may not be the optimum");
    }
    if (isfinite(target->loss_penalty_if_wrong_2x)) {
        snprintf(value, sizeof(value), "%.2g nats", target->loss_penalty_if_wrong_2x);
        fact(page, "If it is wrong by 2x", value, "of loss, at half or twice the optimum");
    }
    snprintf(value, sizeof(value), "%" PRIu64 " training%s", cost->trials,
             cost->trials == 1 ? "" : "s");
    snprintf(more, sizeof(more), "%s tokens, %s of core time",
             format_count(a, sizeof(a), (double)cost->tokens),
             format_seconds(b, sizeof(b), cost->core_seconds));
    double fraction = cost->target_run_fraction;
    if (fraction >= 10 && isfinite(fraction))
        add(more, sizeof(more), ", %.3g times the target run", fraction);
    else if (fraction >= 0)
        add(more, sizeof(more), ", %.3g %% of the target run", 100 * fraction);
    if (cost->lost_attempts > 0)
        add(more, sizeof(more), "; %" PRIu64 " attempt%s lost", cost->lost_attempts,
            cost->lost_attempts == 1 ? "" : "s");
    if (history->wall_s > 0)
        add(more, sizeof(more), "; %s by the clock", format_seconds(a, sizeof(a), history->wall_s));
    fact(page, "Spent", value, more);
    if (target->width > 0) {
        snprintf(value, sizeof(value), "width %" PRIu32 ", vocabulary %" PRIu32, target->width,
                 target->vocab);
        snprintf(more, sizeof(more), "embedding learning rate %s",
                 format_lr(a, sizeof(a), 2, target->embedding_lr));
        fact(page, "Target", value, more);
    }
    const struct law_answer *law = &input->answer->law;
    if (isfinite(law->beta)) {
        snprintf(value, sizeof(value), "%s as tokens^%.2f", law->beta < 0 ? "rises" : "falls",
                 -law->beta);
        snprintf(more, sizeof(more), "90 %% interval %.2f .. %.2f; %.0f %% of it by the prior",
                 law->beta_ci90[0], law->beta_ci90[1], 100 * law->prior_weight);
        fact(page, "Law", value, more);
    }
    html_raw(page, "</dl>\n");
}

static void put_list(struct html *page, const char *title, const char (*texts)[ANSWER_TEXT],
                     size_t count)
{
    html_raw(page, "<h2>");
    html_text(page, title);
    html_raw(page, "</h2><ul>");
    for (size_t i = 0; i < count; i++) {
        html_raw(page, "<li>");
        html_text(page, texts[i]);
    }
    html_raw(page, "</ul>\n");
}

static void put_steps(struct html *page, const struct answer *answer)
{
    static const char *const titles[] = {"step", "LR times", "90 % interval", "known by", "how"};
    char text[64];
    if (answer->step_count == 0)
        return;
    html_raw(page, "<details><summary>From what was measured to the target</summary>");
    html_table(page, "Each step from what was measured to the target", titles, 5);
    for (size_t i = 0; i < answer->step_count; i++) {
        const struct transfer_step *step = &answer->steps[i];
        html_row(page, step->of);
        snprintf(text, sizeof(text), "%.3g", step->factor);
        html_cell(page, isfinite(step->factor) ? text : "-");
        snprintf(text, sizeof(text), "%.2g .. %.2g", step->ci90[0], step->ci90[1]);
        html_cell(page, interval_known(step->ci90) ? text : "-");
        html_cell(page, step->measured ? "measurement" : "published rule");
        html_cell(page, step->how);
    }
    html_table_end(page);
    html_raw(page, "</details>\n");
}

void report_answer(struct html *page, const struct report_input *input,
                   const struct run_history *history)
{
    const struct answer *answer = input->answer;
    html_raw(page, "<header><p class=\"name\">lrsearch campaign <b>");
    html_text(page, input->name);
    html_raw(page, "</b>");
    if (history->started_utc[0]) {
        html_raw(page, ", begun ");
        html_text(page, history->started_utc);
    }
    html_raw(page, "</p>");
    put_headline(page, answer);
    html_raw(page, "</header>\n<main>\n<section class=\"first\">");
    put_facts(page, input, history);
    if (answer->warning_count > 0)
        put_list(page, "Doubts", answer->warnings, answer->warning_count);
    else if (answer->status == ANSWER_IDENTIFIED)
        html_raw(page, "<h2>Doubts</h2><p>None found.</p>");
    if (answer->confirm_count > 0) {
        html_raw(page, "<h2>Tried at the target</h2><ul>");
        for (size_t i = 0; i < answer->confirm_count; i++) {
            html_raw(page, "<li>");
            html_text(page, answer->confirms[i].text);
        }
        html_raw(page, "</ul>");
    }
    if (answer->verdict_count > 0)
        put_list(page, "Published claims", answer->verdicts, answer->verdict_count);
    put_steps(page, answer);
    html_raw(page, "</section>\n");
}
