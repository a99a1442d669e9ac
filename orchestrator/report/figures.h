#ifndef LRSEARCH_FIGURES_H
#define LRSEARCH_FIGURES_H

#include "lrsearch/answer.h"
#include "lrsearch/error.h"
#include "store/run_dir.h" /* struct trial */

struct figure_marks;

/* The figures of a campaign, in RUN_DIR/figures: horizon.svg (best LR against tokens), ratio.svg
 * (best embedding ratio against width) and basins.svg (loss against LR). One that would show
 * nothing is not made. `trials` are all trials of the campaign. Nothing that fails here is an
 * error: it is logged. */
void figures_draw(const char *run_dir, const struct answer *answer,
                  const struct trial *const *trials, size_t count);

/* One figure each into `path`. The answer has cells, as figures_answer() makes it. *drawn: nothing
 * is left to do; false: gnuplot is missing, and `path`.gp stays. marks: of the report (figure.h);
 * NULL: a figure by itself. */
int horizon_figure(const char *path, const struct answer *answer, struct figure_marks *marks,
                   bool *drawn, struct lr_error *err);
int ratio_figure(const char *path, const struct answer *answer, struct figure_marks *marks,
                 bool *drawn, struct lr_error *err);
int basins_figure(const char *path, const struct answer *answer, const struct trial *const *trials,
                  size_t count, struct figure_marks *marks, bool *drawn, struct lr_error *err);

/* A copy of the answer; of one without axes that of its one cell. lr_free() it; NULL: no memory. */
struct answer *figures_answer(const struct answer *answer);

#endif
