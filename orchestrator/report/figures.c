/* Static figures, drawn by gnuplot from the table kinds[] below: a row has the words and scales of
 * a figure, a function that chooses panels and series, and two that write a panel, its points (one
 * data block: x, y, ends of the interval, symbol, colour) and its lines (functions of x, appended
 * to gnuplot's variable `list`). gnuplot places panels and legend. Points are put twice, first to
 * find the ranges, so that nothing outside an axis reaches gnuplot.
 *
 * Colours are a scale from dark to light (viridis without its light end), which colour-blind
 * readers can tell apart too. */
#define _DEFAULT_SOURCE /* fchmod() */
#include "report/figures.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "lrsearch/trial.h"
#include "report/cell_names.h"
#include "report/gnuplot.h"
#include "report/plain_text.h"

enum { PANELS = 12, COLUMNS = 3, KEYS = 12, KEYS_A_LINE = 3 };
enum scale { SCALE_LOSS, SCALE_LR = 'l', SCALE_RATIO = 'g', SCALE_TOKENS = 'c' }; /* and format */
enum point { RING = 6, DOT = 7, TRIANGLE = 8, HOLLOW = 12, DIAMOND = 13 };        /* gnuplot's */

#define BLACK 1.25 /* colour of the answer; series have 0 .. 1 */
#define PALETTE                                                                                    \
    "defined (0 '#440154', 1 '#414487', 2 '#2a788e', 3 '#22a884', 4 '#9fc82c', 4.01 'black', "     \
    "5 'black')"
#define COLOR "lc palette cb %.3f"

struct scene {
    const struct figure_kind *kind;
    const struct answer *answer;
    const struct trial *const *trials;
    size_t trial_count;
    enum cell_axis axis; /* of the series; CELL_AXES: they are horizons, or there is one */
    uint64_t series[ANSWER_BASINS]; /* ascending */
    size_t series_count;
    unsigned without;           /* a panel's cells differ along these axes */
    size_t panel[ANSWER_CELLS]; /* of each cell */
    size_t panel_count;

    FILE *script;           /* NULL: ranges are being found */
    struct range x, y, end; /* end: of intervals, which extend y by a limited factor */
};

struct figure_kind {
    const char *file, *title, *marks, *lines; /* two lines of caption */
    const char *x_label, *y_label;
    enum scale x, y;
    void (*choose)(struct scene *scene);
    void (*put_points)(struct scene *scene, size_t panel);
    void (*put_lines)(struct scene *scene, size_t panel);
    const char *plot; /* of the points */
};

/* ---- data ---- */

static double series_color(const struct scene *scene, size_t series)
{
    return scene->series_count < 2 ? 0.3 : (double)series / (double)(scene->series_count - 1);
}

static double color_of(const struct scene *scene, uint64_t value)
{
    size_t s = 0;
    while (s + 1 < scene->series_count && scene->series[s] != value)
        s++;
    return series_color(scene, s);
}

static double cell_color(const struct scene *scene, const struct cell_answer *cell)
{
    return color_of(scene, scene->axis < CELL_AXES ? cell_value(cell, scene->axis) : 0);
}

/* Points of several series are drawn side by side; BLACK ones stay in the middle. The interval is
 * clamped to the axis along which it lies: y, or of a figure of losses x. */
static void put_point(struct scene *scene, enum point point, double x, double y,
                      const double ci90[2], double color)
{
    bool loss = scene->kind->y == SCALE_LOSS;
    if (!range_takes(x) || !(loss ? fabs(y) < 1e9 : range_takes(y)))
        return;
    if (!scene->script) {
        range_add(&scene->x, x);
        range_add(&scene->y, y);
        range_add(&scene->end, ci90[0]);
        range_add(&scene->end, ci90[1]);
        return;
    }
    if (!loss && scene->series_count > 1 && color <= 1)
        x *= pow(scene->x.high / scene->x.low, 0.03 * (color - 0.5));
    gnuplot_row(scene->script, loss ? &scene->x : &scene->y, x, y, loss ? x : y, ci90);
    fprintf(scene->script, " %d %.3f\n", point, color);
}

