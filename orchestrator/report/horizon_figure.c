/* Best LR against tokens: the measurements, the law of each cell extended to the target, and the
 * joint law, if any. One colour per width (or value of the first axis that varies), one panel per
 * combination of the other axes. */
#include <math.h>
#include <string.h>
#include "lrsearch/trial.h"
#include "report/cell_names.h"
#include "report/figures.h"

#define SAMPLES 40

struct scene {
    const struct answer *answer;
    enum cell_axis series_axis;
    uint32_t series[ANSWER_CELLS];
    size_t series_count;
    size_t panel[ANSWER_CELLS], panel_count;
    struct range x, y;
};

/* A cell's horizons in ln tokens: mean and ends. cell_reach() is false if none has an optimum. */
struct reach {
    double mean, first, last;
};

static bool cell_reach(struct reach *reach, const struct answer *answer, size_t cell)
{
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < answer->basin_count; i++) {
        const struct horizon_answer *horizon = &answer->basins[i].horizon;
        double at = log((double)horizon->tokens);
        if (answer->basins[i].cell != cell || !figure_shows(horizon->lr_opt))
            continue;
        reach->first = count > 0 ? fmin(reach->first, at) : at;
        reach->last = count > 0 ? fmax(reach->last, at) : at;
        sum += at;
        count++;
    }
    reach->mean = count > 0 ? sum / (double)count : NAN;
    return count > 0;
}

static bool has_law(const struct cell_answer *cell)
{
    return figure_shows(cell->lr) && figure_slope(cell->beta);
}

static void add_law_range(struct scene *scene, size_t cell)
{
    const struct cell_answer *c = &scene->answer->cells[cell];
    struct reach reach;
    if (!cell_reach(&reach, scene->answer, cell) || !has_law(c))
        return;
    double target = log((double)scene->answer->target.tokens);
    range_add(&scene->y, c->lr);
    range_add(&scene->y, c->lr * exp(c->beta * (target - reach.first)));
}

/* Measurements are always in range; intervals extend it by at most a factor of 4. */
static void set_ranges(struct scene *scene)
{
    const struct answer *answer = scene->answer;
    struct range ends = range_empty();
    scene->x = scene->y = range_empty();
    for (size_t i = 0; i < answer->basin_count; i++) {
        const struct horizon_answer *horizon = &answer->basins[i].horizon;
        if (!figure_shows(horizon->lr_opt) || answer->basins[i].cell >= answer->cell_count)
            continue;
        range_add(&scene->x, (double)horizon->tokens);
        range_add(&scene->y, horizon->lr_opt);
        range_add(&ends, horizon->ci90[0]);
        range_add(&ends, horizon->ci90[1]);
    }
    if (range_is_empty(&scene->x))
        return;
    range_add(&scene->x, (double)answer->target.tokens);
    range_widen(&scene->x, pow(scene->x.high / scene->x.low, 0.06) * 1.02);
    for (size_t c = 0; c < answer->cell_count; c++) {
        add_law_range(scene, c);
        range_add(&ends, answer->cells[c].ci90[0]);
        range_add(&ends, answer->cells[c].ci90[1]);
    }
    range_add(&scene->y, answer->target.lr);
    range_add(&ends, answer->target.ci90[0]);
    range_add(&ends, answer->target.ci90[1]);
    range_add_ends(&scene->y, &ends, 4);
    range_widen(&scene->y, 1.25);
}

/* ---- data ---- */

static bool is_hollow(const struct horizon_answer *horizon)
{
    return horizon->at_edge || horizon->flat;
}

/* Writes block $NAME of the cell's horizons; returns the number of rows. */
static size_t write_points(FILE *script, const struct scene *scene, size_t cell, size_t series,
                           bool hollow)
{
    size_t count = 0;
    fprintf(script, "$%s%zu << END\n", hollow ? "hollow" : "points", cell);
    for (size_t i = 0; i < scene->answer->basin_count; i++) {
        const struct horizon_answer *horizon = &scene->answer->basins[i].horizon;
        if (scene->answer->basins[i].cell != cell || !figure_shows(horizon->lr_opt) ||
            is_hollow(horizon) != hollow)
            continue;
        figure_row(script, &scene->y,
                   figure_beside(&scene->x, (double)horizon->tokens, series, scene->series_count),
                   horizon->lr_opt, horizon->ci90);
        count++;
    }
    fputs("END\n", script);
    return count;
}

/* Half width of the band in ln LR, on one side: that of the interval at the target, narrowing
 * toward the middle of the horizons by the slope's interval. */
static double band(double at, double mean, double target, double half_target, double half_beta)
{
    double away = fabs(target - mean);
    if (!(half_target >= 0))
        return 0;
    if (!(half_beta >= 0) || half_beta * away > half_target)
        half_beta = away > 0 ? half_target / away : 0;
    double rest = half_target * half_target - half_beta * half_beta * away * away;
    return sqrt(fmax(rest, 0) + half_beta * half_beta * (at - mean) * (at - mean));
}

