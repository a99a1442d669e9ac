/* The page around its parts. Style and script are files of their own (report.css, report.js), which
 * the build turns into bytes. */
#include "report/report.h"

#include <string.h>
#include "lrsearch/version.h"
#include "report/report_parts.h"

static void put_head(struct html *page, const struct report_input *input)
{
    html_raw(page, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta "
                   "name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta "
                   "name=\"color-scheme\" content=\"light dark\">\n<title>");
    html_say(page, "%s: %s", input->name, report_state(input->answer));
    html_raw(page, "</title>\n<style>\n");
    html_bytes(page, report_css, report_css_size);
    html_raw(page, "</style>\n</head>\n<body>\n");
}

static void put_missing(struct html *page, const char *run_dir)
{
    html_raw(page,
             "<p class=\"missing\" id=\"missing\">The figures are not drawn, because there was "
             "no gnuplot where this was written (or it failed). Where there is one, this "
             "draws them: <code>lrsearch report ");
    html_text(page, run_dir);
    html_raw(page, "</code>. The tables below have the same numbers.</p>\n");
}

static void put_end(struct html *page)
{
    html_raw(page, "</main>\n<footer>lrsearch " LRSEARCH_VERSION
                   ". Losses in nats per token. This file is made from journal.jsonl beside it; "
                   "result.json and trials.csv have the same for programs.</footer>\n"
                   "<div id=\"tip\" role=\"status\" hidden></div>\n<script>\n");
    html_bytes(page, report_js, report_js_size);
    html_raw(page, "</script>\n</body>\n</html>\n");
}

int report_write(const struct report_input *input, struct lr_error *err)
{
    struct html page = {0}, figures = {0};
    struct run_history history;
    bool missing = false;
    int rc = run_history_read(&history, input->run_dir, input->count, err);
    if (!rc)
        rc = report_figures(&figures, input, &history, &missing, err);
    if (!rc) {
        put_head(&page, input);
        report_answer(&page, input, &history);
        if (missing)
            put_missing(&page, input->run_dir);
        html_bytes(&page, figures.bytes, figures.used);
        report_output(&page, input);
        report_trials(&page, input);
        put_end(&page);
        if (page.failed || figures.failed)
            rc = lr_nomem(err);
    }
    if (!rc)
        rc = run_dir_write(input->run_dir, "report.html", page.bytes, page.used, err);
    html_release(&figures);
    html_release(&page);
    run_history_release(&history);
    return rc;
}
