/* Static figures, drawn by gnuplot from the table kinds[] below; figure_data.c writes what they
 * show. gnuplot places panels and legend. */
#define _DEFAULT_SOURCE /* fchmod() */
#include "report/figures.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "report/figure_data.h"
#include "report/plain_text.h"

enum { PANELS = 12, COLUMNS = 3, KEYS = 12, KEYS_A_LINE = 3 };

struct figure_kind {
    const char *file, *title, *caption[2], *x_label, *y_label;
    enum figure_scale x, y;
    scene_choose *choose;
    scene_put *put_points, *put_lines;
    const char *plot; /* of the points */
};

/* Diamonds are larger. */
#define SYMBOL "($5 > 11 ? 1.3 : 0.7):5:6 "
#define BARS                                                                                       \
    "$points using 1:2:3:4:" SYMBOL "with yerrorbars lw 1.2 pt variable ps variable lc palette"
#define POINTS                                                                                     \
    "$points using 3:2:($4-$3):(0):6 with vectors nohead lw 3 lc palette, "                        \
    "$points using 1:2:" SYMBOL "with points lw 1.4 pt variable ps variable lc palette"

static const struct figure_kind kinds[] = {
    {"basins.svg",
     "Loss against learning rate",
     {"Dots: trainings; rings: with other ratios; triangles: diverged, or above the frame.",
      "Diamonds: fitted optima; bars: their 90 % intervals."},
     "learning rate",
     "validation loss, nats per token",
     SCALE_LR,
     SCALE_LOSS,
     choose_basins,
     put_basins,
     put_parabolas,
     POINTS},
    {"horizon.svg",
     "Best learning rate against tokens",
     {"Dots: fitted optima (rings: at the edge, or flat) with 90 % intervals, and the law through",
      "them; dotted: joint law of all sizes; diamonds: at the target, black: the answer."},
     "tokens",
     "best learning rate",
     SCALE_TOKENS,
     SCALE_LR,
     choose_horizons,
     put_horizons,
     put_laws,
     BARS},
    {"ratio.svg",
     "Best embedding ratio against width",
     {"Dots: best ratios with 90 % intervals, and the fitted slope; black: the answer.",
      "Grey: slope 1 (dashed, muP) and 1/2 (dotted, large vocabulary)."},
     "width",
     "embedding LR / hidden LR",
     SCALE_WIDTHS,
     SCALE_RATIO,
     choose_ratios,
     put_ratios,
     put_slopes,
     BARS},
};

/* ---- the frame, in points of the SVG ---- */

enum { WIDTH = 560, LEFT = 66, RIGHT = 14, BOTTOM = 50, GAP_X = 46, GAP_Y = 54, LINE = 16 };
enum { LEGEND = 70 };

struct frame {
    size_t panels, columns, rows, keys;
    int width, height; /* of a panel */
    int top, total;    /* where panels begin, and the height of the figure */
};

static void put_text(FILE *script, const struct frame *frame, const char *text, int x, int y,
                     const char *how)
{
    fputs("set label ", script);
    gnuplot_string(script, text);
    fprintf(script, " at screen %.5f,%.5f %s\n", (double)x / WIDTH, 1 - (double)y / frame->total,
            how);
}

static void lay_out(struct frame *frame, const struct scene *scene, size_t panels)
{
    static const int width[] = {0, 480, 217, 129}, height[] = {0, 290, 170, 120};
    size_t columns = panels == 1 ? 1 : panels == 2 || panels == 4 ? 2 : COLUMNS;
    size_t rows = (panels + columns - 1) / columns;
    size_t keys = scene->series_count < KEYS ? scene->series_count : KEYS;
    int legend = keys > 1 ? LINE * (int)((keys - 1) / KEYS_A_LINE + 1) : 0;
    *frame = (struct frame){.panels = panels, .columns = columns, .rows = rows, .keys = keys};
    frame->width = width[columns];
    frame->height = height[rows == 1 && columns > 1 ? 2 : columns];
    frame->top = LEGEND + legend + (scene->panel_count > 1 ? 34 : 12);
    frame->total = frame->top + BOTTOM + (int)rows * (frame->height + GAP_Y) - GAP_Y;
}

