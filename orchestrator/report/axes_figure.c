/* Best LR at the target's tokens against each axis of the plan: one panel per axis, one colour per
 * parametrization; a line joins cells that differ along that axis only. */
#include <math.h>
#include "lrsearch/trial.h"
#include "report/cell_names.h"
#include "report/figures.h"

enum { PANELS = CELL_PARAMETRIZATION + 1 }; /* the numeric axes and the number of parameters */
#define BY_SIZE CELL_PARAMETRIZATION

struct scene {
    const struct answer *answer;
    unsigned panels[PANELS]; /* axis, or BY_SIZE */
    size_t panel_count;
    uint32_t series[ANSWER_CELLS]; /* parametrizations */
    size_t series_count;
    struct range y;
};

static double value_of(const struct scene *scene, size_t cell, unsigned axis)
{
    const struct cell_answer *c = &scene->answer->cells[cell];
    return axis == BY_SIZE ? (double)c->params : cell_value(c, (enum cell_axis)axis);
}

static bool is_shown(const struct scene *scene, size_t cell, unsigned axis)
{
    return figure_shows(scene->answer->cells[cell].lr) && figure_shows(value_of(scene, cell, axis));
}

static void set_scene(struct scene *scene)
{
    const struct answer *answer = scene->answer;
    struct range ends = range_empty();
    scene->y = range_empty();
    scene->series_count = cells_values(answer, CELL_PARAMETRIZATION, scene->series);
    for (unsigned axis = CELL_WIDTH; axis < CELL_PARAMETRIZATION; axis++)
        if (cells_vary(answer, (enum cell_axis)axis))
            scene->panels[scene->panel_count++] = axis;
    if (cells_vary(answer, CELL_WIDTH) && cells_vary(answer, CELL_DEPTH))
        scene->panels[scene->panel_count++] = BY_SIZE;
    for (size_t c = 0; c < answer->cell_count; c++) {
        range_add(&scene->y, answer->cells[c].lr);
        range_add(&ends, answer->cells[c].ci90[0]);
        range_add(&ends, answer->cells[c].ci90[1]);
    }
    range_add_ends(&scene->y, &ends, 4);
    range_widen(&scene->y, 1.2);
}

static size_t series_of(const struct scene *scene, size_t cell)
{
    size_t s = 0;
    while (s + 1 < scene->series_count &&
           scene->series[s] != scene->answer->cells[cell].parametrization)
        s++;
    return s;
}

/* The values shown along an axis, ascending; returns how many. */
static size_t axis_values(const struct scene *scene, unsigned axis, uint64_t values[ANSWER_CELLS])
{
    size_t count = 0;
    for (size_t c = 0; c < scene->answer->cell_count; c++)
        if (is_shown(scene, c, axis))
            count =
                figure_add_value(values, count, ANSWER_CELLS, (uint64_t)value_of(scene, c, axis));
    return count;
}

static void write_panel(struct figure *figure, const struct scene *scene, unsigned axis,
                        const uint64_t *values, size_t value_count, const struct range *x)
{
    FILE *script = figure->script;
    size_t group[ANSWER_CELLS], groups, rows[ANSWER_CELLS] = {0};
    char color[FIGURE_COLOR];
    size_t series[ANSWER_CELLS] = {0};
    if (axis == BY_SIZE)
        groups = cells_groups(scene->answer, CELL_BIT(CELL_WIDTH) | CELL_BIT(CELL_DEPTH), group);
    else
        groups = cells_groups(scene->answer, CELL_BIT(axis), group);
    for (size_t g = 0; g < groups; g++) {
        fprintf(script, "$group%zu << END\n", g);
        for (size_t v = 0; v < value_count; v++)
            for (size_t c = 0; c < scene->answer->cell_count; c++) {
                const struct cell_answer *cell = &scene->answer->cells[c];
                if (group[c] != g || !is_shown(scene, c, axis) ||
                    (uint64_t)value_of(scene, c, axis) != values[v])
                    continue;
                series[g] = series_of(scene, c);
                figure_row(script, &scene->y, figure_beside(x, (double)values[v], g, groups),
                           cell->lr, cell->ci90);
                rows[g]++;
            }
        fputs("END\n", script);
    }
    fputs("plot NaN", script);
    for (size_t g = 0; g < groups; g++) {
        figure_color(color, series[g], scene->series_count);
        if (rows[g] > 0)
            fprintf(script,
                    ", \\\n $group%zu using 1:2 with lines lw 1.2 lc rgb '%s', \\\n $group%zu with "
                    "yerrorbars pt 7 ps 0.6 lw 1.1 lc rgb '%s'",
                    g, color, g, color);
    }
    fputc('\n', script);
}

static const char *legend(void *context, size_t index, char *text, size_t capacity)
{
    const struct scene *scene = context;
    return cell_axis_text(text, capacity, CELL_PARAMETRIZATION, scene->series[index]);
}

int axes_figure(const char *path, const struct report_input *input, struct figure_marks *marks,
                bool *drawn, struct lr_error *err)
{
    struct scene scene = {.answer = input->answer};
    struct figure figure;
    *drawn = true;
    set_scene(&scene);
    if (scene.panel_count == 0 || range_is_empty(&scene.y))
        return 0;
    struct figure_frame frame = {.title = "",
                                 .caption = "",
                                 .x_label = "",
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
        uint64_t values[ANSWER_CELLS];
        unsigned axis = scene.panels[p];
        size_t count = axis_values(&scene, axis, values);
        struct range x = range_empty();
        for (size_t i = 0; i < count; i++)
            range_add(&x, (double)values[i]);
        if (count < 2) /* nothing to compare */
            x = (struct range){1, 10};
        range_widen(&x, pow(x.high / x.low, 0.08) * 1.02);
        figure_panel(&figure, p,
                     axis == BY_SIZE ? "hidden parameters" : cell_axis_title((enum cell_axis)axis));
        figure_count_ticks(&figure, 'x', &x, values, count, axis != BY_SIZE);
        figure_lr_ticks(&figure, 'y', &scene.y);
        write_panel(&figure, &scene, axis, values, count, &x);
    }
    return figure_end(&figure, drawn, err);
}
