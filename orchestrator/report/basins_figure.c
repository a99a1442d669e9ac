/* Loss against LR: one panel per cell, one colour per horizon; each trial, and the parabola near
 * the minimum with its vertex. In a search over ratios, a trial with other ratios than the best
 * one's lies above the parabola and is drawn hollow. */
#include <math.h>
#include "lrsearch/memory.h"
#include "report/cell_names.h"
#include "report/figures.h"
#include "report/summary.h"

#define CURVE_OCTAVES 2.0 /* to each side of the vertex; further out no basin is a parabola */
#define SEEN_OCTAVES 2.5  /* the loss axis ends at the parabola this far from its vertex */
#define SAMPLES 24
enum { NUMBERED = 60 /* up to this many trials are labelled with their rounds */ };

struct scene {
    const struct answer *answer;
    const struct trial *const *trials;
    size_t trial_count;
    uint64_t series[ANSWER_BASINS]; /* horizons, ascending */
    size_t series_count;
    struct range x;
};

static bool counts(const struct trial *trial, const struct basin_answer *basin)
{
    return trial->purpose == PURPOSE_SEARCH && trial->cell == basin->cell &&
           trial->spec.horizon_tokens == basin->horizon.tokens &&
           (trial->state == TRIAL_DONE || trial->state == TRIAL_DIVERGED);
}

static bool is_loss(double loss)
{
    return fabs(loss) < 1e9;
}

static bool has_loss(const struct trial *trial)
{
    return trial->state == TRIAL_DONE && is_loss(trial->result.val_loss);
}

static const struct trial *best_trial(const struct scene *scene, const struct basin_answer *basin)
{
    const struct trial *best = NULL;
    for (size_t i = 0; i < scene->trial_count; i++) {
        const struct trial *trial = scene->trials[i];
        if (counts(trial, basin) && has_loss(trial) &&
            (!best || trial->result.val_loss < best->result.val_loss))
            best = trial;
    }
    return best;
}

static bool is_other(double ratio, double best)
{
    return ratio > 0 && best > 0 && fabs(log2(ratio / best)) > 0.75;
}

static bool has_other_ratios(const struct trial *trial, const struct trial *best)
{
    return best && (is_other(trial->spec.embedding_lr_ratio, best->spec.embedding_lr_ratio) ||
                    is_other(trial->spec.output_lr_ratio, best->spec.output_lr_ratio) ||
                    is_other(trial->spec.vector_lr_ratio, best->spec.vector_lr_ratio) ||
                    is_other(trial->spec.weight_decay, best->spec.weight_decay));
}

static bool has_vertex(const struct horizon_answer *horizon)
{
    return figure_shows(horizon->lr_opt) && is_loss(horizon->loss_min);
}

/* A vertex outside the range of LRs tried is left out: it could push the losses out of the
 * frame. */
static bool vertex_is_seen(const struct scene *scene, const struct horizon_answer *horizon)
{
    return has_vertex(horizon) && horizon->lr_opt >= scene->x.low &&
           horizon->lr_opt <= scene->x.high;
}

/* ---- ranges ---- */

/* The loss axis of a cell: from the lowest loss to the highest basin SEEN_OCTAVES from its vertex;
 * false: no loss is known. */
static bool loss_range(const struct scene *scene, size_t cell, double range[2])
{
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < scene->answer->basin_count; i++) {
        const struct basin_answer *basin = &scene->answer->basins[i];
        const struct trial *best = best_trial(scene, basin);
        double bottom = vertex_is_seen(scene, &basin->horizon) ? basin->horizon.loss_min
                        : best                                 ? best->result.val_loss
                                                               : NAN;
        double depth = basin->horizon.curvature * SEEN_OCTAVES * SEEN_OCTAVES;
        if (basin->cell != cell || !isfinite(bottom))
            continue;
        low = fmin(low, best ? fmin(bottom, best->result.val_loss) : bottom);
        high = fmax(high, bottom + (depth > 0.02 && is_loss(depth) ? depth : 0.02));
    }
    range[0] = low - 0.06 * (high - low);
    range[1] = high + 0.04 * (high - low);
    return isfinite(low);
}

