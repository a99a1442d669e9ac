/* Computes every position, in points: in gnuplot's own layout, legends and labels overlap the data
 * if there are many panels. Labels outside the panels are drawn with the first panel. */
#include "report/figure.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include "report/summary.h"

#define LINE 18  /* height of a legend line, points */
#define LETTER 7 /* approximate width of a letter, points */
enum {
    LEFT = 76,
    RIGHT = 22,
    BOTTOM = 54,
    HEAD = 52, /* title and caption */
    PANEL_TITLE = 30,
    GAP_Y = 58,
    GAP_X = 26,
    GAP_X_OWN = 64
};

/* ---- ranges ---- */

bool figure_shows(double value)
{
    return value > 1e-60 && value < 1e60;
}

bool figure_slope(double value)
{
    return fabs(value) < 20;
}

struct range range_empty(void)
{
    return (struct range){INFINITY, 0};
}

bool range_is_empty(const struct range *range)
{
    return !(range->low <= range->high);
}

void range_add(struct range *range, double value)
{
    if (!figure_shows(value))
        return;
    range->low = fmin(range->low, value);
    range->high = fmax(range->high, value);
}

void range_widen(struct range *range, double factor)
{
    range->low /= factor;
    range->high *= factor;
}

double range_clamp(const struct range *range, double value)
{
    return !(value >= range->low) ? range->low : fmin(value, range->high);
}

void range_add_ends(struct range *range, const struct range *ends, double factor)
{
    struct range around = *range;
    range_widen(&around, factor);
    if (range_is_empty(ends))
        return;
    range_add(range, range_clamp(&around, ends->low));
    range_add(range, range_clamp(&around, ends->high));
}

size_t figure_add_value(uint64_t *values, size_t count, size_t capacity, uint64_t value)
{
    size_t at = count;
    while (at > 0 && values[at - 1] > value)
        at--;
    if ((at > 0 && values[at - 1] == value) || count == capacity)
        return count;
    memmove(values + at + 1, values + at, (count - at) * sizeof(*values));
    values[at] = value;
    return count + 1;
}

const char *figure_tokens_legend(void *context, size_t index, char *text, size_t capacity)
{
    const uint64_t *tokens = context;
    char count[COUNT_TEXT];
    snprintf(text, capacity, "%s tokens",
             format_count(count, sizeof(count), (double)tokens[index]));
    return text;
}

double figure_beside(const struct range *range, double x, size_t index, size_t count)
{
    double step = fmin(0.012, 0.035 / (double)(count + 1)) * log(range->high / range->low);
    return count < 2 ? x : x * exp(step * ((double)index - ((double)count - 1) / 2));
}

void figure_row(FILE *script, const struct range *range, double x, double y, const double ci90[2])
{
    fprintf(script, "%.10g %.10g", x, y);
    for (int i = 0; i < 2; i++)
        fprintf(script, " %.10g", isnan(ci90[i]) ? y : range_clamp(range, ci90[i]));
    fputc('\n', script);
}

/* ---- colours ---- */

const char *figure_color(char color[FIGURE_COLOR], size_t index, size_t count)
{
    /* Okabe and Ito 2008, without yellow (too light for lines) and black (for marks outside the
     * series). */
    static const char *const few[] = {"#0072B2", "#D55E00", "#009E73",
                                      "#CC79A7", "#E69F00", "#56B4E9"};
    /* viridis, without its light end */
    static const int many[][3] = {{0x44, 0x01, 0x54},
                                  {0x41, 0x44, 0x87},
                                  {0x2a, 0x78, 0x8e},
                                  {0x22, 0xa8, 0x84},
                                  {0x9f, 0xc8, 0x2c}};
    const size_t few_count = sizeof(few) / sizeof(few[0]),
                 last = sizeof(many) / sizeof(many[0]) - 1;
    if (count <= few_count) {
        snprintf(color, FIGURE_COLOR, "%s", few[index % few_count]);
        return color;
    }
    double at = (double)(index % count) / (double)(count - 1) * (double)last;
    size_t step = at < (double)last ? (size_t)at : last - 1;
    unsigned mixed[3];
    for (int i = 0; i < 3; i++)
        mixed[i] = (unsigned)lround(many[step][i] +
                                    (at - (double)step) * (many[step + 1][i] - many[step][i])) &
                   0xff;
    snprintf(color, FIGURE_COLOR, "#%02x%02x%02x", mixed[0], mixed[1], mixed[2]);
    return color;
}

