#ifndef LRSEARCH_HISTORY_FIGURE_H
#define LRSEARCH_HISTORY_FIGURE_H

#include "lrsearch/error.h"
#include "history/history.h"

/* LR* with its interval over the runs, in their order; those that drifted stand out. SVG by
 * gnuplot; *drawn as gnuplot_end() says. LR_EDATA: not one of them has an LR. */
int history_figure(const char *path, const struct history_run *runs, size_t count, bool *drawn,
                   struct lr_error *err);

#endif
