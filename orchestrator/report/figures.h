#ifndef LRSEARCH_FIGURES_H
#define LRSEARCH_FIGURES_H

#include "history/history.h"
#include "report/figure.h"
#include "report/report.h"

/* The figures of a campaign, a file each. */

/* In RUN_DIR/figures: horizon.svg (best LR against tokens), ratio.svg (best embedding ratio against
 * width) and basins.svg (loss against LR). One that would show nothing is not made. `trials` are all
 * trials of the campaign. Nothing that fails here is an error: it is logged. */
void figures_draw(const char *run_dir, const struct answer *answer,
                  const struct trial *const *trials, size_t count);

/* All of them into the page, each with the numbers behind it. *missing: one could not be drawn. */
int figures_put(struct html *page, const struct report_input *input, bool *missing,
                struct lr_error *err);

/* ---- one each, into `path` ---- */

/* The answer has cells. *drawn: nothing is left to do, also when there is nothing to show; false:
 * gnuplot is missing, and `path`.gp stays. marks: of the page (figure.h); NULL: a figure by itself,
 * which only the first three can be. */
typedef int figure_function(const char *path, const struct report_input *input,
                            struct figure_marks *marks, bool *drawn, struct lr_error *err);
figure_function horizon_figure, ratio_figure, basins_figure, axes_figure, curves_figure,
    spent_figure, workers_figure;
#define REPORT_CURVES 200 /* in curves_figure(), at most */

/* LR* with its interval over the runs of a history, in their order; those that drifted stand out.
 * LR_EDATA: not one of them has an LR. Without gnuplot `path`.gp stays, and a warning says so. */
int history_figure(const char *path, const struct history_run *runs, size_t count,
                   struct lr_error *err);

#endif
