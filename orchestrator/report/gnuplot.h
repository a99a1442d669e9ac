#ifndef LRSEARCH_GNUPLOT_H
#define LRSEARCH_GNUPLOT_H

#include <stdbool.h>
#include <stdio.h>
#include "lrsearch/error.h"

/* Figures by gnuplot, which is run as a program and not linked (because of its licence, and of
 * nodes without it). A script contains its data, so that it can be drawn elsewhere: `gnuplot
 * FIGURE.gp`. */

struct gnuplot {
    FILE *script;
    char *path, *script_path; /* FIGURE and FIGURE.gp, absolute; owned */
};

/* Begins the figure `path` (SVG, width x height points). LR_ECREATE (also for a path with a control
 * character), LR_ENOSPC, LR_ENOMEM. */
int gnuplot_begin(struct gnuplot *gnuplot, const char *path, int width, int height,
                  struct lr_error *err);
/* Draws it completely or not at all, with the script's permissions, and removes the script. If
 * gnuplot is missing or fails, the script stays and *drawn is false. Releases *gnuplot in every
 * case. LR_EIO, LR_ENOSPC: the script could not be written. */
int gnuplot_end(struct gnuplot *gnuplot, bool *drawn, struct lr_error *err);

/* The same, and logs a warning if the figure `path` is not drawn. */
int gnuplot_end_or_warn(struct gnuplot *gnuplot, const char *path, struct lr_error *err);

/* Writes `text` as a single-quoted gnuplot string, in which nothing is expanded; a control
 * character becomes '?'. */
void gnuplot_string(FILE *script, const char *text);

#endif
