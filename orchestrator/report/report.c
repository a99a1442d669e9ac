/* Writes the page: the answer, the figures (figures.c), the output of failed commands, and all
 * trials. Style and script are separate files (report.css, report.js), which the build turns into
 * bytes. */
#include "report/report.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "lrsearch/version.h"
#include "report/cell_names.h"
#include "report/html.h"
#include "report/next_steps.h"
#include "report/plain_text.h"
#include "report/run_history.h"
#include "store/run_dir.h"

/* "answered", "not finished", ... */
static const char *state_words(const struct answer *answer)
{
    switch (answer->status) {
    case ANSWER_IDENTIFIED:
        return "answered";
    case ANSWER_NOT_IDENTIFIED:
        return "no answer";
    case ANSWER_BUDGET_EXHAUSTED:
        return "budget used up";
    case ANSWER_INTERRUPTED:
        break;
    }
    return "not finished";
}

/* ---- the answer ---- */

/* The first screen shows the result, its uncertainty and its warnings, for readers who read nothing
 * else. */
static void put_fact(struct html *page, const char *name, const char *value, const char *more)
{
    html_raw(page, "<div><dt>");
    html_text(page, name);
    html_raw(page, "<dd>");
    html_text(page, value);
    html_raw(page, " <small>");
    html_text(page, more);
    html_raw(page, "</small></div>");
}

static void append_text(char *text, size_t capacity, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void append_text(char *text, size_t capacity, const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, capacity - used, format, arguments);
    va_end(arguments);
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
                state_words(answer));
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
                        ? "A guess, not to be relied on: peak learning rate "
                        : "As far as it went: peak learning rate ");
    put_lr(page, target->lr);
    html_raw(page, "</p>");
}

/* What the word rests on. */
static const char *confidence_reasons(char *text, size_t capacity,
                                      const struct confidence_answer *confidence)
{
    snprintf(text, capacity, "%s",
             confidence->bracketed ? "trained on both sides of each optimum that counts"
                                   : "not trained on both sides of each optimum");
    if (confidence->back_test != BACK_TEST_NONE)
        append_text(text, capacity, "; back-test %s",
                    confidence->back_test == BACK_TEST_PASSED ? "ok" : "failed");
    return text;
}