/* ---- the frame ---- */

static int width_of(const struct figure *figure)
{
    return LEFT + figure->columns * figure->panel_width + (figure->columns - 1) * figure->gap_x +
           RIGHT;
}

static int height_of(const struct figure *figure)
{
    return figure->top + figure->rows * figure->panel_height + (figure->rows - 1) * GAP_Y + BOTTOM;
}

static void set_size(struct figure *figure, const struct figure_frame *frame)
{
    static const struct {
        size_t panels;
        int columns, width, height;
    } sizes[] = {{1, 1, 560, 360},  {2, 2, 380, 290},  {4, 2, 340, 250},       {9, 3, 270, 200},
                 {16, 4, 230, 170}, {36, 6, 180, 140}, {SIZE_MAX, 8, 160, 120}};
    size_t i = 0;
    while (frame->panels > sizes[i].panels)
        i++;
    figure->panels = frame->panels;
    figure->columns = frame->panels == 3 ? 3 : sizes[i].columns;
    figure->panel_width = sizes[i].width;
    figure->panel_height = sizes[i].height;
    figure->rows = (int)((frame->panels + (size_t)figure->columns - 1) / (size_t)figure->columns);
    if (frame->panel_height > 0)
        figure->panel_height = frame->panel_height;
    figure->own_y = frame->own_y;
    figure->gap_x = frame->own_y ? GAP_X_OWN : GAP_X;
}

/* Writes the entries one after another in lines; write false: only counts the lines. */
static int lay_legend(struct figure *figure, const struct figure_frame *frame, bool write)
{
    int x = LEFT, line = 0, room = width_of(figure) - RIGHT;
    if (frame->series < 2)
        return 0;
    for (size_t i = 0; i < frame->series; i++) {
        char text[96], color[FIGURE_COLOR];
        frame->legend(frame->context, i, text, sizeof(text));
        int width = 32 + LETTER * (int)strlen(text);
        if (x > LEFT && x + width > room) {
            x = LEFT;
            line++;
        }
        if (write) {
            fputs("set label ", figure->script);
            gnuplot_string(figure->script, text);
            fprintf(figure->script,
                    " at screen %.5f,%.5f left offset 1.2,-0.25 point pt 7 ps 0.9 lc rgb '%s'\n",
                    (x + 6.0) / width_of(figure),
                    1 - (figure->head + LINE * line + LINE / 2.0) / height_of(figure),
                    figure_color(color, i, frame->series));
        }
        x += width;
    }
    return line + 1;
}

static void put_text(struct figure *figure, const char *text, double x, double y, const char *how)
{
    fputs("set label ", figure->script);
    gnuplot_string(figure->script, text);
    fprintf(figure->script, " at screen %.5f,%.5f %s\n", x / width_of(figure),
            1 - y / height_of(figure), how);
}

int figure_begin(struct figure *figure, const char *path, const struct figure_frame *frame,
                 struct lr_error *err)
{
    assert(frame->panels > 0 && (frame->series < 2 || frame->legend));
    memset(figure, 0, sizeof(*figure));
    set_size(figure, frame);
    figure->marks = frame->marks;
    figure->head = frame->marks ? 4 : HEAD;
    figure->top = figure->head + PANEL_TITLE + LINE * lay_legend(figure, frame, false);
    int width = width_of(figure), height = height_of(figure);
    int rc = gnuplot_begin(&figure->gnuplot, path, width, height, err);
    if (rc)
        return rc;
    figure->script = figure->gnuplot.script;
    fchmod(fileno(figure->script), 0600); /* private, like every file of a run */
    fputs("set termoption noenhanced\nset multiplot\nset key off\nset tics front\n"
          "set border 3 lc rgb '#444444'\nset tics nomirror\n",
          figure->script);
    if (!frame->marks) {
        put_text(figure, frame->title, LEFT, 18, "left font ',15'");
        put_text(figure, frame->caption, LEFT, 40, "left font ',11' tc rgb '#555555'");
    }
    double middle_x = (LEFT + width - RIGHT) / 2.0;
    double middle_y = (figure->top + height - BOTTOM) / 2.0;
    put_text(figure, frame->x_label, middle_x, height - 12, "center");
    put_text(figure, frame->y_label, 16, middle_y, "center rotate by 90");
    lay_legend(figure, frame, true);
    return 0;
}

