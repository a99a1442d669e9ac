#ifndef LRSEARCH_GNUPLOT_H
#define LRSEARCH_GNUPLOT_H

#include <stdbool.h>
#include <stdio.h>
#include "lrsearch/error.h"

/* Figures by gnuplot, which is called and not linked (its licence, and nodes that do not have it).
 * A script holds its data inline, so that it can be drawn elsewhere: `gnuplot FIGURE.gp`. */

struct gnuplot {
    FILE *script;
    char *path, *script_path; /* FIGURE and FIGURE.gp, absolute; owned */
};

/* Begins the figure `path` (SVG, width x height points). LR_ECREATE (also for a path
 * with a control character), LR_ENOMEM. */
int gnuplot_begin(struct gnuplot *gnuplot, const char *path, int width, int height,
                  struct lr_error *err);
/* Draws it, whole or not at all and with the script's permissions, and removes the script; where
 * there is no gnuplot, or it fails, the script stays and *drawn is false. Releases in every case.
 * LR_EIO, LR_ENOSPC: the script could not be written. */
int gnuplot_end(struct gnuplot *gnuplot, bool *drawn, struct lr_error *err);

/* The same for a figure that a user named `path`: a warning says that it is not drawn. */
int gnuplot_end_or_warn(struct gnuplot *gnuplot, const char *path, struct lr_error *err);

/* `text` as a gnuplot string in single quotes, in which nothing is expanded; a control character
 * becomes '?'. */
void gnuplot_string(FILE *script, const char *text);

#endif
