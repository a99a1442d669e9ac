/* The table of trials: what the points of the figures say is looked up here, so it stands in the
 * page once. Sorted and filtered by report.js. */
#include <inttypes.h>
#include <math.h>
#include "lrsearch/memory.h"
#include "report/cell_names.h"
#include "report/report_parts.h"
#include "report/summary.h"

/* Browsers take seconds to lay ten thousand rows out: the style shows so many, and a button all. */
enum { CUT = 300 };

static void put_head(struct html *page, bool cells, bool ratios)
{
    static const char *const titles[] = {"trial",  "round",   "model", "LR",   "embedding ratio",
                                         "tokens", "seed",    "state", "loss", "seconds",
                                         "rank",   "attempts"};
    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
        if ((i != 2 || cells) && (i != 4 || ratios))
            html_format(page, "<th scope=\"col\"><button type=\"button\">%s</button>", titles[i]);
}

static void put_trial(struct html *page, const struct report_input *input,
                      const struct trial *trial, bool cells, bool ratios)
{
    char text[CELL_NAME];
    const struct trial_spec *spec = &trial->spec;
    bool over = trial_state_is_over(trial->state);
    html_format(page, "<tr id=t%" PRIu32 "><th scope=row>%" PRIu32 "<td>%" PRIu32, trial->id,
                trial->id, trial->round);
    if (cells) {
        html_raw(page, "<td>");
        html_text(page, trial->purpose == PURPOSE_CONFIRM ? "target"
                        : trial->cell < input->answer->cell_count
                            ? cell_name(text, sizeof(text), input->answer, trial->cell, 0)
                            : "");
    }
    html_format(page, "<td>%s", format_lr(text, sizeof(text), 3, spec->lr));
    if (ratios)
        html_format(page, "<td>%.4g", spec->embedding_lr_ratio);
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

void report_trials(struct html *page, const struct report_input *input)
{
    bool cells = input->answer->cell_count > 1, ratios = false;
    for (size_t i = 1; i < input->count; i++)
        ratios = ratios || input->trials[i]->spec.embedding_lr_ratio !=
                               input->trials[0]->spec.embedding_lr_ratio;
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
    put_head(page, cells, ratios);
    html_raw(page, "<tbody>\n");
    for (size_t i = 0; i < input->count; i++)
        put_trial(page, input, input->trials[i], cells, ratios);
    html_raw(page, "</table></div></section>\n");
}
