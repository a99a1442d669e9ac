/* The page is a header that needs no script (the answer, its confidence, the warnings), the data as
 * JSON, D3, and the scripts of page/, which fill <main>. A build without D3 writes the static
 * figures and the table of trials in their place. The policy in the head forbids the page to load
 * anything. */
#include "report/report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "lrsearch/version.h"
#include "report/cell_names.h"
#include "report/html.h"
#include "report/plain_text.h"
#include "report/report_data.h"
#include "report/run_history.h"

int report_add_round(struct report_input *input, uint32_t round, const struct answer *answer,
                     struct lr_error *err)
{
    size_t basins = answer->cell_count > 0 ? answer->basin_count : answer->horizon_count;
    if (input->round_count == REPORT_ROUNDS)
        return 0;
    struct report_round *known = &input->rounds[input->round_count];
    *known = (struct report_round){
        .round = round,
        .tokens = answer->cost.tokens,
        .lr = answer->target.lr,
        .ci90 = {answer->target.ci90[0], answer->target.ci90[1]},
        .fits = lr_calloc(basins + 1, sizeof(*known->fits)),
    };
    if (!known->fits)
        return lr_nomem(err);
    input->round_count++;
    for (size_t i = 0; i < basins; i++) {
        bool cells = answer->cell_count > 0;
        const struct horizon_answer *horizon =
            cells ? &answer->basins[i].horizon : &answer->horizons[i];
        known->fits[known->fit_count++] = (struct report_fit){
            .cell = cells ? answer->basins[i].cell : 0,
            .tokens = horizon->tokens,
            .lr_opt = horizon->lr_opt,
            .ci90 = {horizon->ci90[0], horizon->ci90[1]},
        };
    }
    return 0;
}

void report_input_release(struct report_input *input)
{
    for (size_t i = 0; i < input->round_count; i++)
        lr_free(input->rounds[i].fits);
    input->round_count = 0;
}

/* ---- the header ---- */

