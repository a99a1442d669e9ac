#ifndef LRSEARCH_FIGURE_H
#define LRSEARCH_FIGURE_H

#include <stddef.h>
#include <stdint.h>
#include "report/gnuplot.h"
#include "report/html.h"

/* The frame that the figures of a campaign share: panels in rows under one title, caption and
 * legend. The caller gives ranges and ticks, so that a number that gnuplot cannot draw (infinite,
 * or not positive on a log axis) does not change an axis. */

/* On a log axis: positive, and far enough from the limits of double for further factors. */
bool figure_shows(double value);
bool figure_slope(double value); /* a plausible exponent */

struct range {
    double low, high; /* low > high: empty */
};
struct range range_empty(void);
bool range_is_empty(const struct range *range);
void range_add(struct range *range, double value);           /* if figure_shows() it */
void range_widen(struct range *range, double factor);        /* both ends */
double range_clamp(const struct range *range, double value); /* NaN: low */
/* Extends the range toward `ends`, by at most `factor` on each side. */
void range_add_ends(struct range *range, const struct range *ends, double factor);

/* Inserts a value into `count` ascending and distinct ones, if it is new and there is room; returns
 * the new count. */
size_t figure_add_value(uint64_t *values, size_t count, size_t capacity, uint64_t value);
/* A legend of horizons: "131k tokens". context: uint64_t tokens[]. */
const char *figure_tokens_legend(void *context, size_t index, char *text, size_t capacity);

/* x, shifted slightly on a log axis, so that the bars of `count` series stand side by side. */
double figure_beside(const struct range *range, double x, size_t index, size_t count);

/* Writes a row of a data block: x, y and the ends of an interval, clamped to the range; y for an
 * end that is not known. */
void figure_row(FILE *script, const struct range *range, double x, double y, const double ci90[2]);

#define FIGURE_COLOR 8 /* "#0072B2" */
/* Colour of series `index` of `count`, distinct for colour-blind readers: Okabe and Ito's, or for
 * more series a scale from dark to light. Returns `color`. */
const char *figure_color(char color[FIGURE_COLOR], size_t index, size_t count);

/* In the report, trials are separate SVG elements over gnuplot's drawing, `<circle data-t=7 ...>`
 * for trial 7, so that a script can find the one under the pointer. */
struct figure_marks {
    struct html svg; /* inserted before </svg>; call html_release() */
    size_t count;
    char style[64]; /* of the open group; "": none */
};

struct figure {
    struct gnuplot gnuplot;
    FILE *script; /* after figure_panel(), the caller writes that panel's commands to it */
    size_t panels;
    int columns, rows, panel_width, panel_height, top, head; /* points */
    int gap_x, panel_x, panel_y;                             /* panel_: of the panel begun last */
    struct figure_marks *marks;                              /* NULL: gnuplot draws the trials */
    bool own_y, labels_y; /* labels_y: the current panel has labels */
};

/* What surrounds the panels. own_y: each panel has a separate y axis. */
struct figure_frame {
    const char *title, *caption, *x_label, *y_label;
    size_t panels;
    bool own_y;
    const char *(*legend)(void *context, size_t index, char *text, size_t capacity);
    void *context;
    size_t series;              /* entries of the legend; 0 or 1: no legend */
    struct figure_marks *marks; /* of the report, whose page has title and caption; NULL: a
                                   standalone figure */
    int panel_height;           /* 0: depends on the number of panels */
};

/* LR_ECREATE, LR_ENOSPC, LR_ENOMEM. */
int figure_begin(struct figure *figure, const char *path, const struct figure_frame *frame,
                 struct lr_error *err);
/* Begins panel `index`; the caller writes ticks, data and then exactly one plot command. */
void figure_panel(struct figure *figure, size_t index, const char *title);
int figure_end(struct figure *figure, bool *drawn, struct lr_error *err);

/* Gives axis 'x' or 'y' a log scale with this range, and ticks. */
void figure_lr_ticks(struct figure *figure, char axis, const struct range *range);
void figure_ratio_ticks(struct figure *figure, char axis, const struct range *range); /* 0.5, 8 */
/* A tick at each of the values (ascending), with a label if there is room; `whole`: 4096, else
 * 4.1k. */
void figure_count_ticks(struct figure *figure, char axis, const struct range *range,
                        const uint64_t *values, size_t count, bool whole);
/* A dashed vertical line across the panel at x, labelled with a word. */
void figure_mark(struct figure *figure, double x, const char *word);

/* ---- marks of the current panel; x and y: fractions of its width and height, from below ---- */

double range_share(const struct range *range, double value); /* on a log axis */
enum figure_symbol { SYMBOL_DOT, SYMBOL_HOLLOW, SYMBOL_TRIANGLE };
/* `number` is written beside it, unless it is 0. */
void figure_trial(struct figure *figure, uint32_t trial, double x, double y,
                  enum figure_symbol symbol, uint32_t number, const char *color);
/* A line through `count` points; two points and a large width make a bar. */
void figure_trial_line(struct figure *figure, uint32_t trial, double (*points)[2], size_t count,
                       double width, const char *color);

#endif
