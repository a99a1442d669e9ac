#ifndef LRSEARCH_FIGURES_H
#define LRSEARCH_FIGURES_H

#include "history/history.h"
#include "report/figure.h"
#include "report/report.h"

/* The figures of a campaign. */

/* Draws into RUN_DIR/figures: horizon.svg (best LR against tokens), ratio.svg (best embedding ratio
 * against width) and basins.svg (loss against LR). A figure that would show nothing is not made.
 * `trials` are all trials of the campaign. Failures are logged, not returned. */
void figures_draw(const char *run_dir, const struct answer *answer,
                  const struct trial *const *trials, size_t count);

/* ---- one figure each, into `path` ---- */

/* The answer must have cells. *drawn: drawn, or nothing to show; false: gnuplot is missing or
 * failed, and `path`.gp stays. marks: of the page; NULL: a standalone figure, which only the first
 * three support. */
typedef int figure_function(const char *path, const struct report_input *input,
                            struct figure_marks *marks, bool *drawn, struct lr_error *err);
figure_function horizon_figure, ratio_figure, basins_figure;

/* Draws LR* with its interval over the runs of a history, in order; drifted runs are highlighted.
 * LR_EDATA: no run has an LR. Without gnuplot `path`.gp stays and a warning is logged. */
int history_figure(const char *path, const struct history_run *runs, size_t count,
                   struct lr_error *err);

#endif
