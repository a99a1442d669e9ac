/* What commands said that failed as trainers (RUN_DIR/output): the ends of their last attempts, so
 * that who reads the page elsewhere sees why. */
#include <inttypes.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "report/report_parts.h"
#include "store/run_dir.h"

enum { SHOWN = 20, TAIL = 8192 }; /* attempts, and bytes of each: the page stays small */

static bool has_failed(const struct trial *trial, uint32_t attempt)
{
    bool good = trial->state == TRIAL_DONE || trial->state == TRIAL_DIVERGED ||
                trial->state == TRIAL_RUNNING;
    return attempt < trial->attempt || !good;
}

/* "trial 12, attempt 1: failed: exit status 7; ...", and the rest below it. */
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

void report_output(struct html *page, const struct report_input *input)
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
            if (rc) /* no reason to be without the rest of the page */
                put_output(page, err.text);
            else if (text)
                put_output(page, text);
            lr_free(text);
        }
    }
    if (shown > 0)
        html_raw(page, "</section>\n");
}