/* The last plot, over all panels: texts and legend without axes. */
static void put_frame(FILE *script, const struct frame *frame, const struct scene *scene,
                      const struct figure_kind *kind, size_t left_out)
{
    char title[128], text[64], count[COUNT_TEXT];
    fputs("set lmargin at screen 0\nset rmargin at screen 1\nset bmargin at screen 0\n"
          "set tmargin at screen 1\nunset logscale\nunset title\nunset border\nunset tics\n"
          "unset grid\nunset label\nunset arrow\n",
          script);
    snprintf(title, sizeof(title), "%s", kind->title);
    if (left_out > 0)
        snprintf(title, sizeof(title), "%s: %zu of %zu models", kind->title, frame->panels,
                 frame->panels + left_out);
    put_text(script, frame, title, 12, 20, "font ',15'");
    for (int i = 0; i < 2; i++)
        put_text(script, frame, kind->caption[i], 12, 40 + LINE * i, "font ',11' tc rgb '#555555'");
    put_text(script, frame, kind->x_label, (WIDTH + LEFT - RIGHT) / 2, frame->total - 12, "center");
    put_text(script, frame, kind->y_label, 14, (frame->top + frame->total - BOTTOM) / 2,
             "center rotate");
    fprintf(script,
            "set key at screen %.5f,%.5f left top horizontal Left reverse samplen 1 maxcols %d "
            "font ',11'\nplot [0:1] [0:1] NaN notitle",
            (LEFT - 20.0) / WIDTH, 1 - (double)LEGEND / frame->total, KEYS_A_LINE);
    for (size_t k = 0; k < frame->keys && frame->keys > 1; k++) {
        size_t s = k * (scene->series_count - 1) / (frame->keys - 1);
        double tokens = (double)scene->series[s];
        if (scene->axis < CELL_AXES)
            cell_axis_text(text, sizeof(text), scene->axis, (uint32_t)scene->series[s]);
        else
            snprintf(text, sizeof(text), "%s tokens", format_count(count, sizeof(count), tokens));
        fprintf(script, ", NaN with points pt 7 ps 0.9 " COLOR " title ", scene_color(scene, s));
        gnuplot_string(script, text);
    }
    fputs("\nunset multiplot\n", script);
}

/* A tick at each value, with a label if there is room. */
static void put_value_ticks(const struct scene *scene, double width)
{
    double scale = width / log(scene->x.high / scene->x.low), last = -INFINITY;
    fprintf(scene->script, "set logscale x 10\nset xrange [%.10g:%.10g]\nset xtics (", scene->x.low,
            scene->x.high);
    for (size_t i = 0; i < scene->tick_count; i++) {
        char label[COUNT_TEXT];
        double value = (double)scene->ticks[i], at = log(value / scene->x.low) * scale;
        if (scene->x_scale == SCALE_TOKENS)
            format_count(label, sizeof(label), value);
        else
            snprintf(label, sizeof(label), "%" PRIu64, scene->ticks[i]);
        double half = 3.5 * (double)strlen(label) + 4;
        bool shown = at - half >= last;
        last = shown ? at + half : last;
        fprintf(scene->script, "%s'%s' %.10g %d", i > 0 ? ", " : "", shown ? label : "", value,
                !shown);
    }
    fputs(")\n", scene->script);
}

static void put_panel(struct scene *scene, const struct figure_kind *kind,
                      const struct frame *frame, size_t panel)
{
    char name[CELL_NAME];
    size_t first = 0;
    FILE *script = scene->script;
    while (scene->panel[first] != panel)
        first++;
    cell_name(name, sizeof(name), scene->answer, first, scene->without);
    fputs("unset label\nunset arrow\nset title ", script);
    gnuplot_string(script, name);
    fprintf(script, " offset 0,-0.5 font ',%.1f'\n",
            fmax(6, fmin(12, (frame->width + 38) / (0.62 * (double)(strlen(name) + 1)))));
    if (kind->x >= SCALE_TOKENS)
        put_value_ticks(scene, frame->width);
    else
        gnuplot_log_axis(script, 'x', &scene->x, frame->width / 42.0, false);
    if (kind->y != SCALE_LOSS)
        gnuplot_log_axis(script, 'y', &scene->y, frame->height / 26.0, kind->y == SCALE_RATIO);
    fputs("$points << END\n", script);
    kind->put_points(scene, panel);
    fputs("END\nlist = 'plot NaN'\n", script);
    kind->put_lines(scene, panel);
    fprintf(script, "eval list.', %s'\n", kind->plot);
}

/* ---- panels ---- */

static void forget_ranges(struct scene *scene)
{
    scene->x = scene->y = scene->end = range_empty();
    scene->tick_count = 0;
}

/* Puts points, and lines, to find ranges. */
static void measure(struct scene *scene, const struct figure_kind *kind, size_t panel)
{
    kind->put_points(scene, panel);
    kind->put_lines(scene, panel);
}

/* Of the panels that have data at most PANELS: an even choice, and the one with the answer. Returns
 * how many; *left_out: the others. */
