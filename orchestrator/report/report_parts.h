#ifndef LRSEARCH_REPORT_PARTS_H
#define LRSEARCH_REPORT_PARTS_H

#include <stdbool.h>
#include "report/figure.h"
#include "report/html.h"
#include "report/report.h"
#include "report/run_history.h"

/* The parts of the page, in their order. The figures of report_*_figure are drawn as those of
 * figures.h are, and as them make nothing when there is nothing to show. */

void report_answer(struct html *page, const struct report_input *input,
                   const struct run_history *history);
/* *missing: a figure could not be drawn. */
int report_figures(struct html *page, const struct report_input *input,
                   const struct run_history *history, bool *missing, struct lr_error *err);
void report_output(struct html *page, const struct report_input *input); /* of failed commands */
void report_trials(struct html *page, const struct report_input *input);

int axes_figure(const char *path, const struct answer *answer, struct figure_marks *marks,
                bool *drawn, struct lr_error *err);
#define REPORT_CURVES 200 /* in the figure, at most */
int curves_figure(const char *path, const struct report_input *input,
                  const struct run_history *history, struct figure_marks *marks, bool *drawn,
                  struct lr_error *err);
int spent_figure(const char *path, const struct report_input *input, struct figure_marks *marks,
                 bool *drawn, struct lr_error *err);
int workers_figure(const char *path, const struct run_history *history, struct figure_marks *marks,
                   bool *drawn, struct lr_error *err);

/* "identified", "not finished", ... */
const char *report_state(const struct answer *answer);

/* Style and script, report.css and report.js as they are in the tree. */
extern const unsigned char report_css[], report_js[];
extern const size_t report_css_size, report_js_size;

#endif