static void write_law(FILE *script, const struct scene *scene, size_t cell,
                      const struct reach *reach)
{
    const struct cell_answer *c = &scene->answer->cells[cell];
    double target = log((double)scene->answer->target.tokens), end = fmax(target, reach->last);
    double half_beta = (c->beta_ci90[1] - c->beta_ci90[0]) / 2;
    fprintf(script, "$law%zu << END\n", cell);
    for (int i = 0; i <= SAMPLES; i++) {
        double at = reach->first + (end - reach->first) * i / SAMPLES;
        double lr = c->lr * exp(c->beta * (target - at));
        double below = band(at, reach->mean, target, log(c->lr / c->ci90[0]), half_beta);
        double above = band(at, reach->mean, target, log(c->ci90[1] / c->lr), half_beta);
        fprintf(script, "%.10g %.10g %.10g %.10g\n", exp(at), lr,
                range_clamp(&scene->y, lr * exp(-below)), range_clamp(&scene->y, lr * exp(above)));
    }
    fputs("END\n", script);
}

static bool write_joint(FILE *script, const struct scene *scene, size_t cell,
                        const struct reach *reach)
{
    const struct joint_answer *joint = &scene->answer->joint;
    const struct cell_answer *c = &scene->answer->cells[cell];
    double level = joint->ln_c - joint->alpha * log((double)c->params);
    double ends[2] = {reach->first, fmax(log((double)scene->answer->target.tokens), reach->last)};
    if (!joint->known || c->params == 0 || c->parametrization != joint->parametrization ||
        !figure_slope(joint->beta) || !(fabs(level) < 100))
        return false;
    fprintf(script, "$joint%zu << END\n", cell);
    for (int i = 0; i < 2; i++)
        fprintf(script, "%.10g %.10g\n", exp(ends[i]), exp(level - joint->beta * ends[i]));
    fputs("END\n", script);
    return true;
}

/* ---- panels ---- */

/* The data blocks written for a cell; they are plotted later, by name. */
struct shown {
    size_t cell, series;
    bool law, joint, at_target;
    size_t points, hollow;
};

static struct shown write_cell(FILE *script, const struct scene *scene, size_t cell)
{
    const struct cell_answer *c = &scene->answer->cells[cell];
    struct shown shown = {.cell = cell};
    struct reach reach;
    if (scene->series_axis < CELL_AXES)
        while (scene->series[shown.series] != cell_value(c, scene->series_axis))
            shown.series++;
    if (!cell_reach(&reach, scene->answer, cell))
        return shown;
    shown.points = write_points(script, scene, cell, shown.series, false);
    shown.hollow = write_points(script, scene, cell, shown.series, true);
    shown.law = has_law(c);
    if (shown.law)
        write_law(script, scene, cell, &reach);
    shown.joint = write_joint(script, scene, cell, &reach);
    /* write_answer() draws the cell that gives the answer */
    shown.at_target = figure_shows(c->lr) &&
                      !(cell == scene->answer->nearest && c->lr == scene->answer->target.lr);
    if (shown.at_target) {
        fprintf(script, "$target%zu << END\n", cell);
        figure_row(script, &scene->y,
                   figure_beside(&scene->x, (double)scene->answer->target.tokens, shown.series,
                                 scene->series_count),
                   c->lr, c->ci90);
        fputs("END\n", script);
    }
    return shown;
}

static void plot_lines(FILE *script, const struct scene *scene, const struct shown *shown)
{
    char color[FIGURE_COLOR];
    figure_color(color, shown->series, scene->series_count);
    if (shown->law)
        fprintf(script,
                ", \\\n $law%zu using 1:3:4 with filledcurves fs transparent solid 0.13 noborder "
                "lc rgb '%s', \\\n $law%zu using 1:2 with lines lw 1.6 lc rgb '%s'",
                shown->cell, color, shown->cell, color);
    if (shown->joint)
        fprintf(script, ", \\\n $joint%zu using 1:2 with lines lw 1.8 dt 3 lc rgb '%s'",
                shown->cell, color);
}

static void plot_points(FILE *script, const struct scene *scene, const struct shown *shown)
{
    char color[FIGURE_COLOR];
    figure_color(color, shown->series, scene->series_count);
    if (shown->points > 0)
        fprintf(script, ", \\\n $points%zu with yerrorbars pt 7 ps 0.7 lw 1.2 lc rgb '%s'",
                shown->cell, color);
    if (shown->hollow > 0)
        fprintf(script, ", \\\n $hollow%zu with yerrorbars pt 6 ps 0.7 lw 1.2 lc rgb '%s'",
                shown->cell, color);
    if (shown->at_target)
        fprintf(script, ", \\\n $target%zu with yerrorbars pt 13 ps 0.9 lw 1.2 lc rgb '%s'",
                shown->cell, color);
}