static const char *state_words(const struct report_input *input)
{
    if (input->state == STATUS_RUNNING)
        return "running";
    switch (input->answer->status) {
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

/* "answered: strong confidence". The classes are the answer's status and the word. */
static void put_badge(struct html *page, const struct report_input *input)
{
    const struct answer *answer = input->answer;
    const char *word = confidence_name(answer->confidence.word);
    html_format(page, "<p class=\"badge %s %s\">%s", answer_status_name(answer->status), word,
                state_words(input));
    if (answer->confidence.word != CONFIDENCE_NONE)
        html_format(page, ": %s confidence", word);
    html_raw(page, "</p>\n");
}

/* "<data value=...>2.0e-3</data>": the page shows two digits and keeps all. */
static void put_lr(struct html *page, const struct target_answer *target)
{
    html_format(page, "<data id=\"lr\" value=\"%.17g\">%s</data>", target->lr, LR(2, target->lr));
    if (interval_known(target->ci90)) /* "to", as everywhere on the page */
        html_format(page, " <small>(90&nbsp;%% interval %s to %s)</small>", LR(2, target->ci90[0]),
                    LR(2, target->ci90[1]));
}

static void put_headline(struct html *page, const struct report_input *input)
{
    const struct answer *answer = input->answer;
    const struct target_answer *target = &answer->target;
    const char *tokens = COUNT(target->tokens);
    html_raw(page, "<h1>");
    if (answer->status == ANSWER_IDENTIFIED) {
        html_format(page, "Train %s tokens with a peak learning rate of ", tokens);
        put_lr(page, target);
        html_raw(page, "</h1>\n");
        return;
    }
    html_format(page, "%s%s tokens",
                answer->status == ANSWER_NOT_IDENTIFIED     ? "There is no answer for "
                : answer->status == ANSWER_BUDGET_EXHAUSTED ? "The budget was used up before there "
                                                              "was an answer for "
                : input->state == STATUS_RUNNING            ? "No answer yet for "
                                                            : "Not finished: no answer yet for ",
                tokens);
    html_raw(page, "</h1>\n");
    if (input->state != STATUS_RUNNING) {
        html_raw(page, "<p class=\"reason\">");
        html_text(page, answer->reason[0] ? answer->reason : "no reason given");
        html_raw(page, "</p>\n");
    }
    if (!isfinite(target->lr))
        return;
    html_raw(page, "<p class=\"guess\">");
    html_text(page, answer->status == ANSWER_NOT_IDENTIFIED
                        ? "A guess, not to be relied on: peak learning rate "
                        : "As far as it went: peak learning rate ");
    put_lr(page, target);
    html_raw(page, "</p>\n");
}

static void put_warnings(struct html *page, const struct answer *answer)
{
    if (answer->warning_count == 0)
        return;
    html_raw(page, "<div id=\"warnings\"><h2>Warnings</h2><ul>");
    for (size_t i = 0; i < answer->warning_count; i++) {
        html_raw(page, "<li>");
        html_text(page, answer->warnings[i]);
    }
    html_raw(page, "</ul></div>\n");
}

static void put_header(struct html *page, const struct report_input *input)
{
    const struct run_history *history = input->history;
    html_raw(page, "<header>\n<p class=\"name\">lrsearch campaign <b>");
    html_text(page, input->name);
    html_raw(page, "</b>");
    if (history->start_count > 0) {
        html_raw(page, ", begun ");
        html_text(page, history->starts[0].session.started_utc);
    }
    html_raw(page, "</p>\n");
    put_badge(page, input);
    put_headline(page, input);
    put_warnings(page, input->answer);
    html_raw(page, "</header>\n");
}

/* ---- with D3 ---- */

static void put_scripts(struct html *page, const char *data)
{
    html_raw(page,
             "<noscript><p class=\"missing\">The figures and tables of this page are drawn by "
             "a script, and scripts are off. The same numbers are in trials.csv and "
             "result.json beside this file once the campaign has ended, the figures in "
             "figures/.</p></noscript>\n"
             "<main id=\"page\"></main>\n"
             "<script type=\"application/json\" id=\"data\">");
    html_raw(page, data);
    html_raw(page, "</script>\n<script>\n");
    html_bytes(page, page_d3, page_d3_size);
    html_raw(page, "</script>\n<script>\n(function () {\n\"use strict\";\n");
    html_bytes(page, page_js, page_js_size);
    html_raw(page, "})();\n</script>\n");
}

/* ---- without ---- */

static void put_figure(struct html *page, const char *run_dir, const char *name, const char *title)
{
    char file[64], *svg = NULL;
    snprintf(file, sizeof(file), "figures/%s.svg", name);
    if (run_dir_read(run_dir, file, &svg, NULL) || !svg)
        return;
    html_format(page,
                "<figure id=\"%s\"><figcaption>%s</figcaption><img alt=\"%s\" "
                "src=\"data:image/svg+xml;base64,",
                name, title, title);
    html_base64(page, svg, strlen(svg));
    html_raw(page, "\"></figure>\n");
    lr_free(svg);
}

static void put_cell(struct html *page, const char *text)
{
    html_raw(page, "<td>");
    html_text(page, text);
}

/* Without the optional end tags: there may be ten thousand rows. */
static void put_trial(struct html *page, const struct report_input *input,
                      const struct trial *trial)
{
    char text[CELL_NAME];
    const struct trial_spec *spec = &trial->spec;
    bool over = trial_state_is_over(trial->state);
    html_format(page, "<tr><th scope=\"row\">%" PRIu32 "<td>%" PRIu32, trial->id, trial->round);
    put_cell(page, trial->purpose == PURPOSE_CONFIRM ? "target"
                   : trial->cell < input->answer->cell_count
                       ? cell_name(text, sizeof(text), input->answer, trial->cell, 0)
                       : "");
    put_cell(page, format_lr(text, sizeof(text), 3, spec->lr));
    html_format(page, "<td>%.4g<td>%.3g", spec->embedding_lr_ratio, spec->weight_decay);
    put_cell(page, format_count(text, sizeof(text), (double)spec->horizon_tokens));
    html_format(page, "<td>%" PRIu64 "<td>%s", spec->seed, trial_state_name(trial->state));
    snprintf(text, sizeof(text), "%.4f", trial->result.val_loss);
    put_cell(page, trial->state == TRIAL_DONE ? text : over ? trial->result.message : "");
    html_raw(page, "\n");
}

static void put_static(struct html *page, const struct report_input *input)
{
    html_raw(page, "<main id=\"page\">\n<p class=\"missing\" id=\"missing\">This page has no "
                   "interactive figures, because lrsearch was built without D3: install the "
                   "package node-d3 and build again.</p>\n");
    put_figure(page, input->run_dir, "basins", "Loss against learning rate");
    put_figure(page, input->run_dir, "horizon", "Best learning rate against tokens");
    put_figure(page, input->run_dir, "ratio", "Best embedding ratio against width");
    html_raw(page, "<section id=\"trials\"><h2>Trials</h2>\n"
                   "<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"All trials\">"
                   "<table><caption>All trials</caption><thead><tr><th scope=\"col\">trial"
                   "<th scope=\"col\">round<th scope=\"col\">model<th scope=\"col\">LR"
                   "<th scope=\"col\">embedding ratio<th scope=\"col\">weight decay"
                   "<th scope=\"col\">tokens<th scope=\"col\">seed<th scope=\"col\">state"
                   "<th scope=\"col\">loss<tbody>\n");
    for (size_t i = 0; i < input->count; i++)
        put_trial(page, input, input->trials[i]);
    html_raw(page, "</table></div>\n</section>\n</main>\n");
}

/* ---- the page ---- */

static void put_head(struct html *page, const struct report_input *input)
{
    html_raw(page, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                   "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                   "style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: blob:\">\n"
                   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                   "<meta name=\"color-scheme\" content=\"light dark\">\n");
    if (input->refresh_s > 0)
        html_format(page, "<meta http-equiv=\"refresh\" content=\"%u\">\n", input->refresh_s);
    html_raw(page, "<title>");
    html_text(page, input->name);
    html_format(page, ": %s", state_words(input));
    html_raw(page, "</title>\n<style>\n");
    html_bytes(page, page_css, page_css_size);
    html_raw(page, "</style>\n</head>\n<body>\n");
}

/* Reads the journal; then `input` has everything. run_history_release() in any case. */
static int prepare(struct report_input *input, const struct report_input *given,
                   struct run_history *history, struct lr_error *err)
{
    *input = *given;
    input->history = history;
    return run_history_read(history, given->run_dir, given->count, err);
}

int report_data_text(char **text, const struct report_input *given, struct lr_error *err)
{
    struct report_input input;
    struct run_history history;
    int rc = prepare(&input, given, &history, err);
    if (!rc && !(*text = report_data_json(&input)))
        rc = lr_nomem(err);
    run_history_release(&history);
    return rc;
}

int report_write(const struct report_input *given, struct lr_error *err)
{
    struct report_input input;
    struct run_history history;
    struct html page = {0};
    char *data = NULL;
    int rc = prepare(&input, given, &history, err);
    if (rc)
        goto out;
    put_head(&page, &input);
    put_header(&page, &input);
    if (page_d3_size > 0 && !(data = report_data_json(&input))) {
        rc = lr_nomem(err);
        goto out;
    }
    if (data)
        put_scripts(&page, data);
    else
        put_static(&page, &input);
    html_raw(&page, "<footer>lrsearch " LRSEARCH_VERSION
                    ". Losses in nats per token. This file is made from journal.jsonl beside it; "
                    "result.json and trials.csv have the same for programs once the campaign has "
                    "ended.</footer>\n"
                    "</body>\n</html>\n");
    if (page.failed) {
        rc = lr_nomem(err);
        goto out;
    }
    rc = run_dir_write(input.run_dir, "report.html", page.bytes, page.used, err);
out:
    lr_free(data);
    html_release(&page);
    run_history_release(&history);
    return rc;
}