static void put_facts(struct html *page, const struct report_input *input)
{
    const struct target_answer *target = &input->answer->target;
    const struct answer_cost *cost = &input->answer->cost;
    char value[64], more[192], a[32], b[32];
    bool usable = isfinite(target->lr) && input->answer->status != ANSWER_NOT_IDENTIFIED;
    html_raw(page, "<dl class=\"facts\">");
    if (isfinite(target->lr))
        put_fact(page, "90 % interval",
                 interval_known(target->ci90)
                     ? format_lr_interval(value, sizeof(value), 2, target->ci90)
                     : "not known",
                 "of the best learning rate there");
    if (input->answer->confidence.word != CONFIDENCE_NONE)
        put_fact(page, "Confidence", confidence_name(input->answer->confidence.word),
                 confidence_reasons(more, sizeof(more), &input->answer->confidence));
    if (usable && isfinite(target->loss_penalty)) {
        snprintf(value, sizeof(value), "%.2g nats", target->loss_penalty);
        put_fact(page, "If you use it", value, "of loss above the unknown optimum, about");
    }
    if (usable && isfinite(target->loss_penalty_if_wrong_2x)) {
        snprintf(value, sizeof(value), "%.2g nats", target->loss_penalty_if_wrong_2x);
        put_fact(page, "Half or twice the optimum", value, "of loss it would cost");
    }
    if (usable && target->keep_lr > 0 && isfinite(target->keep_penalty)) {
        snprintf(value, sizeof(value), "%.2g nats", target->keep_penalty);
        snprintf(more, sizeof(more),
                 "of loss, about, if you keep %s, the fitted optimum of the "
                 "longest trainings",
                 format_lr(a, sizeof(a), 2, target->keep_lr));
        put_fact(page, "If you keep the short one's", value, more);
    }
    snprintf(value, sizeof(value), "%" PRIu64 " training%s", cost->trials,
             cost->trials == 1 ? "" : "s");
    snprintf(more, sizeof(more), "%s tokens, %s of core time",
             format_count(a, sizeof(a), (double)cost->tokens),
             format_seconds(b, sizeof(b), cost->core_seconds));
    double fraction = cost->target_run_fraction;
    if (fraction >= 10 && isfinite(fraction))
        append_text(more, sizeof(more), ", %.3g times the target run", fraction);
    else if (fraction >= 0)
        append_text(more, sizeof(more), ", %.3g %% of the target run", 100 * fraction);
    if (cost->lost_attempts > 0)
        append_text(more, sizeof(more), "; %" PRIu64 " attempt%s lost", cost->lost_attempts,
                    cost->lost_attempts == 1 ? "" : "s");
    if (input->history->wall_s > 0)
        append_text(more, sizeof(more), "; %s by the clock",
                    format_seconds(a, sizeof(a), input->history->wall_s));
    put_fact(page, "Spent", value, more);
    if (target->width > 0) {
        snprintf(value, sizeof(value), "width %" PRIu32 ", vocabulary %" PRIu32, target->width,
                 target->vocab);
        snprintf(more, sizeof(more), "embedding learning rate %s",
                 format_lr(a, sizeof(a), 2, target->embedding_lr));
        put_fact(page, "Target", value, more);
    }
    const struct law_answer *law = &input->answer->law;
    if (isfinite(law->beta)) {
        snprintf(value, sizeof(value), "tokens^%s", format_fixed(a, sizeof(a), 2, -law->beta));
        snprintf(more, sizeof(more), "best learning rate ~ that; 90 %% interval %s .. %s",
                 format_fixed(a, sizeof(a), 2, -law->beta_ci90[1]),
                 format_fixed(b, sizeof(b), 2, -law->beta_ci90[0]));
        if (law->prior_weight >= 0.005)
            append_text(more, sizeof(more), "; %.0f %% of it is an assumption, the rest your runs",
                        100 * law->prior_weight);
        put_fact(page, "Extrapolated by", value, more);
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
        html_row(page, strcmp(step->of, "horizon") == 0 ? "length" : step->of);
        snprintf(text, sizeof(text), "%.3g", step->factor);
        html_cell(page, isfinite(step->factor) ? text : "-");
        snprintf(text, sizeof(text), "%.2g .. %.2g", step->ci90[0], step->ci90[1]);
        html_cell(page, interval_known(step->ci90) ? text : "-");
        html_cell(page, step->measured ? "your runs" : "published rule");
        html_cell(page, step->how);
    }
    html_table_end(page);
    html_raw(page, "</details>\n");
}

static void put_stopped(struct html *page, const struct answer *answer)
{
    if (!answer->stopped[0])
        return;
    html_raw(page, "<p>Stopped: ");
    html_text(page, answer->stopped);
    html_raw(page, "</p>\n");
}

static void put_next(struct html *page, const struct report_input *input)
{
    struct next_steps steps;
    next_steps_fill(&steps, input->run_dir, input->answer);
    html_raw(page, "<details><summary>What to do next</summary>");
    for (size_t i = 0; i < steps.count; i++) {
        html_raw(page, "<pre>");
        html_text(page, steps.commands[i]);
        html_raw(page, "</pre>");
    }
    html_raw(page, "</details>\n");
}

static void put_answer(struct html *page, const struct report_input *input)
{
    const struct answer *answer = input->answer;
    html_raw(page, "<header><p class=\"name\">lrsearch campaign <b>");
    html_text(page, input->name);
    html_raw(page, "</b>");
    if (input->history->started_utc[0]) {
        html_raw(page, ", begun ");
        html_text(page, input->history->started_utc);
    }
    html_raw(page, "</p>");
    put_headline(page, answer);
    html_raw(page, "</header>\n<main>\n<section class=\"first\">");
    put_facts(page, input);
    put_stopped(page, answer);
    if (answer->warning_count > 0)
        put_list(page, "Warnings", answer->warnings, answer->warning_count);
    else if (answer->status == ANSWER_IDENTIFIED)
        html_raw(page, "<h2>Warnings</h2><p>None.</p>");
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
    put_next(page, input);
    html_raw(page, "</section>\n");
}

/* ---- failed commands ---- */

/* Output of commands that failed as trainers (RUN_DIR/output): the ends of the latest attempts, for
 * readers without the run directory. */