/* A power of x through (x0, y0). */
static void put_power(struct scene *scene, double power, double x0, double y0, const char *style)
{
    if (range_takes(x0) && range_takes(y0) && fabs(power) < 20)
        fprintf(scene->script, "list = list.\", %.10g * (x / %.10g) ** %.10g with lines %s\"\n", y0,
                x0, power, style);
}

static const char *line_style(char text[48], double color)
{
    snprintf(text, 48, "lw 1.8 " COLOR, color);
    return text;
}

static void choose_cells(struct scene *scene, enum cell_axis axis, unsigned without)
{
    uint32_t values[ANSWER_CELLS];
    scene->axis = axis;
    scene->series_count = axis < CELL_AXES ? cells_values(scene->answer, axis, values) : 0;
    for (size_t s = 0; s < scene->series_count; s++)
        scene->series[s] = values[s];
    scene->without = without;
    scene->panel_count = cells_groups(scene->answer, without, scene->panel);
}

/* Whether the panel has the cell that gives the answer. */
static bool has_answer(const struct scene *scene, size_t panel)
{
    const struct answer *answer = scene->answer;
    return answer->nearest < answer->cell_count && scene->panel[answer->nearest] == panel;
}

/* ---- loss against LR ---- */

#define SEEN_OCTAVES 2.5 /* the loss axis ends at the parabola this far from its vertex */

static bool counts(const struct trial *trial, const struct basin_answer *basin)
{
    return trial->purpose == PURPOSE_SEARCH && trial->cell == basin->cell &&
           trial->spec.horizon_tokens == basin->horizon.tokens &&
           (trial->state == TRIAL_DONE || trial->state == TRIAL_DIVERGED);
}

static bool has_loss(const struct trial *trial)
{
    return trial->state == TRIAL_DONE && fabs(trial->result.val_loss) < 1e9;
}

static double lowest_loss(const struct scene *scene, const struct basin_answer *basin)
{
    double lowest = INFINITY;
    for (size_t i = 0; i < scene->trial_count; i++)
        if (counts(scene->trials[i], basin) && has_loss(scene->trials[i]))
            lowest = fmin(lowest, scene->trials[i]->result.val_loss);
    return lowest;
}

/* A vertex outside the LRs tried is left out: it could push the losses out of the frame. */
static bool vertex_is_seen(const struct scene *scene, const struct horizon_answer *horizon)
{
    return fabs(horizon->loss_min) < 1e9 && horizon->lr_opt >= scene->x.low &&
           horizon->lr_opt <= scene->x.high;
}

/* From the lowest loss to the highest basin SEEN_OCTAVES from its vertex; false: no loss. */
static bool loss_range(const struct scene *scene, size_t cell, double range[2])
{
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < scene->answer->basin_count; i++) {
        const struct basin_answer *basin = &scene->answer->basins[i];
        double bottom = basin->cell == cell ? lowest_loss(scene, basin) : INFINITY;
        double depth = basin->horizon.curvature * SEEN_OCTAVES * SEEN_OCTAVES;
        if (!isfinite(bottom))
            continue;
        if (vertex_is_seen(scene, &basin->horizon))
            bottom = fmin(bottom, basin->horizon.loss_min);
        low = fmin(low, bottom);
        high = fmax(high, bottom + (depth > 0.02 && depth < 1e9 ? depth : 0.02));
    }
    range[0] = low - 0.06 * (high - low);
    range[1] = high + 0.04 * (high - low);
    return isfinite(low);
}

static void add_series(struct scene *scene, uint64_t value)
{
    size_t at = scene->series_count;
    while (at > 0 && scene->series[at - 1] > value)
        at--;
    if (at > 0 && scene->series[at - 1] == value)
        return;
    memmove(scene->series + at + 1, scene->series + at,
            (scene->series_count++ - at) * sizeof(value));
    scene->series[at] = value;
}