void figure_panel(struct figure *figure, size_t index, const char *title)
{
    assert(index < figure->panels);
    int column = (int)(index % (size_t)figure->columns),
        row = (int)(index / (size_t)figure->columns);
    int x = LEFT + column * (figure->panel_width + figure->gap_x);
    int y = figure->top + row * (figure->panel_height + GAP_Y);
    double width = width_of(figure), height = height_of(figure);
    figure->panel_x = x;
    figure->panel_y = y;
    if (index > 0)
        fputs("unset label\nunset arrow\n", figure->script);
    fprintf(figure->script,
            "set lmargin at screen %.5f\nset rmargin at screen %.5f\n"
            "set tmargin at screen %.5f\nset bmargin at screen %.5f\nset title ",
            x / width, (x + figure->panel_width) / width, 1 - y / height,
            1 - (y + figure->panel_height) / height);
    gnuplot_string(figure->script, title);
    /* Long titles get a smaller font, to end where the next panel's title begins. */
    double font = (figure->panel_width + figure->gap_x - 8) / (0.6 * (double)(strlen(title) + 1));
    fprintf(figure->script, " offset 0,-0.4 font ',%.1f'\n", fmin(fmax(font, 6), 12));
    figure->labels_y = figure->own_y || column == 0;
}

int figure_end(struct figure *figure, bool *drawn, struct lr_error *err)
{
    if (figure->marks && figure->marks->style[0])
        html_raw(&figure->marks->svg, "</g>");
    fputs("unset multiplot\n", figure->script);
    return gnuplot_end(&figure->gnuplot, drawn, err);
}

/* ---- axes ---- */

static double room_for(const struct figure *figure, char axis) /* points */
{
    return axis == 'x' ? figure->panel_width : figure->panel_height;
}

static void begin_ticks(struct figure *figure, char axis, const struct range *range)
{
    fprintf(figure->script, "set logscale %c 10\nset %crange [%.10g:%.10g]\nset %ctics (", axis,
            axis, range->low, range->high, axis);
}

static void decade_ticks(struct figure *figure, char axis, const struct range *range, bool lr)
{
    double decades = log10(range->high / range->low);
    double each = room_for(figure, axis) / decades; /* points per decade */
    int need = axis == 'x' ? 45 : 20;               /* points per label */
    bool some = false;
    begin_ticks(figure, axis, range);
    int step = each < need ? (int)ceil(need / each) : 1; /* decades between labels */
    for (int k = (int)floor(log10(range->low)); k <= (int)ceil(log10(range->high)); k++)
        for (int m = 1; m < 10 && (m == 1 || step == 1); m++) {
            double value = m * pow(10, k);
            char label[64] = "";
            /* 1, 2, 5 or 1, 3 or 1 alone, as room permits */
            bool shown = each * 0.22 > need   ? m == 1 || m == 2 || m == 5
                         : each * 0.47 > need ? m == 1 || m == 3
                                              : m == 1 && k % step == 0;
            if (value < range->low * (1 - 1e-9) || value > range->high * (1 + 1e-9))
                continue;
            if (!shown || (axis == 'y' && !figure->labels_y))
                label[0] = '\0';
            else if (lr)
                format_lr(label, sizeof(label), 1, value);
            else
                snprintf(label, sizeof(label), "%.4g", value);
            fprintf(figure->script, "%s'%s' %.10g %d", some ? ", " : "", label, value,
                    shown ? 0 : 1);
            some = true;
        }
    fputs(")\n", figure->script);
}

void figure_lr_ticks(struct figure *figure, char axis, const struct range *range)
{
    decade_ticks(figure, axis, range, true);
}

void figure_ratio_ticks(struct figure *figure, char axis, const struct range *range)
{
    decade_ticks(figure, axis, range, false);
}