enum { SHOWN = 20, TAIL = 8192 }; /* attempts, and bytes of each, to keep the page small */

static bool has_failed(const struct trial *trial, uint32_t attempt)
{
    bool good = trial->state == TRIAL_DONE || trial->state == TRIAL_DIVERGED ||
                trial->state == TRIAL_RUNNING;
    return attempt < trial->attempt || !good;
}

/* The first line is the heading, "trial 12, attempt 1: failed: ...", the rest the output. */
static void put_output(struct html *page, char *text)
{
    size_t length = strlen(text), head = strcspn(text, "\n");
    char *rest = text + head + (text[head] == '\n');
    text[head] = '\0';
    if (strlen(rest) > TAIL)
        rest = text + length - TAIL;
    html_raw(page, "<details><summary>");
    html_text(page, text);
    html_raw(page, "</summary><pre class=\"output\" tabindex=\"0\">");
    while (*rest) {
        char *line = rest;
        size_t end = strcspn(line, "\n");
        rest = line[end] ? line + end + 1 : line + end;
        line[end] = '\0';
        html_text(page, line);
        html_raw(page, "\n");
    }
    html_raw(page, "</pre></details>\n");
}

static void put_outputs(struct html *page, const struct report_input *input)
{
    size_t shown = 0;
    for (size_t i = input->count; i-- > 0 && shown < SHOWN;) {
        const struct trial *trial = input->trials[i];
        if (trial->spec.trainer != TRAINER_COMMAND)
            continue;
        for (uint32_t attempt = trial->attempt; attempt > 0 && shown < SHOWN; attempt--) {
            char name[TRIAL_PATH], *text = NULL;
            if (!has_failed(trial, attempt))
                continue;
            run_dir_output_file(name, "output", trial->id, attempt);
            struct lr_error err = {0};
            int rc = run_dir_read(input->run_dir, name, &text, &err);
            if ((rc || text) && shown++ == 0)
                html_raw(page, "<section id=\"output\"><h2>Commands that failed</h2>\n<p>What they "
                               "printed last, the latest first; all of it is in "
                               "<code>output/</code>.</p>\n");
            if (rc) /* an unreadable file must not cost the rest of the page */
                put_output(page, err.text);
            else if (text)
                put_output(page, text);
            lr_free(text);
        }
    }
    if (shown > 0)
        html_raw(page, "</section>\n");
}

/* ---- trials ---- */

/* The table of trials. report.js sorts and filters it, and looks up the points of the figures in
 * it, so that the page holds the data once. */
/* Rows shown until a button shows all (report.css): browsers take seconds to lay out ten
 * thousand. */
enum { CUT = 300 };

/* The columns that a campaign may lack. */
struct trial_columns {
    bool cells, ratios, decays;
};

static void put_trials_head(struct html *page, const struct trial_columns *columns)
{
    const struct {
        const char *title;
        bool shown;
    } all[] = {{"trial", true},
               {"round", true},
               {"model", columns->cells},
               {"LR", true},
               {"embedding ratio", columns->ratios},
               {"weight decay", columns->decays},
               {"tokens", true},
               {"seed", true},
               {"state", true},
               {"loss", true},
               {"seconds", true},
               {"rank", true},
               {"attempts", true}};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (all[i].shown)
            html_format(page, "<th scope=\"col\"><button type=\"button\">%s</button>",
                        all[i].title);
}

static void put_trial(struct html *page, const struct report_input *input,
                      const struct trial *trial, const struct trial_columns *columns)
{
    char text[CELL_NAME];
    const struct trial_spec *spec = &trial->spec;
    bool over = trial_state_is_over(trial->state);
    html_format(page, "<tr id=t%" PRIu32 "><th scope=row>%" PRIu32 "<td>%" PRIu32, trial->id,
                trial->id, trial->round);
    if (columns->cells) {
        html_raw(page, "<td>");
        html_text(page, trial->purpose == PURPOSE_CONFIRM ? "target"
                        : trial->cell < input->answer->cell_count
                            ? cell_name(text, sizeof(text), input->answer, trial->cell, 0)
                            : "");
    }
    html_format(page, "<td>%s", format_lr(text, sizeof(text), 3, spec->lr));
    if (columns->ratios)
        html_format(page, "<td>%.4g", spec->embedding_lr_ratio);
    if (columns->decays)
        html_format(page, "<td>%.3g", spec->weight_decay);
    html_format(page, "<td>%s<td>%" PRIu32 "<td>%s",
                format_count(text, sizeof(text), (double)spec->horizon_tokens), trial->replicate,
                trial_state_name(trial->state));
    if (trial->state == TRIAL_DONE)
        html_format(page, "<td>%.4f", trial->result.val_loss);
    else {
        html_raw(page, "<td>");
        html_text(page, over ? trial->result.message : "");
    }
    if (trial->spent.attempts > 0)
        html_format(page, "<td>%.1f", trial->spent.seconds);
    else
        html_raw(page, "<td>");
    if (trial->attempt > 0)
        html_format(page, "<td>%" PRIu32 "<td>%" PRIu32 "\n", trial->rank, trial->attempt);
    else
        html_raw(page, "<td><td>0\n");
}