static void choose_basins(struct scene *scene)
{
    choose_cells(scene, CELL_AXES, 0);
    for (size_t b = 0; b < scene->answer->basin_count; b++)
        add_series(scene, scene->answer->basins[b].horizon.tokens);
}

static void put_basin(struct scene *scene, const struct basin_answer *basin, const double range[2])
{
    static const double none[2] = {NAN, NAN};
    const struct horizon_answer *horizon = &basin->horizon;
    double color = color_of(scene, horizon->tokens);
    for (size_t i = 0; i < scene->trial_count; i++) {
        const struct trial *trial = scene->trials[i];
        if (!counts(trial, basin))
            continue;
        bool outside = !has_loss(trial) || trial->result.val_loss > range[1];
        put_point(scene, outside ? TRIANGLE : DOT, trial->spec.lr,
                  outside ? range[1] - 0.02 * (range[1] - range[0]) : trial->result.val_loss, none,
                  color);
    }
    if (vertex_is_seen(scene, horizon) && scene->script)
        put_point(scene, HOLLOW, horizon->lr_opt, horizon->loss_min, horizon->ci90, color);
}

static void put_basins(struct scene *scene, size_t cell)
{
    double range[2];
    if (!loss_range(scene, cell, range))
        return;
    for (size_t b = 0; b < scene->answer->basin_count; b++)
        if (scene->answer->basins[b].cell == cell)
            put_basin(scene, &scene->answer->basins[b], range);
}

static void put_parabolas(struct scene *scene, size_t cell)
{
    double range[2];
    if (!loss_range(scene, cell, range))
        return;
    fprintf(scene->script, "set yrange [%.10g:%.10g]\n", range[0], range[1]);
    for (size_t b = 0; b < scene->answer->basin_count; b++) {
        const struct horizon_answer *horizon = &scene->answer->basins[b].horizon;
        if (scene->answer->basins[b].cell == cell && vertex_is_seen(scene, horizon) &&
            fabs(horizon->curvature) < 1e9)
            fprintf(scene->script,
                    "list = list.\", parabola(log(x / %.10g) / log(2), %.10g, %.10g) with lines "
                    "lw 1.8 " COLOR "\"\n",
                    horizon->lr_opt, horizon->loss_min, horizon->curvature,
                    color_of(scene, horizon->tokens));
    }
}

/* ---- best LR against tokens ---- */

static void choose_horizons(struct scene *scene)
{
    enum cell_axis axis = cells_first_axis(scene->answer);
    choose_cells(scene, axis, axis < CELL_AXES ? CELL_BIT(axis) : 0);
}

static void put_horizons(struct scene *scene, size_t panel)
{
    const struct answer *answer = scene->answer;
    double target = (double)answer->target.tokens;
    bool seen[ANSWER_CELLS] = {false}, any = false;
    for (size_t i = 0; i < answer->basin_count; i++) {
        const struct horizon_answer *horizon = &answer->basins[i].horizon;
        const size_t c = answer->basins[i].cell;
        if (c >= answer->cell_count || scene->panel[c] != panel || !range_takes(horizon->lr_opt))
            continue;
        any = seen[c] = true;
        put_point(scene, horizon->at_edge || horizon->flat ? RING : DOT, (double)horizon->tokens,
                  horizon->lr_opt, horizon->ci90, cell_color(scene, &answer->cells[c]));
    }
    for (size_t c = 0; c < answer->cell_count; c++)
        if (seen[c] && (c != answer->nearest || answer->cells[c].lr != answer->target.lr))
            put_point(scene, DIAMOND, target, answer->cells[c].lr, answer->cells[c].ci90,
                      cell_color(scene, &answer->cells[c]));
    if (any && has_answer(scene, panel))
        put_point(scene, HOLLOW, target, answer->target.lr, answer->target.ci90, BLACK);
    if (any && !scene->script)
        range_add(&scene->x, target); /* also if nothing is known there */
}

