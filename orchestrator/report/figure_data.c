/* Colours are a scale from dark to light (viridis without its light end), which colour-blind
 * readers can tell apart too. */
#include "report/figure_data.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "lrsearch/trial.h"
#include "report/plain_text.h"

enum point { RING = 6, DOT = 7, TRIANGLE = 8, HOLLOW = 12, DIAMOND = 13 }; /* gnuplot's */

/* ---- data ---- */

static size_t add_value(uint64_t *values, size_t count, uint64_t value)
{
    size_t at = count;
    while (at > 0 && values[at - 1] > value)
        at--;
    if ((at > 0 && values[at - 1] == value) || count == SCENE_VALUES)
        return count;
    memmove(values + at + 1, values + at, (count - at) * sizeof(*values));
    values[at] = value;
    return count + 1;
}

double scene_color(const struct scene *scene, size_t series)
{
    return scene->series_count < 2 ? 0.3 : (double)series / (double)(scene->series_count - 1);
}

/* Writes a row, or extends the ranges by it, if an axis can show it; else false. The interval is
 * clamped to the axis along which it lies: y, or of a figure of losses x. */
static bool put_row(struct scene *scene, double x, double y, const double ci90[2])
{
    bool loss = scene->y_scale == SCALE_LOSS;
    if (!range_takes(x) || !(loss ? fabs(y) < 1e9 : range_takes(y)))
        return false;
    if (scene->script) {
        gnuplot_row(scene->script, loss ? &scene->x : &scene->y, x, y, loss ? x : y, ci90);
        return true;
    }
    range_add(&scene->x, x);
    range_add(&scene->y, y);
    return true;
}

/* Points of several series are drawn side by side; those of colour BLACK stay in the middle. */
static void put_point(struct scene *scene, enum point point, double x, double y,
                      const double ci90[2], double color)
{
    double step = fmin(0.015 * (double)(scene->series_count - 1), 0.06);
    if (scene->script) {
        bool beside = scene->y_scale != SCALE_LOSS && scene->series_count > 1 && color <= 1;
        x *= pow(scene->x.high / scene->x.low, beside ? step * (color - 0.5) : 0);
        if (put_row(scene, x, y, ci90))
            fprintf(scene->script, " %d %.3f\n", point, color);
    } else if (put_row(scene, x, y, ci90)) {
        range_add(&scene->end, ci90[0]);
        range_add(&scene->end, ci90[1]);
        if (scene->x_scale >= SCALE_TOKENS && x < 1e19)
            scene->tick_count = add_value(scene->ticks, scene->tick_count, (uint64_t)x);
    }
}

/* ---- panels and series ---- */

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

static size_t series_of(const struct scene *scene, uint64_t value)
{
    size_t s = 0;
    while (s + 1 < scene->series_count && scene->series[s] != value)
        s++;
    return s;
}

static double cell_color(const struct scene *scene, const struct cell_answer *cell)
{
    return scene_color(
        scene, scene->axis < CELL_AXES ? series_of(scene, cell_value(cell, scene->axis)) : 0);
}

bool scene_has_answer(const struct scene *scene, size_t panel)
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
        const struct trial *best = basin->cell == cell ? best_trial(scene, basin) : NULL;
        double depth = basin->horizon.curvature * SEEN_OCTAVES * SEEN_OCTAVES;
        if (!best)
            continue;
        double bottom = best->result.val_loss;
        if (vertex_is_seen(scene, &basin->horizon))
            bottom = fmin(bottom, basin->horizon.loss_min);
        low = fmin(low, bottom);
        high = fmax(high, bottom + (depth > 0.02 && depth < 1e9 ? depth : 0.02));
    }
    range[0] = low - 0.06 * (high - low);
    range[1] = high + 0.04 * (high - low);
    return isfinite(low);
}

void choose_basins(struct scene *scene)
{
    choose_cells(scene, CELL_AXES, 0);
    for (size_t b = 0; b < scene->answer->basin_count; b++)
        scene->series_count =
            add_value(scene->series, scene->series_count, scene->answer->basins[b].horizon.tokens);
}

static void put_basin(struct scene *scene, const struct basin_answer *basin, const double range[2])
{
    static const double none[2] = {NAN, NAN};
    const struct horizon_answer *horizon = &basin->horizon;
    const struct trial *best = best_trial(scene, basin);
    double color = scene_color(scene, series_of(scene, horizon->tokens));
    for (size_t i = 0; i < scene->trial_count; i++) {
        const struct trial *trial = scene->trials[i];
        if (!counts(trial, basin))
            continue;
        bool outside = !has_loss(trial) || trial->result.val_loss > range[1];
        put_point(scene,
                  outside                         ? TRIANGLE
                  : has_other_ratios(trial, best) ? RING
                                                  : DOT,
                  trial->spec.lr,
                  outside ? range[1] - 0.02 * (range[1] - range[0]) : trial->result.val_loss, none,
                  color);
    }
    if (vertex_is_seen(scene, horizon) && scene->script)
        put_point(scene, HOLLOW, horizon->lr_opt, horizon->loss_min, horizon->ci90, color);
}