static void put_trials(struct html *page, const struct report_input *input)
{
    struct trial_columns columns = {.cells = input->answer->cell_count > 1};
    for (size_t i = 1; i < input->count; i++) {
        const struct trial_spec *first = &input->trials[0]->spec, *spec = &input->trials[i]->spec;
        columns.ratios = columns.ratios || spec->embedding_lr_ratio != first->embedding_lr_ratio;
        columns.decays = columns.decays || spec->weight_decay != first->weight_decay;
    }
    html_format(page,
                "<section id=\"trials\"><h2>Trials</h2>\n<p class=\"tools\"><label for=\"filter\">"
                "Show rows with</label> <input id=\"filter\" type=\"search\" "
                "placeholder=\"such as: done 131k\"> <span id=\"shown\" role=\"status\">"
                "%zu of %zu</span>",
                input->count, input->count);
    if (input->count > CUT)
        html_raw(page, " <button id=\"more\" type=\"button\">Show all of these</button><noscript>"
                       "<style>#all tr { display: table-row !important; }</style></noscript>");
    html_format(page,
                "</p>\n<div class=\"wide tall\" tabindex=\"0\" role=\"group\" "
                "aria-label=\"Table of trials\"><table id=\"all\"%s><caption>All trials, in the "
                "order in which they were asked for; a title sorts%s</caption><thead><tr>",
                input->count > CUT ? " class=\"cut\"" : "",
                input->count > CUT ? ". Of many, the first 300 are shown" : "");
    put_trials_head(page, &columns);
    html_raw(page, "<tbody>\n");
    for (size_t i = 0; i < input->count; i++)
        put_trial(page, input, input->trials[i], &columns);
    html_raw(page, "</table></div></section>\n");
}

/* ---- the page ---- */

static void begin_page(struct html *page, const struct report_input *input)
{
    html_raw(page, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta "
                   "name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta "
                   "name=\"color-scheme\" content=\"light dark\">\n<title>");
    html_say(page, "%s: %s", input->name, state_words(input->answer));
    html_raw(page, "</title>\n<style>\n");
    html_bytes(page, report_css, report_css_size);
    html_raw(page, "</style>\n</head>\n<body>\n");
}

static void end_page(struct html *page)
{
    html_raw(page, "</main>\n<footer>lrsearch " LRSEARCH_VERSION
                   ". Losses in nats per token. This file is made from journal.jsonl beside it; "
                   "result.json and trials.csv have the same for programs.</footer>\n"
                   "<div id=\"tip\" role=\"status\" hidden></div>\n<script>\n");
    html_bytes(page, report_js, report_js_size);
    html_raw(page, "</script>\n</body>\n</html>\n");
}

int report_write(const struct report_input *given, struct lr_error *err)
{
    struct report_input input = *given;
    struct html page = {0};
    struct run_history history;
    int rc;
    input.history = &history;
    if ((rc = run_history_read(&history, input.run_dir, input.count, err)))
        goto out;
    begin_page(&page, &input);
    put_answer(&page, &input);
    put_outputs(&page, &input);
    put_trials(&page, &input);
    end_page(&page);
    if (page.failed) {
        rc = lr_nomem(err);
        goto out;
    }
    rc = run_dir_write(input.run_dir, "report.html", page.bytes, page.used, err);
out:
    html_release(&page);
    run_history_release(&history);
    return rc;
}
