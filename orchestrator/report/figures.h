#ifndef LRSEARCH_FIGURES_H
#define LRSEARCH_FIGURES_H

#include "lrsearch/answer.h"
#include "lrsearch/error.h"
#include "store/run_dir.h" /* struct trial */

/* The figures of a campaign, in RUN_DIR/figures: horizon.svg (best LR against tokens), ratio.svg
 * (best embedding ratio against width) and basins.svg (loss against LR). One that would show
 * nothing is not made. `trials` are all trials of the campaign. Nothing that fails here is an
 * error: it is logged. */
void figures_draw(const char *run_dir, const struct answer *answer,
                  const struct trial *const *trials, size_t count);

/* One figure each into `path`. The answer has cells. *drawn: nothing is left to do; false: gnuplot
 * is missing, and `path`.gp stays. */
int horizon_figure(const char *path, const struct answer *answer, bool *drawn,
                   struct lr_error *err);
int ratio_figure(const char *path, const struct answer *answer, bool *drawn, struct lr_error *err);
int basins_figure(const char *path, const struct answer *answer, const struct trial *const *trials,
                  size_t count, bool *drawn, struct lr_error *err);

#endif