static void put_laws(struct scene *scene, size_t panel)
{
    char style[48];
    double target = (double)scene->answer->target.tokens;
    for (size_t c = 0; c < scene->answer->cell_count; c++) {
        const struct cell_answer *cell = &scene->answer->cells[c];
        if (scene->panel[c] == panel)
            put_power(scene, -cell->beta, target, cell->lr,
                      line_style(style, cell_color(scene, cell)));
    }
    if (target > 0)
        fprintf(scene->script,
                "set arrow from %.0f, graph 0 to %.0f, graph 1 nohead back dt 2 lc rgb "
                "'#777777'\n",
                target, target);
}

/* ---- best embedding ratio against width ---- */

/* The plan's ratio holds at base_width. The matrices are trained with another one at other widths:
 * with m = width / base_width, mup divides the hidden LR by m; lvp also divides the embedding's by
 * sqrt(m). With an axis of it, the exponent of m is the cell's own. */
static void scale_trained(double *ratio, double ci90[2], uint32_t parametrization, double exponent,
                          double widths)
{
    double by = !isnan(exponent)               ? pow(widths, exponent)
                : parametrization == PARAM_MUP ? widths
                : parametrization == PARAM_LVP ? sqrt(widths)
                                               : 1;
    *ratio *= by;
    ci90[0] *= by;
    ci90[1] *= by;
}

static void make_trained(struct answer *answer)
{
    double base = answer->cells[0].d_model;
    struct target_answer *target = &answer->target;
    for (size_t c = 0; c < answer->cell_count && base > 0; c++) {
        struct cell_answer *cell = &answer->cells[c];
        scale_trained(&cell->ratio[RATIO_EMBEDDING], cell->ratio_ci90[RATIO_EMBEDDING],
                      cell->parametrization, cell->embedding_lr_exponent, cell->d_model / base);
    }
    if (base > 0)
        scale_trained(&target->ratio[RATIO_EMBEDDING], target->ratio_ci90[RATIO_EMBEDDING],
                      target->parametrization, answer->cells[answer->nearest].embedding_lr_exponent,
                      target->width / base);
}

static void choose_ratios(struct scene *scene)
{
    choose_cells(scene, CELL_VOCAB, CELL_BIT(CELL_WIDTH) | CELL_BIT(CELL_VOCAB));
    if (!cells_vary(scene->answer, CELL_WIDTH))
        scene->panel_count = 0;
}

static bool has_ratio(const struct scene *scene, const struct cell_answer *cell, size_t panel)
{
    return scene->panel[cell - scene->answer->cells] == panel && cell->d_model > 0 &&
           range_takes(cell->ratio[RATIO_EMBEDDING]);
}

static void put_ratios(struct scene *scene, size_t panel)
{
    const struct target_answer *target = &scene->answer->target;
    for (size_t c = 0; c < scene->answer->cell_count; c++) {
        const struct cell_answer *cell = &scene->answer->cells[c];
        if (has_ratio(scene, cell, panel))
            put_point(scene, DOT, cell->d_model, cell->ratio[RATIO_EMBEDDING],
                      cell->ratio_ci90[RATIO_EMBEDDING], cell_color(scene, cell));
    }
    if (has_answer(scene, panel) && !(scene->script == NULL && range_is_empty(&scene->x)))
        put_point(scene, HOLLOW, target->width, target->ratio[RATIO_EMBEDDING],
                  target->ratio_ci90[RATIO_EMBEDDING], BLACK);
}