static void set_ranges(struct scene *scene)
{
    scene->x = range_empty();
    for (size_t b = 0; b < scene->answer->basin_count; b++) {
        const struct basin_answer *basin = &scene->answer->basins[b];
        for (size_t i = 0; i < scene->trial_count; i++)
            if (counts(scene->trials[i], basin))
                range_add(&scene->x, scene->trials[i]->spec.lr);
        scene->series_count = figure_add_value(scene->series, scene->series_count, ANSWER_BASINS,
                                               basin->horizon.tokens);
    }
    range_widen(&scene->x, 1.3);
}

/* ---- a panel ---- */

static size_t series_of(const struct scene *scene, uint64_t tokens)
{
    size_t s = 0;
    while (scene->series[s] != tokens)
        s++;
    return s;
}

enum mark { MARK_BEST_RATIOS, MARK_OTHER_RATIOS, MARK_OUTSIDE, MARKS };
static const char *const mark_names[MARKS] = {"points", "hollow", "outside"};

static enum mark mark_of(const struct trial *trial, const struct trial *best, double top)
{
    if (!has_loss(trial) || trial->result.val_loss > top)
        return MARK_OUTSIDE;
    return has_other_ratios(trial, best) ? MARK_OTHER_RATIOS : MARK_BEST_RATIOS;
}

/* Writes block $NAMEbasin; returns the number of points. Trials that diverged or lie above the
 * panel are drawn at its top. */
static size_t write_points(FILE *script, const struct scene *scene, size_t b,
                           const struct trial *best, const double range[2], enum mark mark)
{
    const struct basin_answer *basin = &scene->answer->basins[b];
    double top = range[1] - 0.02 * (range[1] - range[0]);
    size_t count = 0;
    fprintf(script, "$%s%zu << END\n", mark_names[mark], b);
    for (size_t i = 0; i < scene->trial_count; i++) {
        const struct trial *trial = scene->trials[i];
        if (!counts(trial, basin) || mark_of(trial, best, range[1]) != mark)
            continue;
        fprintf(script, "%.10g %.10g\n", trial->spec.lr,
                mark == MARK_OUTSIDE ? top : trial->result.val_loss);
        count++;
    }
    fputs("END\n", script);
    return count;
}

/* The same points as SVG elements for the report. */
static void mark_points(struct figure *figure, const struct scene *scene, size_t b,
                        const struct trial *best, const double range[2], const char *color)
{
    static const enum figure_symbol symbols[MARKS] = {SYMBOL_DOT, SYMBOL_HOLLOW, SYMBOL_TRIANGLE};
    for (size_t i = 0; i < scene->trial_count; i++) {
        const struct trial *trial = scene->trials[i];
        if (!counts(trial, &scene->answer->basins[b]))
            continue;
        enum mark mark = mark_of(trial, best, range[1]);
        double y = mark == MARK_OUTSIDE
                       ? 0.98
                       : (trial->result.val_loss - range[0]) / (range[1] - range[0]);
        figure_trial(figure, trial->id, range_share(&scene->x, trial->spec.lr), y, symbols[mark],
                     scene->trial_count <= NUMBERED ? trial->round : 0, color);
    }
}

static bool write_curve(FILE *script, const struct scene *scene, size_t b, const double range[2])
{
    const struct horizon_answer *horizon = &scene->answer->basins[b].horizon;
    if (!vertex_is_seen(scene, horizon))
        return false;
    bool interval = interval_known(horizon->ci90);
    fprintf(script, "$vertex%zu << END\n%.10g %.10g %.10g %.10g\nEND\n$curve%zu << END\n", b,
            horizon->lr_opt, horizon->loss_min,
            range_clamp(&scene->x, interval ? horizon->ci90[0] : horizon->lr_opt),
            range_clamp(&scene->x, interval ? horizon->ci90[1] : horizon->lr_opt), b);
    for (int i = -SAMPLES; i <= SAMPLES; i++) {
        double octaves = CURVE_OCTAVES * i / SAMPLES;
        double loss = horizon->loss_min + horizon->curvature * octaves * octaves;
        if (is_loss(loss) && loss <= range[1])
            fprintf(script, "%.10g %.10g\n", horizon->lr_opt * exp2(octaves), loss);
    }
    fprintf(script, "%s", isfinite(horizon->curvature) ? "END\n" : "NaN NaN\nEND\n");
    return true;
}

