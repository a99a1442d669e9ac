#ifndef LRSEARCH_FIGURES_H
#define LRSEARCH_FIGURES_H

#include "history/history.h"
#include "lrsearch/answer.h"
#include "store/run_dir.h" /* struct trial */

/* Draws into RUN_DIR/figures, by gnuplot: basins.svg (loss against LR), horizon.svg (best LR
 * against tokens) and ratio.svg (best embedding ratio against width). A figure that would show
 * nothing is not made. `trials` are all trials of the campaign. Failures are logged, not returned;
 * without gnuplot its scripts stay, as *.svg.gp. */
void figures_draw(const char *run_dir, const struct answer *answer,
                  const struct trial *const *trials, size_t count);

/* Draws LR* with its interval over the runs of a history, in order; drifted runs are highlighted.
 * LR_EDATA: no run has an LR. Without gnuplot `path`.gp stays and a warning is logged. */
int history_figure(const char *path, const struct history_run *runs, size_t count,
                   struct lr_error *err);

#endif