static void write_answer(FILE *script, const struct scene *scene)
{
    const struct target_answer *target = &scene->answer->target;
    fputs("$answer << END\n", script);
    figure_row(script, &scene->y, (double)target->tokens, target->lr, target->ci90);
    fputs("END\n", script);
}

static void write_panel(struct figure *figure, const struct scene *scene, size_t panel)
{
    struct shown shown[ANSWER_CELLS];
    size_t count = 0;
    const struct answer *answer = scene->answer;
    bool answered = figure_shows(answer->target.lr) && answer->nearest < answer->cell_count &&
                    scene->panel[answer->nearest] == panel;
    for (size_t c = 0; c < answer->cell_count; c++)
        if (scene->panel[c] == panel)
            shown[count++] = write_cell(figure->script, scene, c);
    if (answered)
        write_answer(figure->script, scene);
    fputs("plot NaN", figure->script);
    for (size_t i = 0; i < count; i++)
        plot_lines(figure->script, scene, &shown[i]);
    for (size_t i = 0; i < count; i++)
        plot_points(figure->script, scene, &shown[i]);
    if (answered)
        fputs(", \\\n $answer with yerrorbars pt 12 ps 1.3 lw 1.6 lc rgb '#000000'",
              figure->script);
    fputc('\n', figure->script);
}

static const char *legend(void *context, size_t index, char *text, size_t capacity)
{
    const struct scene *scene = context;
    return cell_axis_text(text, capacity, scene->series_axis, scene->series[index]);
}

static size_t tick_values(uint64_t values[ANSWER_BASINS + 1], const struct answer *answer)
{
    size_t count = figure_add_value(values, 0, 1, answer->target.tokens);
    for (size_t i = 0; i < answer->basin_count; i++)
        count =
            figure_add_value(values, count, ANSWER_BASINS + 1, answer->basins[i].horizon.tokens);
    return count;
}

static void describe_marks(char *text, size_t capacity, const struct answer *answer)
{
    bool law = false, hollow = false;
    for (size_t c = 0; c < answer->cell_count; c++)
        law = law || has_law(&answer->cells[c]);
    for (size_t i = 0; i < answer->basin_count; i++)
        hollow = hollow || (figure_shows(answer->basins[i].horizon.lr_opt) &&
                            is_hollow(&answer->basins[i].horizon));
    snprintf(text, capacity, "with 90 %% intervals%s%s%s%s", law ? "; line: extrapolation" : "",
             answer->joint.known ? "; dots: all sizes together" : "",
             figure_shows(answer->target.lr) ? "; black: the answer" : "",
             hollow ? "; hollow: edge or flat" : "");
}

int horizon_figure(const char *path, const struct report_input *input, struct figure_marks *marks,
                   bool *drawn, struct lr_error *err)
{
    const struct answer *answer = input->answer;
    struct scene scene = {.answer = answer, .series_axis = cells_first_axis(answer)};
    struct figure figure;
    char caption[160], title[CELL_NAME];
    uint64_t ticks[ANSWER_BASINS + 1];
    size_t tick_count = tick_values(ticks, answer);
    *drawn = true;
    set_ranges(&scene);
    if (range_is_empty(&scene.x))
        return 0;
    if (scene.series_axis < CELL_AXES)
        scene.series_count = cells_values(answer, scene.series_axis, scene.series);
    unsigned without = scene.series_axis < CELL_AXES ? CELL_BIT(scene.series_axis) : 0;
    scene.panel_count = cells_groups(answer, without, scene.panel);
    describe_marks(caption, sizeof(caption), answer);
    struct figure_frame frame = {.title = "Best learning rate and training length",
                                 .caption = caption,
                                 .x_label = "tokens",
                                 .y_label = "best learning rate",
                                 .panels = scene.panel_count,
                                 .legend = legend,
                                 .context = &scene,
                                 .series = scene.series_count,
                                 .marks = marks};
    int rc = figure_begin(&figure, path, &frame, err);
    if (rc)
        return rc;
    for (size_t p = 0; p < scene.panel_count; p++) {
        size_t first = 0;
        while (scene.panel[first] != p)
            first++;
        figure_panel(&figure, p, cell_name(title, sizeof(title), answer, first, without));
        figure_count_ticks(&figure, 'x', &scene.x, ticks, tick_count, false);
        figure_lr_ticks(&figure, 'y', &scene.y);
        figure_mark(&figure, (double)answer->target.tokens, "target");
        write_panel(&figure, &scene, p);
    }
    return figure_end(&figure, drawn, err);
}