static void write_panel(struct figure *figure, const struct scene *scene, size_t cell,
                        const double range[2])
{
    static const char *const looks[MARKS] = {"pt 7 ps 0.55", "pt 6 ps 0.55", "pt 8 ps 0.6"};
    size_t count[ANSWER_BASINS][MARKS];
    bool curve[ANSWER_BASINS];
    char color[FIGURE_COLOR];
    FILE *script = figure->script;
    for (size_t b = 0; b < scene->answer->basin_count; b++) {
        const struct basin_answer *basin = &scene->answer->basins[b];
        if (basin->cell != cell)
            continue;
        const struct trial *best = best_trial(scene, basin);
        for (enum mark mark = MARK_BEST_RATIOS; mark < MARKS; mark++)
            count[b][mark] = figure->marks ? 0 : write_points(script, scene, b, best, range, mark);
        if (figure->marks)
            mark_points(
                figure, scene, b, best, range,
                figure_color(color, series_of(scene, basin->horizon.tokens), scene->series_count));
        curve[b] = write_curve(script, scene, b, range);
    }
    fputs("plot NaN", script);
    for (size_t b = 0; b < scene->answer->basin_count; b++) {
        if (scene->answer->basins[b].cell != cell)
            continue;
        figure_color(color, series_of(scene, scene->answer->basins[b].horizon.tokens),
                     scene->series_count);
        if (curve[b])
            fprintf(script, ", \\\n $curve%zu with lines lw 1.6 lc rgb '%s'", b, color);
        for (enum mark mark = MARK_BEST_RATIOS; mark < MARKS; mark++)
            if (count[b][mark] > 0)
                fprintf(script, ", \\\n $%s%zu with points %s lc rgb '%s'", mark_names[mark], b,
                        looks[mark], color);
        if (curve[b])
            fprintf(script, ", \\\n $vertex%zu with %s pt 12 ps 1.1 lw 1.6 lc rgb '%s'", b,
                    figure->marks ? "xerrorbars" : "points", color);
    }
    fputc('\n', script);
}

/* The cells that have a loss, in their order. */
static size_t cells_shown(const struct scene *scene, size_t shown[ANSWER_CELLS])
{
    size_t count = 0;
    double range[2];
    for (size_t c = 0; c < scene->answer->cell_count; c++)
        if (loss_range(scene, c, range))
            shown[count++] = c;
    return count;
}

int basins_figure(const char *path, const struct report_input *input, struct figure_marks *marks,
                  bool *drawn, struct lr_error *err)
{
    const struct answer *answer = input->answer;
    struct scene scene = {.answer = answer, .trials = input->trials, .trial_count = input->count};
    struct figure figure;
    size_t shown[ANSWER_CELLS];
    char title[CELL_NAME];
    *drawn = true;
    set_ranges(&scene);
    size_t panels = cells_shown(&scene, shown);
    if (panels == 0 || range_is_empty(&scene.x))
        return 0;
    bool ratios = false;
    for (size_t c = 0; c < answer->cell_count; c++)
        for (int r = 0; r < RATIO_COUNT; r++)
            ratios = ratios || isfinite(answer->cells[c].ratio[r]);
    struct figure_frame frame = {
        .title = "Loss and learning rate",
        .caption = ratios ? "points: trainings (hollow: other ratios; triangles: above the frame, "
                            "or diverged); diamond: optimum"
                          : "points: trainings (triangles: above the frame, or diverged); "
                            "diamond: optimum",
        .x_label = "learning rate",
        .y_label = "validation loss, nats per token",
        .panels = panels,
        .own_y = true,
        .legend = figure_tokens_legend,
        .context = scene.series,
        .series = scene.series_count,
        .marks = marks};
    int rc = figure_begin(&figure, path, &frame, err);
    if (rc)
        return rc;
    for (size_t p = 0; p < panels; p++) {
        double range[2];
        loss_range(&scene, shown[p], range);
        figure_panel(&figure, p, cell_name(title, sizeof(title), answer, shown[p], 0));
        figure_lr_ticks(&figure, 'x', &scene.x);
        fprintf(figure.script, "set yrange [%.10g:%.10g]\nset ytics auto\n", range[0], range[1]);
        write_panel(&figure, &scene, shown[p], range);
    }
    return figure_end(&figure, drawn, err);
}
