/* Draws a basin as a grid of characters. The y axis ends a little above the third quartile of the
 * losses: a trial that almost diverged would compress the basin into one row. */
#include "report/basin_plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "report/summary.h"

#define LABEL 10u /* columns of the y axis with its labels */

enum glyph { POINT, CURVE, ABOVE, DIVERGED, RUNNING, AXIS_X, AXIS_Y, CORNER, SPAN, VERTEX, GLYPHS };

static const char *const ascii[GLYPHS] = {"o", ".", "^", "x", ">", "-", "|", "+", "=", "|"};
static const char *const unicode[GLYPHS] = {"●", "·", "↑", "×", "▸", "─", "│", "└", "━", "┃"};

struct frame {
    const struct basin_plot *plot;
    const char *const *glyphs;
    size_t width, height; /* of the field inside the axes */
    double x[2], y[2];    /* ln LR, loss */
};

static bool has_loss(const struct basin_point *point)
{
    return point->outcome == BASIN_LOSS && isfinite(point->loss) && point->lr > 0 &&
           isfinite(point->lr);
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Fills `losses`, ascending; returns how many. */
static size_t sort_losses(double *losses, const struct basin_plot *plot)
{
    size_t count = 0;
    for (size_t i = 0; i < plot->count; i++)
        if (has_loss(&plot->points[i]))
            losses[count++] = plot->points[i].loss;
    if (count > 0)
        qsort(losses, count, sizeof(*losses), compare);
    return count;
}

static bool find_range(struct frame *frame)
{
    const struct basin_plot *plot = frame->plot;
    double *losses = lr_malloc((plot->count + 1) * sizeof(*losses));
    size_t count = losses ? sort_losses(losses, plot) : 0;
    if (count > 0) {
        double low = losses[0], most = losses[count - 1], usual = losses[(count - 1) * 3 / 4];
        double high = fmin(most, low + 1.5 * (usual - low));
        if (!(high > low)) /* one trial, or equal losses */
            high = low + fmax(1e-3, 1e-3 * fabs(low));
        frame->y[0] = low;
        frame->y[1] = high;
        frame->x[0] = INFINITY;
        frame->x[1] = -INFINITY;
    }
    lr_free(losses);
    for (size_t i = 0; i < plot->count && count > 0; i++)
        if (plot->points[i].lr > 0 && isfinite(plot->points[i].lr)) {
            frame->x[0] = fmin(frame->x[0], log(plot->points[i].lr));
            frame->x[1] = fmax(frame->x[1], log(plot->points[i].lr));
        }
    if (count > 0 && !(frame->x[1] > frame->x[0])) {
        frame->x[0] -= log(2);
        frame->x[1] += log(2);
    }
    return count > 0;
}

/* The column of an LR; it may lie outside the field. */
static long column_of(const struct frame *frame, double lr)
{
    double share = (log(lr) - frame->x[0]) / (frame->x[1] - frame->x[0]);
    return lround(fmax(-1e6, fmin(1e6, share * (double)(frame->width - 1))));
}

static bool in_field(const struct frame *frame, long column)
{
    return column >= 0 && column < (long)frame->width;
}

/* The row of a loss, counted from the top; -1: above the field. */
static long row_of(const struct frame *frame, double loss)
{
    double share = (loss - frame->y[0]) / (frame->y[1] - frame->y[0]);
    if (!(share <= 1 + .5 / (double)frame->height))
        return -1;
    return (long)frame->height - 1 - lround(share * (double)(frame->height - 1));
}

static void put_glyph(const struct frame *frame, const char **row, double lr, enum glyph glyph)
{
    long column = lr > 0 ? column_of(frame, lr) : -1;
    if (in_field(frame, column))
        row[column] = frame->glyphs[glyph];
}

static void draw_field(const struct frame *frame, const char **field)
{
    const struct basin_plot *plot = frame->plot;
    for (size_t c = 0; c < frame->width && isfinite(plot->lr_opt) && plot->curvature > 0; c++) {
        double ln_lr =
            frame->x[0] + (frame->x[1] - frame->x[0]) * (double)c / (double)(frame->width - 1);
        double octaves = (ln_lr - log(plot->lr_opt)) / log(2);
        double loss = plot->loss_min + plot->curvature * octaves * octaves;
        long row = row_of(frame, loss);
        if (row >= 0 && row < (long)frame->height)
            field[(size_t)row * frame->width + c] = frame->glyphs[CURVE];
    }
    for (size_t i = 0; i < plot->count; i++) {
        const struct basin_point *point = &plot->points[i];
        if (!has_loss(point))
            continue;
        long row = row_of(frame, point->loss);
        put_glyph(frame, field + (size_t)(row < 0 ? 0 : row) * frame->width, point->lr,
                  row < 0 ? ABOVE : POINT);
    }
}

static void print_row(FILE *out, const struct frame *frame, const char *label, const char *axis,
                      const char *const *row)
{
    size_t end = frame->width;
    while (end > 0 && !row[end - 1])
        end--;
    fprintf(out, "%*s %s", (int)LABEL - 2, label, axis);
    for (size_t c = 0; c < end; c++)
        fputs(row[c] ? row[c] : " ", out);
    fputc('\n', out);
}

/* Prints a row for the trials of an outcome without loss, if there are any. */
static void print_without_loss(FILE *out, const struct frame *frame, const char **row,
                               enum basin_outcome outcome, const char *label, enum glyph glyph)
{
    bool any = false;
    memset(row, 0, frame->width * sizeof(*row));
    for (size_t i = 0; i < frame->plot->count; i++)
        if (frame->plot->points[i].outcome == outcome) {
            put_glyph(frame, row, frame->plot->points[i].lr, glyph);
            any = true;
        }
    if (any)
        print_row(out, frame, label, frame->glyphs[AXIS_Y], row);
}

static void print_interval(FILE *out, const struct frame *frame, const char **row)
{
    const struct basin_plot *plot = frame->plot;
    if (!isfinite(plot->lr_opt) || !interval_known(plot->ci90))
        return;
    memset(row, 0, frame->width * sizeof(*row));
    long low = column_of(frame, plot->ci90[0]), high = column_of(frame, plot->ci90[1]);
    for (long c = low; c <= high; c++)
        if (in_field(frame, c))
            row[c] = frame->glyphs[SPAN];
    put_glyph(frame, row, plot->lr_opt, VERTEX);
    print_row(out, frame, "90 %", " ", row);
}

/* The axis and its labels: at the ends and in the middle, of a wide plot also between. */
static void print_axis(FILE *out, const struct frame *frame)
{
    size_t parts = frame->width < 90 ? 2 : 4, used = 0;
    fprintf(out, "%*s %s", (int)LABEL - 2, "", frame->glyphs[CORNER]);
    for (size_t c = 0; c < frame->width; c++)
        fputs(frame->glyphs[AXIS_X], out);
    fprintf(out, "\n%*s", (int)LABEL, "");
    for (size_t i = 0; i <= parts; i++) {
        char text[32];
        double share = (double)i / (double)parts;
        format_lr(text, sizeof(text), 2, exp(frame->x[0] + share * (frame->x[1] - frame->x[0])));
        size_t length = strlen(text);
        size_t at = i == 0 ? 0 : i == parts ? frame->width - length : i * frame->width / parts - 3;
        fprintf(out, "%*s%s", (int)(at - used), "", text);
        used = at + length;
    }
    fputc('\n', out);
}

bool basin_plot_print(FILE *out, const struct basin_plot *plot)
{
    struct frame frame = {.plot = plot, .glyphs = plot->unicode ? unicode : ascii};
    frame.width = plot->columns > 40 ? plot->columns - LABEL : 40 - LABEL;
    frame.height = plot->rows > 6 ? plot->rows - 2 : 4; /* two are the axis and its labels */
    if (!find_range(&frame))
        return false;
    const char **field = lr_calloc((frame.height + 1) * frame.width, sizeof(*field));
    if (!field)
        return false;
    const char **spare = field + frame.height * frame.width;
    draw_field(&frame, field);
    print_without_loss(out, &frame, spare, BASIN_DIVERGED, "diverged", DIVERGED);
    for (size_t r = 0; r < frame.height; r++) {
        char label[32] = "";
        double share = 1 - (double)r / (double)(frame.height - 1);
        if (r == 0 || r == frame.height - 1 || r == frame.height / 2)
            snprintf(label, sizeof(label), "%.*f", fabs(frame.y[1]) < 1000 ? 3 : 0,
                     frame.y[0] + share * (frame.y[1] - frame.y[0]));
        print_row(out, &frame, label, frame.glyphs[AXIS_Y], field + r * frame.width);
    }
    print_without_loss(out, &frame, spare, BASIN_RUNNING, "running", RUNNING);
    print_axis(out, &frame);
    print_interval(out, &frame, spare);
    lr_free(field);
    return true;
}
