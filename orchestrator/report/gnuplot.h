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

/* ---- log axes: a number that gnuplot cannot draw there does not change them ---- */

struct range {
    double low, high; /* low > high: empty */
};
bool range_takes(double value); /* positive, and far enough from the limits of double */
struct range range_empty(void);
bool range_is_empty(const struct range *range);
void range_add(struct range *range, double value);           /* if range_takes() it */
void range_widen(struct range *range, double factor);        /* both ends */
double range_clamp(const struct range *range, double value); /* NaN: low */

/* Gives axis 'x' or 'y' this range with ticks at 1, 2 and 5 of each power of ten, or more or fewer:
 * about `labels` of them are labelled. format: 'l' 1e-3, 'g' 0.001, 'c' 200k. */
void gnuplot_log_axis(FILE *script, char axis, const struct range *range, double labels,
                      char format);
/* A row of a data block, without its end: x, y and the ends of an interval, clamped to the range;
 * `at` for an end that is not known. */
void gnuplot_row(FILE *script, const struct range *range, double x, double y, double at,
                 const double ci90[2]);

#endif