static size_t choose_panels(struct scene *scene, const struct figure_kind *kind,
                            size_t shown[PANELS], size_t *left_out)
{
    size_t all[ANSWER_CELLS], count = 0, answer = SIZE_MAX;
    for (size_t p = 0; p < scene->panel_count; p++) {
        forget_ranges(scene);
        measure(scene, kind, p);
        if (range_is_empty(&scene->x))
            continue;
        answer = scene_has_answer(scene, p) ? count : answer;
        all[count++] = p;
    }
    size_t used = count < PANELS ? count : PANELS;
    for (size_t i = 0; i < used; i++) {
        size_t at = used > 1 ? i * (count - 1) / (used - 1) : 0;
        size_t next = used > 1 ? (i + 1) * (count - 1) / (used - 1) : 1;
        shown[i] = all[answer > at && answer < next ? answer : at];
    }
    *left_out = count - used;
    return used;
}

/* ---- drawing ---- */

/* Ranges of the axes: all points, and intervals as far as they extend y by a factor of 4. */
static void find_ranges(struct scene *scene, const struct figure_kind *kind, const size_t *panels,
                        size_t count)
{
    forget_ranges(scene);
    for (size_t i = 0; i < count; i++)
        measure(scene, kind, panels[i]);
    range_widen(&scene->x, pow(scene->x.high / scene->x.low, 0.07) * 1.03);
    struct range around = scene->y;
    range_widen(&around, 4);
    if (!range_is_empty(&scene->end)) {
        range_add(&scene->y, range_clamp(&around, scene->end.low));
        range_add(&scene->y, range_clamp(&around, scene->end.high));
    }
    range_widen(&scene->y, 1.2);
    if (kind->y == SCALE_RATIO) /* room for the labels of the slopes, at the top */
        scene->y.high *= pow(scene->y.high / scene->y.low, 0.09 * (double)scene->series_count);
}

static int draw_kind(const char *path, const struct figure_kind *kind, struct scene *scene,
                     bool *drawn, struct lr_error *err)
{
    struct gnuplot gnuplot;
    struct frame frame;
    size_t shown[PANELS], left_out;
    *drawn = true;
    kind->choose(scene);
    size_t count = choose_panels(scene, kind, shown, &left_out);
    if (count == 0)
        return 0;
    lay_out(&frame, scene, count);
    find_ranges(scene, kind, shown, count);
    int rc = gnuplot_begin(&gnuplot, path, WIDTH, frame.total, err);
    if (rc)
        return rc;
    scene->script = gnuplot.script;
    fchmod(fileno(scene->script), 0600); /* private, like every file of a run */
    fprintf(scene->script,
            "set palette " PALETTE "\nset cbrange [0:1.25]\nunset colorbox\nunset key\n"
            "set border 3 lc rgb '#444444'\nset tics nomirror font ',11'\nset samples 300\n"
            "parabola(octaves, low, curvature) = abs(octaves) < 2 ? low + curvature * octaves ** 2 "
            ": NaN # no basin is one further out\n"
            "set multiplot layout %zu,%zu margins screen %.5f,%.5f,%.5f,%.5f "
            "spacing screen %.5f,%.5f\n",
            frame.rows, frame.columns, (double)LEFT / WIDTH, 1 - (double)RIGHT / WIDTH,
            (double)BOTTOM / frame.total, 1 - (double)frame.top / frame.total,
            (double)GAP_X / WIDTH, (double)GAP_Y / frame.total);
    for (size_t i = 0; i < count; i++)
        put_panel(scene, kind, &frame, shown[i]);
    put_frame(scene->script, &frame, scene, kind, left_out);
    return gnuplot_end(&gnuplot, drawn, err);
}

/* FOLDER/NAME; release with lr_free(). */
static char *join_path(const char *folder, const char *name)
{
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = lr_malloc(size);
    if (path)
        snprintf(path, size, "%s/%s", folder, name);
    return path;
}

void figures_draw(const char *run_dir, const struct answer *answer,
                  const struct trial *const *trials, size_t count)
{
    struct lr_error err = {0};
    bool drawn = true, each = true;
    char *folder = join_path(run_dir, "figures");
    struct answer *cells = figure_answer(answer);
    int rc = folder && cells ? run_dir_make_inner(folder, &err) : lr_nomem(&err);
    if (rc)
        goto out;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && !rc; i++) {
        struct scene scene = {.x_scale = kinds[i].x,
                              .y_scale = kinds[i].y,
                              .answer = cells,
                              .trials = trials,
                              .trial_count = count};
        char *path = join_path(folder, kinds[i].file);
        rc = path ? draw_kind(path, &kinds[i], &scene, &each, &err) : lr_nomem(&err);
        lr_free(path);
        drawn = drawn && each;
    }
    rmdir(folder); /* succeeds only if empty */
out:
    if (rc)
        lr_log(LR_LOG_WARNING, "the figures could not be drawn: %s", err.text);
    else if (!drawn)
        lr_log(LR_LOG_INFO,
               "the figures are not drawn: gnuplot is missing or failed; their scripts are "
               "%s/*.svg.gp, to be drawn by gnuplot anywhere",
               folder);
    lr_free(cells);
    lr_free(folder);
}
