/* Best embedding ratio against width: one colour per vocabulary, the fitted power laws and, in
 * grey, the two theoretical slopes: 1 (muP) and 1/2 (large vocabularies; Hayou and Liu 2025). */
#include <math.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "lrsearch/trial.h"
#include "report/cell_names.h"
#include "report/figures.h"
#include "report/summary.h"

struct scene {
    const struct answer *answer;
    uint32_t series[ANSWER_CELLS]; /* vocabularies */
    size_t series_count;
    size_t panel[ANSWER_CELLS], panel_count;
    struct range x, y, widths; /* widths: of the cells with a ratio */
    double anchor;             /* ratio of the guides at the smallest width */
};

static bool has_ratio(const struct cell_answer *cell)
{
    double ratio = cell->ratio[RATIO_EMBEDDING];
    return cell->d_model > 0 && figure_shows(ratio);
}

static bool has_target(const struct answer *answer)
{
    double ratio = answer->target.ratio[RATIO_EMBEDDING];
    return answer->target.width > 0 && figure_shows(ratio);
}

static void set_ranges(struct scene *scene)
{
    const struct answer *answer = scene->answer;
    struct range ends = range_empty();
    double sum = 0;
    size_t count = 0;
    scene->widths = scene->y = range_empty();
    for (size_t c = 0; c < answer->cell_count; c++)
        if (has_ratio(&answer->cells[c])) {
            range_add(&scene->widths, answer->cells[c].d_model);
            range_add(&scene->y, answer->cells[c].ratio[RATIO_EMBEDDING]);
            range_add(&ends, answer->cells[c].ratio_ci90[RATIO_EMBEDDING][0]);
            range_add(&ends, answer->cells[c].ratio_ci90[RATIO_EMBEDDING][1]);
        }
    if (range_is_empty(&scene->widths))
        return;
    for (size_t c = 0; c < answer->cell_count; c++)
        if (has_ratio(&answer->cells[c]) && answer->cells[c].d_model <= scene->widths.low) {
            sum += log(answer->cells[c].ratio[RATIO_EMBEDDING]);
            count++;
        }
    scene->anchor = exp(sum / (double)count);
    scene->x = scene->widths;
    range_add(&scene->x, answer->target.width);
    range_add(&scene->y, scene->anchor * scene->widths.high / scene->widths.low);
    if (has_target(answer)) {
        range_add(&scene->y, answer->target.ratio[RATIO_EMBEDDING]);
        range_add(&ends, answer->target.ratio_ci90[RATIO_EMBEDDING][0]);
        range_add(&ends, answer->target.ratio_ci90[RATIO_EMBEDDING][1]);
    }
    range_add_ends(&scene->y, &ends, 4);
    range_widen(&scene->x, pow(scene->x.high / scene->x.low, 0.08));
    range_widen(&scene->y, 1.15);
    /* room for the labels of the slopes, at the top */
    scene->y.high *= pow(scene->y.high / scene->y.low, 0.075 * (double)scene->series_count);
}

/* ---- data ---- */

static bool belongs(const struct scene *scene, size_t cell, size_t panel, size_t series)
{
    const struct cell_answer *c = &scene->answer->cells[cell];
    return scene->panel[cell] == panel && c->vocab == scene->series[series] && has_ratio(c);
}

/* Writes block $pointsSERIES; returns the number of points. mean: of ln width and of ln ratio. */
static size_t write_points(FILE *script, const struct scene *scene, size_t panel, size_t series,
                           double mean[2])
{
    size_t count = 0;
    mean[0] = mean[1] = 0;
    fprintf(script, "$points%zu << END\n", series);
    for (size_t c = 0; c < scene->answer->cell_count; c++) {
        const struct cell_answer *cell = &scene->answer->cells[c];
        if (!belongs(scene, c, panel, series))
            continue;
        figure_row(script, &scene->y,
                   figure_beside(&scene->x, cell->d_model, series, scene->series_count),
                   cell->ratio[RATIO_EMBEDDING], cell->ratio_ci90[RATIO_EMBEDDING]);
        mean[0] += log(cell->d_model);
        mean[1] += log(cell->ratio[RATIO_EMBEDDING]);
        count++;
    }
    fputs("END\n", script);
    mean[0] /= (double)count;
    mean[1] /= (double)count;
    return count;
}

