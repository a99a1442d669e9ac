#ifndef LRSEARCH_FIGURE_H
#define LRSEARCH_FIGURE_H

#include <stddef.h>
#include <stdint.h>
#include "report/gnuplot.h"
#include "report/html.h"

/* Panels in rows, with one title, caption and legend over all of them: the frame that the figures
 * of a campaign share. Axes have ranges and ticks that are given, so that no number that gnuplot
 * cannot show (infinite, not positive on a log axis) decides what is seen. */

/* On a log axis: positive, and not so far off that a factor more is no number any more. */
bool figure_shows(double value);
bool figure_slope(double value); /* a power that is no mistake */

struct range {
    double low, high; /* low > high: nothing was added */
};
struct range range_empty(void);
bool range_is_empty(const struct range *range);
void range_add(struct range *range, double value);           /* if it can be shown */
void range_widen(struct range *range, double factor);        /* both ends */
double range_clamp(const struct range *range, double value); /* NaN: low */
/* As much of `ends` as fits into a factor around the range. */
void range_add_ends(struct range *range, const struct range *ends, double factor);

/* Adds a value to `count` ascending ones, each of which is there once, if there is room; returns how
 * many there are then. */
size_t figure_add_value(uint64_t *values, size_t count, size_t capacity, uint64_t value);
/* A legend of horizons: "131k tokens". context: uint64_t tokens[]. */
const char *figure_tokens_legend(void *context, size_t index, char *text, size_t capacity);

/* x, moved a little on a log axis, so that the bars of `count` series stand beside each other. */
double figure_beside(const struct range *range, double x, size_t index, size_t count);

/* A row of a data block: x, y and the ends of an interval, within the range; y itself where an end
 * is not known. */
void figure_row(FILE *script, const struct range *range, double x, double y, const double ci90[2]);

#define FIGURE_COLOR 8 /* "#0072B2" */
/* Colours of `count` series, told apart by all eyes: Okabe and Ito's, or for more a scale
 * from dark to light. Returns `color`. */
const char *figure_color(char color[FIGURE_COLOR], size_t index, size_t count);

/* In the report the trials are elements of their own over what gnuplot drew, `<circle data-t=7
 * ...>` for trial 7, so that a script finds them under the pointer. */
struct figure_marks {
    struct html svg; /* what goes before </svg>; html_release() it */
    size_t count;
    char style[64]; /* of the group that is open; "": none is */
};

struct figure {
    struct gnuplot gnuplot;
    FILE *script; /* the caller's too: between figure_panel() and the next one panel's commands */
    size_t panels;
    int columns, rows, panel_width, panel_height, top, head; /* points */
    int gap_x, panel_x, panel_y;                             /* panel_: of the panel begun last */
    struct figure_marks *marks;                              /* NULL: gnuplot draws the trials */
    bool own_y, labels_y; /* labels_y: of the panel that was begun */
};

/* What stands around the panels. own_y: each panel has a y axis of its own. */
struct figure_frame {
    const char *title, *caption, *x_label, *y_label;
    size_t panels;
    bool own_y;
    const char *(*legend)(void *context, size_t index, char *text, size_t capacity);
    void *context;
    size_t series;              /* entries of the legend; 0 or 1: there is none */
    struct figure_marks *marks; /* of the report, which has title and caption in its own text; NULL:
                                   a figure by itself */
    int panel_height;           /* 0: as the number of panels makes it */
};

/* LR_ECREATE, LR_ENOMEM. */
int figure_begin(struct figure *figure, const char *path, const struct figure_frame *frame,
                 struct lr_error *err);
/* Begins panel `index`; the caller writes ticks, data and then exactly one plot command. */
void figure_panel(struct figure *figure, size_t index, const char *title);
int figure_end(struct figure *figure, bool *drawn, struct lr_error *err);

/* Ticks of axis 'x' or 'y', which becomes logarithmic with that range. */
void figure_lr_ticks(struct figure *figure, char axis, const struct range *range);
void figure_ratio_ticks(struct figure *figure, char axis, const struct range *range); /* 0.5, 8 */
/* A label at each of the values (ascending) that has room for it; `whole`: 4096, else 4.1k. */
void figure_count_ticks(struct figure *figure, char axis, const struct range *range,
                        const uint64_t *values, size_t count, bool whole);
/* A dashed line across the panel at x, with a word beside it. */
void figure_mark(struct figure *figure, double x, const char *word);

/* ---- marks of the panel begun last; x and y: shares of its width and height, from below ---- */

double range_share(const struct range *range, double value); /* on a log axis */
enum figure_symbol { SYMBOL_DOT, SYMBOL_HOLLOW, SYMBOL_TRIANGLE };
/* `number` stands beside it, if it is not 0. */
void figure_trial(struct figure *figure, uint32_t trial, double x, double y,
                  enum figure_symbol symbol, uint32_t number, const char *color);
/* A line through `count` points; a bar is one of two points and some width. */
void figure_trial_line(struct figure *figure, uint32_t trial, double (*points)[2], size_t count,
                       double width, const char *color);

#endif