/* The fitted exponents, each through the middle of its points, and two to compare with. */
static void put_slopes(struct scene *scene, size_t panel)
{
    const struct answer *answer = scene->answer;
    char style[48];
    for (size_t e = 0; e < answer->exponent_count; e++) {
        const struct exponent_answer *exponent = &answer->exponents[e];
        double ln_width = 0, ln_ratio = 0, count = 0, color = 0;
        if (strcmp(exponent->of, "embedding_lr_ratio") != 0 || strcmp(exponent->axis, "width") != 0)
            continue;
        for (size_t c = 0; c < answer->cell_count; c++) {
            const struct cell_answer *cell = &answer->cells[c];
            bool other = !isnan(exponent->embedding_lr_exponent) &&
                         exponent->embedding_lr_exponent != cell->embedding_lr_exponent;
            if (!has_ratio(scene, cell, panel) || other ||
                exponent->parametrization != cell->parametrization ||
                (exponent->vocab > 0 && exponent->vocab != cell->vocab))
                continue;
            ln_width += log(cell->d_model);
            ln_ratio += log(cell->ratio[RATIO_EMBEDDING]);
            color = cell_color(scene, cell);
            count++;
        }
        put_power(scene, exponent->value, exp(ln_width / count), exp(ln_ratio / count),
                  line_style(style, color));
    }
    put_power(scene, 1, scene->x.low, scene->y.low, "dt 2 lc rgb '#999999'");
    put_power(scene, 0.5, scene->x.low, scene->y.low, "dt 3 lc rgb '#999999'");
}

/* ---- the table ---- */

/* Diamonds are larger. */
#define SYMBOL "($5 > 11 ? 1.3 : 0.7):5:6 "
#define BARS                                                                                       \
    "$points using 1:2:3:4:" SYMBOL "with yerrorbars lw 1.2 pt variable ps variable lc palette"
#define POINTS                                                                                     \
    "$points using 3:2:($4-$3):(0):6 with vectors nohead lw 3 lc palette, "                        \
    "$points using 1:2:" SYMBOL "with points lw 1.4 pt variable ps variable lc palette"

static const struct figure_kind kinds[] = {
    {"basins.svg", "Loss against learning rate",
     "Dots: trainings; triangles: diverged, or above the frame.",
     "Diamonds: fitted optima, and 90 % intervals. Dots above a curve may have other ratios.",
     "learning rate", "validation loss, nats per token", SCALE_LR, SCALE_LOSS, choose_basins,
     put_basins, put_parabolas, POINTS},
    {"horizon.svg", "Best learning rate against tokens",
     "Dots: fitted optima with 90 % intervals (rings: at the edge, or flat), and the law through",
     "them; dashed: the target; diamonds: the optima there, black: the answer.", "tokens",
     "best learning rate", SCALE_TOKENS, SCALE_LR, choose_horizons, put_horizons, put_laws, BARS},
    {"ratio.svg", "Best embedding ratio against width",
     "Dots: best ratios with 90 % intervals, and the fitted slope; black: the answer.",
     "Grey: slope 1 (dashed, muP) and 1/2 (dotted, large vocabulary).", "width",
     "embedding LR / hidden LR", SCALE_RATIO, SCALE_RATIO, choose_ratios, put_ratios, put_slopes,
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
                      size_t left_out)
{
    char title[128], text[64], count[COUNT_TEXT];
    fputs("set lmargin at screen 0\nset rmargin at screen 1\nset bmargin at screen 0\n"
          "set tmargin at screen 1\nunset logscale\nunset title\nunset border\nunset tics\n"
          "unset grid\nunset label\nunset arrow\n",
          script);
    snprintf(title, sizeof(title), "%s", scene->kind->title);
    if (left_out > 0)
        snprintf(title, sizeof(title), "%s: %zu of %zu models", scene->kind->title, frame->panels,
                 frame->panels + left_out);
    put_text(script, frame, title, 12, 20, "font ',15'");
    put_text(script, frame, scene->kind->marks, 12, 40, "font ',11' tc rgb '#555555'");
    put_text(script, frame, scene->kind->lines, 12, 40 + LINE, "font ',11' tc rgb '#555555'");
    put_text(script, frame, scene->kind->x_label, (WIDTH + LEFT - RIGHT) / 2, frame->total - 12,
             "center");
    put_text(script, frame, scene->kind->y_label, 14, (frame->top + frame->total - BOTTOM) / 2,
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
        fprintf(script, ", NaN with points pt 7 ps 0.9 " COLOR " title ", series_color(scene, s));
        gnuplot_string(script, text);
    }
    fputs("\nunset multiplot\n", script);
}

static void put_panel(struct scene *scene, const struct frame *frame, size_t panel)
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
    gnuplot_log_axis(script, 'x', &scene->x, frame->width / 34.0, (char)scene->kind->x);
    if (scene->kind->y != SCALE_LOSS)
        gnuplot_log_axis(script, 'y', &scene->y, frame->height / 26.0, (char)scene->kind->y);
    fputs("$points << END\n", script);
    scene->kind->put_points(scene, panel);
    fputs("END\nlist = 'plot NaN'\n", script);
    scene->kind->put_lines(scene, panel);
    fprintf(script, "eval list.', %s'\n", scene->kind->plot);
}

