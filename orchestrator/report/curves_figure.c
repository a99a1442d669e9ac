/* Training loss against tokens: one line per trial, one colour per horizon. Above REPORT_CURVES
 * trials, every n-th is drawn. */
#include <math.h>
#include <stdlib.h>
#include "lrsearch/memory.h"
#include "report/figures.h"
#include "report/run_history.h"

struct scene {
    const struct report_input *input;
    const struct run_history *history;
    uint64_t series[ANSWER_BASINS]; /* horizons, ascending */
    size_t series_count;
    struct range x;
    double low, high;
};

static const struct history_curve *curve_of(const struct scene *scene, size_t i)
{
    const struct history_curve *curve = scene->history->curves[i];
    return curve && curve->count > 1 ? curve : NULL;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The loss axis ends near the 97 % quantile of the losses, below initial and diverged ones. Returns
 * the number of curves; 0 also if memory is short. */
static size_t set_ranges(struct scene *scene)
{
    size_t curves = 0, count = 0;
    double *losses = lr_malloc((scene->input->count + 1) * HISTORY_POINTS * sizeof(*losses));
    scene->x = range_empty();
    for (size_t i = 0; losses && i < scene->input->count; i++) {
        const struct history_curve *curve = curve_of(scene, i);
        if (!curve)
            continue;
        curves++;
        scene->series_count = figure_add_value(scene->series, scene->series_count, ANSWER_BASINS,
                                               scene->input->trials[i]->spec.horizon_tokens);
        for (uint32_t k = 0; k < curve->count; k++) {
            if (!(fabs(curve->loss[k]) < 1e6))
                continue;
            range_add(&scene->x, (double)curve->tokens[k]);
            losses[count++] = curve->loss[k];
        }
    }
    if (count > 1) {
        qsort(losses, count, sizeof(*losses), ascending);
        double top = losses[(count - 1) * 97 / 100], bottom = losses[0];
        double room = top > bottom ? top - bottom : 0.1;
        scene->low = bottom - 0.05 * room;
        scene->high = top + 0.05 * room;
    }
    lr_free(losses);
    return count > 1 && scene->x.low < scene->x.high ? curves : 0;
}

static void draw_curve(struct figure *figure, const struct scene *scene, size_t i)
{
    const struct history_curve *curve = curve_of(scene, i);
    double points[HISTORY_POINTS][2];
    char color[FIGURE_COLOR];
    size_t count = 0, series = 0;
    for (uint32_t k = 0; k < curve->count; k++) {
        double y = (curve->loss[k] - scene->low) / (scene->high - scene->low);
        if (isnan(y))
            continue;
        points[count][0] = range_share(&scene->x, (double)curve->tokens[k]);
        points[count++][1] = fmin(fmax(y, 0), 1);
    }
    while (series + 1 < scene->series_count &&
           scene->series[series] != scene->input->trials[i]->spec.horizon_tokens)
        series++;
    if (count > 1)
        figure_trial_line(figure, scene->input->trials[i]->id, points, count, 1.2,
                          figure_color(color, series, scene->series_count));
}

int curves_figure(const char *path, const struct report_input *input, struct figure_marks *marks,
                  bool *drawn, struct lr_error *err)
{
    struct scene scene = {.input = input, .history = input->history};
    struct figure figure;
    *drawn = true;
    size_t curves = set_ranges(&scene), step = curves / REPORT_CURVES + 1, seen = 0;
    if (curves == 0)
        return 0;
    struct figure_frame frame = {.title = "",
                                 .caption = "",
                                 .x_label = "tokens trained on",
                                 .y_label = "training loss, nats per token",
                                 .panels = 1,
                                 .legend = figure_tokens_legend,
                                 .context = scene.series,
                                 .series = scene.series_count,
                                 .marks = marks};
    int rc = figure_begin(&figure, path, &frame, err);
    if (rc)
        return rc;
    figure_panel(&figure, 0, "");
    uint64_t ticks[64];
    size_t tick_count = 0;
    for (uint64_t value = 1; value < (uint64_t)1e18; value *= 2) /* labelled where there is room */
        if ((double)value >= scene.x.low)
            ticks[tick_count++] = value;
    figure_count_ticks(&figure, 'x', &scene.x, ticks, tick_count, false);
    fprintf(figure.script, "set yrange [%.10g:%.10g]\nset ytics auto\nplot NaN\n", scene.low,
            scene.high);
    for (size_t i = 0; i < input->count; i++)
        if (curve_of(&scene, i) && seen++ % step == 0)
            draw_curve(&figure, &scene, i);
    return figure_end(&figure, drawn, err);
}