void figure_count_ticks(struct figure *figure, char axis, const struct range *range,
                        const uint64_t *values, size_t count, bool whole)
{
    double scale = room_for(figure, axis) / log(range->high / range->low), last = -INFINITY;
    bool some = false;
    begin_ticks(figure, axis, range);
    for (size_t i = 0; i < count; i++) {
        char label[64];
        double value = (double)values[i], at = log(value / range->low) * scale;
        if (whole)
            snprintf(label, sizeof(label), "%" PRIu64, values[i]);
        else
            format_count(label, sizeof(label), value);
        double half = axis == 'x' ? LETTER * (double)strlen(label) / 2 + 4 : 9;
        if (!(value >= range->low && value <= range->high))
            continue;
        bool shown = at - half >= last;
        fprintf(figure->script, "%s'%s' %.10g %d", some ? ", " : "", shown ? label : "", value,
                shown ? 0 : 1);
        last = shown ? at + half : last;
        some = true;
    }
    fputs(")\n", figure->script);
}

void figure_mark(struct figure *figure, double x, const char *word)
{
    fprintf(figure->script,
            "set arrow from %.10g, graph 0 to %.10g, graph 1 nohead back dt 2 lc rgb '#777777'\n"
            "set label ",
            x, x);
    gnuplot_string(figure->script, word);
    fprintf(figure->script,
            " at %.10g, graph 0.97 right offset -0.6,0 font ',11' tc rgb '#555555'\n", x);
}

/* ---- marks ---- */

double range_share(const struct range *range, double value)
{
    return log(value / range->low) / log(range->high / range->low);
}

static void mark_at(const struct figure *figure, double at[2], double x, double y)
{
    at[0] = figure->panel_x + x * figure->panel_width;
    at[1] = figure->panel_y + (1 - y) * figure->panel_height;
}

/* Consecutive marks of the same style share an SVG group. */
static void begin_marks(struct figure_marks *marks, const char *style)
{
    if (strcmp(marks->style, style) == 0)
        return;
    if (marks->style[0])
        html_raw(&marks->svg, "</g>");
    html_format(&marks->svg, "<g %s>\n", style);
    snprintf(marks->style, sizeof(marks->style), "%s", style);
}

void figure_trial(struct figure *figure, uint32_t trial, double x, double y,
                  enum figure_symbol symbol, uint32_t number, const char *color)
{
    assert(figure->marks);
    struct html *svg = &figure->marks->svg;
    double at[2];
    char style[64];
    mark_at(figure, at, x, y);
    snprintf(style, sizeof(style),
             symbol == SYMBOL_DOT ? "fill=\"%s\"" : "class=\"h\" stroke=\"%s\"", color);
    begin_marks(figure->marks, style);
    if (symbol == SYMBOL_TRIANGLE)
        html_format(svg, "<path data-t=\"%" PRIu32 "\" d=\"M%.1f %.1fl3.5 6h-7z\"/>", trial, at[0],
                    at[1] - 4);
    else
        html_format(svg, "<circle data-t=\"%" PRIu32 "\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>", trial,
                    at[0], at[1]);
    if (number > 0)
        html_format(svg, "<text x=\"%.1f\" y=\"%.1f\">%" PRIu32 "</text>", at[0] + 4, at[1] - 3,
                    number);
    figure->marks->count++;
}

void figure_trial_line(struct figure *figure, uint32_t trial, double (*points)[2], size_t count,
                       double width, const char *color)
{
    assert(figure->marks);
    struct html *svg = &figure->marks->svg;
    char style[64];
    snprintf(style, sizeof(style), "class=\"l\" stroke=\"%s\" stroke-width=\"%.1f\"", color, width);
    begin_marks(figure->marks, style);
    html_format(svg, "<path data-t=\"%" PRIu32 "\" d=\"", trial);
    for (size_t i = 0; i < count; i++) {
        double at[2];
        mark_at(figure, at, points[i][0], points[i][1]);
        html_format(svg, "%c%.1f %.1f", i == 0 ? 'M' : 'L', at[0], at[1]);
    }
    html_raw(svg, "\"/>");
    figure->marks->count++;
}