/* ---- drawing ---- */

/* Of the panels that have data at most PANELS: an even choice, and the one with the answer. Returns
 * how many; *left_out: the others. */
static size_t choose_panels(struct scene *scene, size_t shown[PANELS], size_t *left_out)
{
    size_t all[ANSWER_CELLS], count = 0, answer = SIZE_MAX;
    for (size_t p = 0; p < scene->panel_count; p++) {
        scene->x = range_empty();
        scene->kind->put_points(scene, p);
        if (range_is_empty(&scene->x))
            continue;
        answer = has_answer(scene, p) ? count : answer;
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

/* Ranges of the axes: all points, and intervals as far as they extend y by a factor of 4. */
static void find_ranges(struct scene *scene, const size_t *panels, size_t count)
{
    scene->x = scene->y = scene->end = range_empty();
    for (size_t i = 0; i < count; i++)
        scene->kind->put_points(scene, panels[i]);
    range_widen(&scene->x, pow(scene->x.high / scene->x.low, 0.07) * 1.03);
    struct range around = scene->y;
    range_widen(&around, 4);
    if (!range_is_empty(&scene->end)) {
        range_add(&scene->y, range_clamp(&around, scene->end.low));
        range_add(&scene->y, range_clamp(&around, scene->end.high));
    }
    range_widen(&scene->y, 1.2);
}

static int draw_kind(const char *path, struct scene *scene, bool *drawn, struct lr_error *err)
{
    struct gnuplot gnuplot;
    struct frame frame;
    size_t shown[PANELS], left_out;
    *drawn = true;
    scene->kind->choose(scene);
    size_t count = choose_panels(scene, shown, &left_out);
    if (count == 0)
        return 0;
    lay_out(&frame, scene, count);
    find_ranges(scene, shown, count);
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
        put_panel(scene, &frame, shown[i]);
    put_frame(scene->script, &frame, scene, left_out);
    return gnuplot_end(&gnuplot, drawn, err);
}

/* A copy of the answer for the figures: one without axes gets a single cell, and embedding ratios
 * are those that were trained. Release with lr_free(); NULL: out of memory. */
static struct answer *figure_answer(const struct answer *answer)
{
    struct answer *copy = lr_malloc(sizeof(*copy));
    if (!copy)
        return NULL;
    *copy = *answer;
    if (copy->cell_count == 0) {
        copy->cells[0] = (struct cell_answer){
            .lr = answer->target.lr,
            .ci90 = {answer->target.ci90[0], answer->target.ci90[1]},
            .beta = answer->law.beta,
            .beta_ci90 = {answer->law.beta_ci90[0], answer->law.beta_ci90[1]},
            .ratio = {NAN, NAN},
            .embedding_lr_exponent = NAN,
            .loss = NAN,
        };
        copy->cell_count = 1;
        copy->nearest = 0;
        copy->basin_count = answer->horizon_count;
        for (size_t i = 0; i < answer->horizon_count; i++)
            copy->basins[i] = (struct basin_answer){.horizon = answer->horizons[i]};
    }
    make_trained(copy);
    return copy;
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
        struct scene scene = {
            .kind = &kinds[i], .answer = cells, .trials = trials, .trial_count = count};
        char *path = join_path(folder, kinds[i].file);
        rc = path ? draw_kind(path, &scene, &each, &err) : lr_nomem(&err);
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