void put_basins(struct scene *scene, size_t cell)
{
    double range[2];
    if (!loss_range(scene, cell, range))
        return;
    for (size_t b = 0; b < scene->answer->basin_count; b++)
        if (scene->answer->basins[b].cell == cell)
            put_basin(scene, &scene->answer->basins[b], range);
}

void put_parabolas(struct scene *scene, size_t cell)
{
    double range[2];
    if (!scene->script || !loss_range(scene, cell, range))
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
                    scene_color(scene, series_of(scene, horizon->tokens)));
    }
}

/* ---- best LR against tokens ---- */

struct reach { /* a cell's horizons, in ln tokens */
    double mean, first, last;
};

/* False: no horizon has an optimum. */
static bool cell_reach(struct reach *reach, const struct answer *answer, size_t cell)
{
    double sum = 0;
    size_t count = 0;
    *reach = (struct reach){NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < answer->basin_count; i++) {
        double at = log((double)answer->basins[i].horizon.tokens);
        if (answer->basins[i].cell != cell || !range_takes(answer->basins[i].horizon.lr_opt))
            continue;
        reach->first = fmin(reach->first, at);
        reach->last = fmax(reach->last, at);
        sum += at;
        count++;
    }
    reach->mean = sum / (double)count;
    return count > 0;
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

#define SAMPLES 32

/* The law of a cell with its band, and dotted the joint law of all sizes. */
static void put_law(struct scene *scene, size_t c, const struct reach *reach)
{
    const struct cell_answer *cell = &scene->answer->cells[c];
    const struct joint_answer *joint = &scene->answer->joint;
    double target = log((double)scene->answer->target.tokens), end = fmax(target, reach->last);
    double half_beta = (cell->beta_ci90[1] - cell->beta_ci90[0]) / 2;
    double color = cell_color(scene, cell);
    double level = joint->ln_c - joint->alpha * log((double)cell->params);
    if (range_takes(cell->lr) && fabs(cell->beta) < 20) {
        if (scene->script)
            fprintf(scene->script, "$law%zu << END\n", c);
        for (int i = 0; i <= SAMPLES; i++) {
            double at = reach->first + (end - reach->first) * i / SAMPLES;
            double lr = cell->lr * exp(cell->beta * (target - at));
            double below = band(at, reach->mean, target, log(cell->lr / cell->ci90[0]), half_beta);
            double above = band(at, reach->mean, target, log(cell->ci90[1] / cell->lr), half_beta);
            if (put_row(scene, exp(at), lr, (double[]){lr * exp(-below), lr * exp(above)}) &&
                scene->script)
                fputc('\n', scene->script);
        }
        if (scene->script)
            fprintf(scene->script,
                    "END\nlist = list.\", $law%zu using 1:3:4 with filledcurves fs transparent "
                    "solid 0.15 noborder " COLOR ", $law%zu using 1:2 with lines lw 1.8 " COLOR
                    "\"\n",
                    c, color, c, color);
    }
    if (scene->script && joint->known && cell->parametrization == joint->parametrization &&
        cell->params > 0 && fabs(joint->beta) < 20 && fabs(level) < 100)
        fprintf(scene->script,
                "list = list.\", exp(%.10g) * x ** %.10g with lines lw 1.8 dt 3 " COLOR "\"\n",
                level, -joint->beta, color);
}

void choose_horizons(struct scene *scene)
{
    enum cell_axis axis = cells_first_axis(scene->answer);
    choose_cells(scene, axis, axis < CELL_AXES ? CELL_BIT(axis) : 0);
}

void put_horizons(struct scene *scene, size_t panel)
{
    const struct answer *answer = scene->answer;
    double target = (double)answer->target.tokens;
    struct reach reach;
    bool seen = false;
    for (size_t i = 0; i < answer->basin_count; i++) {
        const struct horizon_answer *horizon = &answer->basins[i].horizon;
        const size_t c = answer->basins[i].cell;
        if (c < answer->cell_count && scene->panel[c] == panel)
            put_point(scene, horizon->at_edge || horizon->flat ? RING : DOT,
                      (double)horizon->tokens, horizon->lr_opt, horizon->ci90,
                      cell_color(scene, &answer->cells[c]));
    }
    for (size_t c = 0; c < answer->cell_count; c++) {
        const struct cell_answer *cell = &answer->cells[c];
        if (scene->panel[c] != panel || !cell_reach(&reach, answer, c))
            continue;
        seen = true;
        if (c != answer->nearest || cell->lr != answer->target.lr) /* else: the answer */
            put_point(scene, DIAMOND, target, cell->lr, cell->ci90, cell_color(scene, cell));
    }
    if (seen && !scene->script && target > 0) { /* also if nothing is known there */
        range_add(&scene->x, target);
        scene->tick_count = add_value(scene->ticks, scene->tick_count, answer->target.tokens);
    }
    if (seen && scene_has_answer(scene, panel))
        put_point(scene, HOLLOW, target, answer->target.lr, answer->target.ci90, BLACK);
}

void put_laws(struct scene *scene, size_t panel)
{
    struct reach reach;
    uint64_t target = scene->answer->target.tokens;
    for (size_t c = 0; c < scene->answer->cell_count; c++)
        if (scene->panel[c] == panel && cell_reach(&reach, scene->answer, c))
            put_law(scene, c, &reach);
    if (scene->script && (double)target >= scene->x.low && (double)target <= scene->x.high)
        fprintf(scene->script,
                "set arrow from %" PRIu64 ", graph 0 to %" PRIu64 ", graph 1 nohead back dt 2 "
                "lc rgb '#777777'\n",
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

void choose_ratios(struct scene *scene)
{
    choose_cells(scene, CELL_VOCAB, CELL_BIT(CELL_WIDTH) | CELL_BIT(CELL_VOCAB));
    if (!cells_vary(scene->answer, CELL_WIDTH))
        scene->panel_count = 0;
}

static bool same_number(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

/* The fitted exponent of the embedding ratio over width that applies to the cell; NULL: none. */
static const struct exponent_answer *find_exponent(const struct answer *answer,
                                                   const struct cell_answer *cell)
{
    for (size_t i = 0; i < answer->exponent_count; i++) {
        const struct exponent_answer *exponent = &answer->exponents[i];
        if (strcmp(exponent->of, "embedding_lr_ratio") == 0 &&
            strcmp(exponent->axis, "width") == 0 &&
            exponent->parametrization == cell->parametrization &&
            same_number(exponent->embedding_lr_exponent, cell->embedding_lr_exponent) &&
            (exponent->vocab == 0 || exponent->vocab == cell->vocab) && fabs(exponent->value) < 20)
            return exponent;
    }
    return NULL;
}

/* A power of the width through (width, ratio). */
static void put_slope(FILE *script, double slope, double width, double ratio, const char *style)
{
    fprintf(script, "list = list.\", %.10g * (x / %.10g) ** %.10g with lines %s\"\n", ratio, width,
            slope, style);
}

static bool has_ratio(const struct scene *scene, size_t cell, size_t panel, size_t series)
{
    const struct cell_answer *c = &scene->answer->cells[cell];
    return scene->panel[cell] == panel && c->vocab == scene->series[series] && c->d_model > 0 &&
           range_takes(c->ratio[RATIO_EMBEDDING]);
}

void put_ratios(struct scene *scene, size_t panel)
{
    const struct target_answer *target = &scene->answer->target;
    bool seen = false;
    for (size_t s = 0; s < scene->series_count; s++)
        for (size_t c = 0; c < scene->answer->cell_count; c++) {
            const struct cell_answer *cell = &scene->answer->cells[c];
            if (!has_ratio(scene, c, panel, s))
                continue;
            put_point(scene, DOT, cell->d_model, cell->ratio[RATIO_EMBEDDING],
                      cell->ratio_ci90[RATIO_EMBEDDING], scene_color(scene, s));
            seen = true;
        }
    if (seen && scene_has_answer(scene, panel))
        put_point(scene, HOLLOW, target->width, target->ratio[RATIO_EMBEDDING],
                  target->ratio_ci90[RATIO_EMBEDDING], BLACK);
}

/* The fitted slope of each vocabulary through the middle of its points, and two to compare with. */
void put_slopes(struct scene *scene, size_t panel)
{
    const struct answer *answer = scene->answer;
    int labels = 0;
    for (size_t s = 0; s < scene->series_count && scene->script; s++) {
        const struct exponent_answer *exponent = NULL;
        double ln_width = 0, ln_ratio = 0, count = 0;
        char color[48], ends[64] = "";
        for (size_t c = 0; c < answer->cell_count; c++)
            if (has_ratio(scene, c, panel, s)) {
                exponent = find_exponent(answer, &answer->cells[c]);
                ln_width += log(answer->cells[c].d_model);
                ln_ratio += log(answer->cells[c].ratio[RATIO_EMBEDDING]);
                count++;
            }
        if (!exponent)
            continue;
        snprintf(color, sizeof(color), "lw 1.8 " COLOR, scene_color(scene, s));
        put_slope(scene->script, exponent->value, exp(ln_width / count), exp(ln_ratio / count),
                  color);
        if (interval_known(exponent->ci90))
            snprintf(ends, sizeof(ends), " (%.2f .. %.2f)", exponent->ci90[0], exponent->ci90[1]);
        fprintf(scene->script,
                "set label 'slope %.2f%s' at graph 0.03, graph 0.95 offset 0,-%d tc palette cb "
                "%.3f\n",
                exponent->value, ends, labels++, scene_color(scene, s));
    }
    if (scene->script) {
        put_slope(scene->script, 1, scene->x.low, scene->y.low, "dt 2 lc rgb '#999999'");
        put_slope(scene->script, 0.5, scene->x.low, scene->y.low, "dt 3 lc rgb '#999999'");
    }
}

/* ---- the answer ---- */

struct answer *figure_answer(const struct answer *answer)
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