static bool same_number(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

/* Of the cells of this cell's parametrization and exponent of the embedding's LR. */
static const struct exponent_answer *find_exponent(const struct answer *answer,
                                                   const struct cell_answer *cell, uint32_t vocab)
{
    for (size_t i = 0; i < answer->exponent_count; i++) {
        const struct exponent_answer *exponent = &answer->exponents[i];
        if (strcmp(exponent->of, "embedding_lr_ratio") == 0 &&
            strcmp(exponent->axis, "width") == 0 &&
            exponent->parametrization == cell->parametrization &&
            same_number(exponent->embedding_lr_exponent, cell->embedding_lr_exponent) &&
            (exponent->vocab == 0 || exponent->vocab == vocab) && figure_slope(exponent->value))
            return exponent;
    }
    return NULL;
}

/* Writes block $lineNAME: slope `value` through a point, from the smallest width to the largest, at
 * least the target's. */
static void write_line(FILE *script, const struct scene *scene, const char *name, double value,
                       double ln_width, double ln_ratio)
{
    double ends[2] = {scene->widths.low,
                      fmax(scene->widths.high, (double)scene->answer->target.width)};
    fprintf(script, "$line%s << END\n", name);
    for (int i = 0; i < 2; i++)
        fprintf(script, "%.10g %.10g\n", ends[i],
                exp(ln_ratio + value * (log(ends[i]) - ln_width)));
    fputs("END\n", script);
}

/* ---- panels ---- */

static void write_slope(FILE *script, const struct exponent_answer *exponent, size_t line,
                        const char *color)
{
    char interval[64] = "";
    if (interval_known(exponent->ci90))
        snprintf(interval, sizeof(interval), " (%.2f .. %.2f)", exponent->ci90[0],
                 exponent->ci90[1]);
    fprintf(script,
            "set label 'slope %.2f%s' at graph 0.03, graph %.3f left font ',11' tc rgb '%s'\n",
            exponent->value, interval, 0.96 - 0.065 * (double)line, color);
}

static void write_guides(FILE *script, const struct scene *scene)
{
    static const struct {
        const char *block, *text;
        double slope;
    } guides[] = {{"one", "1", 1}, {"half", "1/2", 0.5}};
    double right = fmax(scene->widths.high, (double)scene->answer->target.width);
    for (size_t i = 0; i < 2; i++) {
        double end = scene->anchor * pow(right / scene->widths.low, guides[i].slope);
        write_line(script, scene, guides[i].block, guides[i].slope, log(scene->widths.low),
                   log(scene->anchor));
        if (end < scene->y.high)
            fprintf(script,
                    "set label '%s' at %.10g, %.10g left offset 0.5,0 font ',11' "
                    "tc rgb '#777777'\n",
                    guides[i].text, right, end);
    }
}

static void write_panel(struct figure *figure, const struct scene *scene, size_t panel)
{
    FILE *script = figure->script;
    const struct answer *answer = scene->answer;
    bool fitted[ANSWER_CELLS] = {false}, answered = has_target(answer) &&
                                                    answer->nearest < answer->cell_count &&
                                                    scene->panel[answer->nearest] == panel;
    size_t points[ANSWER_CELLS] = {0}, first = 0, lines = 0;
    char color[FIGURE_COLOR], name[24];
    while (scene->panel[first] != panel)
        first++;
    write_guides(script, scene);
    for (size_t s = 0; s < scene->series_count; s++) {
        double mean[2];
        points[s] = write_points(script, scene, panel, s, mean);
        const struct exponent_answer *exponent =
            find_exponent(answer, &answer->cells[first], scene->series[s]);
        fitted[s] = exponent && points[s] > 0;
        if (!fitted[s])
            continue;
        snprintf(name, sizeof(name), "%zu", s);
        write_line(script, scene, name, exponent->value, mean[0], mean[1]);
        write_slope(script, exponent, lines++, figure_color(color, s, scene->series_count));
    }
    if (answered) {
        fputs("$answer << END\n", script);
        figure_row(script, &scene->y, answer->target.width, answer->target.ratio[RATIO_EMBEDDING],
                   answer->target.ratio_ci90[RATIO_EMBEDDING]);
        fputs("END\n", script);
    }
    fputs("plot $lineone with lines dt 2 lc rgb '#999999', \\\n"
          " $linehalf with lines dt 2 lc rgb '#999999'",
          script);
    for (size_t s = 0; s < scene->series_count; s++) {
        figure_color(color, s, scene->series_count);
        if (fitted[s])
            fprintf(script, ", \\\n $line%zu with lines lw 1.6 lc rgb '%s'", s, color);
        if (points[s] > 0)
            fprintf(script, ", \\\n $points%zu with yerrorbars pt 7 ps 0.7 lw 1.2 lc rgb '%s'", s,
                    color);
    }
    if (answered)
        fputs(", \\\n $answer with yerrorbars pt 12 ps 1.2 lw 1.6 lc rgb '#000000'", script);
    fputc('\n', script);
}

static const char *legend(void *context, size_t index, char *text, size_t capacity)
{
    const struct scene *scene = context;
    return cell_axis_text(text, capacity, CELL_VOCAB, scene->series[index]);
}

/* The plan's ratio holds at base_width. The matrices are trained with another one at other widths:
 * with m = width / base_width, mup divides the hidden LR by m; lvp also divides the embedding's by
 * sqrt(m). With an axis of it, the exponent of m is the cell's own. */
static double trained(uint32_t parametrization, double exponent, double widths)
{
    if (!isnan(exponent))
        return pow(widths, exponent);
    return parametrization == PARAM_MUP ? widths : parametrization == PARAM_LVP ? sqrt(widths) : 1;
}

static void scale(double *ratio, double ci90[2], double by)
{
    *ratio *= by;
    ci90[0] *= by;
    ci90[1] *= by;
}

static void make_trained(struct answer *answer)
{
    double base = answer->cells[0].d_model;
    for (size_t c = 0; c < answer->cell_count && base > 0; c++) {
        struct cell_answer *cell = &answer->cells[c];
        scale(&cell->ratio[RATIO_EMBEDDING], cell->ratio_ci90[RATIO_EMBEDDING],
              trained(cell->parametrization, cell->embedding_lr_exponent, cell->d_model / base));
    }
    struct target_answer *target = &answer->target;
    const struct cell_answer *nearest = &answer->cells[answer->nearest];
    if (base > 0)
        scale(
            &target->ratio[RATIO_EMBEDDING], target->ratio_ci90[RATIO_EMBEDDING],
            trained(target->parametrization, nearest->embedding_lr_exponent, target->width / base));
}

static int draw(const char *path, const struct answer *answer, struct figure_marks *marks,
                bool *drawn, struct lr_error *err)
{
    struct scene scene = {.answer = answer};
    struct figure figure;
    char title[CELL_NAME];
    uint32_t widths[ANSWER_CELLS];
    uint64_t ticks[ANSWER_CELLS + 1];
    const unsigned without = CELL_BIT(CELL_WIDTH) | CELL_BIT(CELL_VOCAB);
    *drawn = true;
    scene.series_count = cells_values(answer, CELL_VOCAB, scene.series);
    scene.panel_count = cells_groups(answer, without, scene.panel);
    set_ranges(&scene);
    if (range_is_empty(&scene.widths) || !(scene.widths.low < scene.widths.high))
        return 0;
    size_t tick_count = cells_values(answer, CELL_WIDTH, widths);
    for (size_t i = 0; i < tick_count; i++)
        ticks[i] = widths[i];
    if (answer->target.width > widths[tick_count - 1])
        ticks[tick_count++] = answer->target.width;
    struct figure_frame frame = {
        .title = "Best embedding learning rate and width",
        .caption = has_target(answer)
                       ? "with 90 % intervals; grey: slopes 1 (muP) and 1/2 (large vocabulary); "
                         "black: the answer"
                       : "with 90 % intervals; grey: slopes 1 (muP) and 1/2 (large vocabulary)",
        .x_label = "width",
        .y_label = "embedding LR / hidden LR",
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
        figure_count_ticks(&figure, 'x', &scene.x, ticks, tick_count, true);
        figure_ratio_ticks(&figure, 'y', &scene.y);
        write_panel(&figure, &scene, p);
    }
    return figure_end(&figure, drawn, err);
}

int ratio_figure(const char *path, const struct report_input *input, struct figure_marks *marks,
                 bool *drawn, struct lr_error *err)
{
    struct answer *copy = lr_malloc(sizeof(*copy));
    if (!copy)
        return lr_nomem(err);
    *copy = *input->answer;
    make_trained(copy);
    int rc = draw(path, copy, marks, drawn, err);
    lr_free(copy);
    return rc;
}
