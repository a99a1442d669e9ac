/* The curves that a report draws, against the surfaces that the losses come from and against the
 * posterior evaluated here anew, by basin_height() instead of its table. */
#include "cmocka_all.h"

#include <math.h>
#include <stdlib.h>
#include "few_runs.h"
#include "lrsearch/error.h"
#include "lrsearch/memory.h"
#include "search/loss_curves.h"
#include "search/posterior.h"
#include "search_case.h"
#include "surface.h"

static struct loss_curves *curves;

static int release(void **state)
{
    (void)state;
    loss_curves_destroy(curves);
    curves = NULL;
    return 0;
}

static void draw(void)
{
    assert_null(curves);
    assert_int_equal(search_answer_curves(&answer, &curves, &space, seen, count, NULL), 0);
}

/* ---- surfaces ---- */

#define CURVATURE 0.04
#define RATIO_CURVATURE 0.03

static double best_lr(uint64_t tokens)
{
    return 8e-3 * pow((double)tokens / 1e6, -0.3);
}

static double true_loss(uint64_t tokens, double lr)
{
    double x = log2(lr / best_lr(tokens));
    return 3 + 1e6 / (double)tokens + CURVATURE * x * x;
}

/* Half an octave apart over 5 octaves, at each horizon. */
static void see_parabolas(void)
{
    for (int h = 0; h < 3; h++)
        for (int i = 0; i <= 10; i++) {
            double lr = 1.5e-3 * exp2(0.5 * i);
            see(horizons[h], lr, true_loss(horizons[h], lr));
        }
}

/* LR and ratio at the loss: parabolas of both LRs, best ratio `best` at all horizons. */
static double ridge_loss(uint64_t tokens, double lr, double ratio, double best)
{
    double x = log2(lr / best_lr(tokens)), z = x + log2(ratio / best);
    return 3 + CURVATURE * x * x + RATIO_CURVATURE * z * z;
}

static void see_ridges(enum answer_ratio ratio, double low, double high, double best)
{
    space.ratios[ratio] = (struct ratio_range){low, high};
    for (int h = 0; h < 3; h++)
        for (int i = 0; i <= 4; i++)
            for (double at = low; at <= high * 1.001; at *= 4) {
                double lr = 1.5e-3 * exp2(i);
                see(horizons[h], lr, ridge_loss(horizons[h], lr, at, best))->ratios[ratio] = at;
            }
}

/* ---- what holds of all ---- */

static void assert_band(double low, double middle, double high)
{
    assert_true(isfinite(low) && isfinite(high) && low <= middle && middle <= high);
}

static void assert_ascending(const double *values, size_t many)
{
    for (size_t i = 0; i < many; i++)
        assert_true(isfinite(values[i]) && values[i] > 0);
    for (size_t i = 1; i < many; i++) /* log-spaced */
        assert_true(fabs(log2(values[i] / values[i - 1]) - log2(values[1] / values[0])) < 1e-9 &&
                    values[i] > values[i - 1]);
}

static void assert_curve(const struct loss_curve *curve)
{
    assert_ascending(curve->lr, CURVE_LRS);
    for (int i = 0; i < CURVE_LRS; i++)
        assert_band(curve->low[i], curve->loss[i], curve->high[i]);
}

static void assert_curves(void)
{
    assert_non_null(curves);
    for (size_t b = 0; b < curves->basin_count; b++)
        assert_curve(&curves->basins[b].curve);
    assert_curve(&curves->target);
    for (int i = 0; i < CURVE_LRS; i++)
        assert_true(curves->target.low[i] >= 0);
    for (size_t c = 0; c < curves->law_count; c++) {
        const struct law_line *line = &curves->laws[c];
        assert_ascending(line->tokens, LAW_POINTS);
        for (int i = 0; i < LAW_POINTS; i++)
            assert_band(line->low[i], line->lr[i], line->high[i]);
    }
    for (size_t c = 0; c < curves->contour_count; c++) {
        const struct loss_contour *contour = &curves->contours[c];
        assert_ascending(contour->lr, CONTOUR_LRS);
        assert_ascending(contour->value, CONTOUR_VALUES);
        assert_band(contour->optimum.lr_ci90[0], contour->optimum.lr, contour->optimum.lr_ci90[1]);
        assert_band(contour->optimum.value_ci90[0], contour->optimum.value,
                    contour->optimum.value_ci90[1]);
        for (int v = 0; v < CONTOUR_VALUES; v++)
            for (int i = 0; i < CONTOUR_LRS; i++)
                assert_true(isfinite(contour->loss[v][i]));
    }
}

static int lowest(const double *values, int many)
{
    int at = 0;
    for (int i = 1; i < many; i++)
        at = values[i] < values[at] ? i : at;
    return at;
}

/* The curve's value at an LR, linear between its points. */
static double curve_at(const struct loss_curve *curve, const double *values, double lr)
{
    int i = 0;
    assert_true(lr >= curve->lr[0] && lr <= curve->lr[CURVE_LRS - 1]);
    while (i < CURVE_LRS - 2 && curve->lr[i + 1] < lr)
        i++;
    double share = log(lr / curve->lr[i]) / log(curve->lr[i + 1] / curve->lr[i]);
    return values[i] * (1 - share) + values[i + 1] * share;
}

static double step_of(const double *values)
{
    return log2(values[1] / values[0]);
}

/* ---- basins ---- */

static void a_parabola_is_drawn_as_it_is(void **state)
{
    (void)state;
    see_parabolas();
    draw();
    assert_curves();
    assert_int_equal(curves->basin_count, 3);
    for (size_t h = 0; h < 3; h++) {
        const struct basin_curve *basin = &curves->basins[h];
        const struct loss_curve *curve = &basin->curve;
        assert_true(basin->cell == 0 && basin->tokens == horizons[h]);
        assert_true(fabs(log2(curve->lr[0] / 1.5e-3) + 0.5) < 1e-9);
        assert_true(fabs(log2(curve->lr[CURVE_LRS - 1] / 4.8e-2) - 0.5) < 1e-9);
        double bottom = answer.horizons[h].lr_opt;
        int best = lowest(curve->loss, CURVE_LRS);
        assert_true(fabs(log2(curve->lr[best] / bottom)) <= step_of(curve->lr));
        assert_true(fabs(curve->loss[best] - answer.horizons[h].loss_min) < 0.002);
        for (int i = 0; i < CURVE_LRS; i++) {
            double truth = true_loss(horizons[h], curve->lr[i]);
            if (curve->lr[i] < 1.5e-3 || curve->lr[i] > 4.8e-2)
                continue;
            assert_true(truth >= curve->low[i] - 0.003 && truth <= curve->high[i] + 0.003);
            assert_true(fabs(truth - curve->loss[i]) < 0.003 + 0.1 * (truth - curve->loss[best]));
        }
    }
}

static double independent_height(double curvature, double off, int shape)
{
    return curvature * basin_height(off, shape);
}

static int ascending(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* The same sums and quantiles of the same samples, computed here. */
static void the_posterior_is_drawn(void **state)
{
    (void)state;
    see_ridges(RATIO_EMBEDDING, 1, 64, 8);
    struct cell_data *data = cell_data_create(&space, seen, count, -1);
    struct posterior *posterior = posterior_create(data);
    assert_int_equal(loss_curves_create(&curves, posterior, NULL), 0);
    for (size_t b = 0; b < 3; b++)
        for (int i = 0; i < CURVE_LRS; i += 6) {
            const struct loss_curve *curve = &curves->basins[b].curve;
            double values[POSTERIOR_SAMPLES], mean = 0;
            for (int s = 0; s < POSTERIOR_SAMPLES; s++) {
                const struct basin_sample *of = posterior_basin(posterior, s, b);
                values[s] =
                    of->level + independent_height(of->curvature[0],
                                                   log2(curve->lr[i]) - of->vertex[0], of->shape);
                mean += values[s] / POSTERIOR_SAMPLES;
            }
            qsort(values, POSTERIOR_SAMPLES, sizeof(*values), ascending);
            assert_true(fabs(curve->loss[i] - mean) < 1e-3);
            assert_true(fabs(curve->low[i] - values[25]) < 2e-3);
            assert_true(fabs(curve->high[i] - values[POSTERIOR_SAMPLES - 26]) < 2e-3);
        }
    const struct loss_contour *contour = &curves->contours[0];
    for (int v = 0; v < CONTOUR_VALUES; v += 5)
        for (int i = 0; i < CONTOUR_LRS; i += 5) {
            double mean = 0, x = log2(contour->lr[i]), z = x + log2(contour->value[v]);
            for (int s = 0; s < POSTERIOR_SAMPLES; s++) {
                const struct basin_sample *of = posterior_basin(posterior, s, 2);
                mean += (of->level +
                         independent_height(of->curvature[0], x - of->vertex[0], of->shape) +
                         independent_height(of->curvature[1], z - of->vertex[1], BASIN_PARABOLA)) /
                        POSTERIOR_SAMPLES;
            }
            assert_true(fabs(contour->loss[v][i] - mean) < 2e-3);
        }
    posterior_destroy(posterior);
    cell_data_destroy(data);
}

/* Where losses were seen, the band holds the loss without noise about as often as it says. */
static void bands_hold(void **state)
{
    double held = 0, all = 0, near = 0, basins = 0;
    int surfaces = few_runs() ? 3 : 50;
    (void)state;
    for (int i = 0; i < surfaces; i++) {
        struct surface surface = surface_draw((uint64_t)i + 100, 0.004), clean;
        surface.seed_noise = 0; /* an offset of the whole basin, which the curve follows */
        clean = surface;
        clean.noise = 0;
        space = surface_space(&surface, 1);
        count = 0;
        for (size_t h = 0; h < surface.horizon_count; h++)
            for (int j = -4; j <= 3; j++)
                seen[count++] = surface_observe(
                    &surface, surface.horizons[h],
                    surface_optimum(&surface, surface.horizons[h]) * exp2(0.6 * j + 0.23), 0);
        draw();
        assert_curves();
        for (size_t b = 0; b < curves->basin_count; b++) {
            const struct basin_curve *basin = &curves->basins[b];
            double optimum = surface_optimum(&surface, basin->tokens);
            int best = lowest(basin->curve.loss, CURVE_LRS);
            near += fabs(log2(basin->curve.lr[best] / optimum)) < 0.6;
            basins++;
            for (int k = 0; k < CURVE_LRS; k++) {
                double lr = basin->curve.lr[k], off = log2(lr / optimum);
                double truth = surface_observe(&clean, basin->tokens, lr, 0).loss;
                if (off < -2.2 || off > 1.2 || isnan(truth))
                    continue;
                held += truth >= basin->curve.low[k] && truth <= basin->curve.high[k];
                all++;
            }
        }
        release(NULL);
    }
    print_message("bands hold %.0f of %.0f places, %.0f of %.0f minima are near\n", held, all, near,
                  basins);
    if (few_runs())
        return;
    assert_true(held >= 0.8 * all && near >= 0.9 * basins);
}

/* ---- the target and the law ---- */

static void the_target_costs_what_the_answer_says(void **state)
{
    (void)state;
    see_parabolas();
    draw();
    const struct loss_curve *curve = &curves->target;
    int best = lowest(curve->loss, CURVE_LRS);
    const struct target_answer *target = &answer.target;
    assert_true(fabs(log2(curve->lr[best] / target->lr)) <= step_of(curve->lr));
    assert_true(curve->lr[0] <= target->ci90[0] && curve->lr[CURVE_LRS - 1] >= target->ci90[1]);
    assert_true(fabs(curve_at(curve, curve->loss, target->lr) - target->loss_penalty) < 5e-4);
    assert_true(fabs(curve_at(curve, curve->loss, target->keep_lr) - target->keep_penalty) < 5e-4);
    double truth = CURVATURE * 4; /* two octaves off; the curvature there is not measured */
    double lr = best_lr(space.target_tokens) * 4;
    assert_true(curve_at(curve, curve->low, lr) < truth &&
                curve_at(curve, curve->high, lr) > truth);
}

static void a_transfer_moves_and_widens_the_target(void **state)
{
    (void)state;
    see_parabolas();
    draw();
    struct loss_curve before = curves->target;
    double step = step_of(before.lr);
    loss_curves_transfer(curves, 0, 0);
    assert_memory_equal(&before, &curves->target, sizeof(before));
    loss_curves_transfer(curves, -1.5, 1);
    assert_curves();
    const struct loss_curve *after = &curves->target;
    double moved =
        log2(after->lr[lowest(after->loss, CURVE_LRS)] / before.lr[lowest(before.loss, CURVE_LRS)]);
    assert_true(fabs(moved + 1.5) <= step + step_of(after->lr));
    double lr = answer.target.lr * exp2(-1.5);
    double wide = curve_at(after, after->high, lr) - curve_at(after, after->low, lr);
    double narrow = curve_at(&before, before.high, answer.target.lr) -
                    curve_at(&before, before.low, answer.target.lr);
    assert_true(wide > 1.5 * narrow);
    loss_curves_transfer(curves, 0, 0); /* from the search's own, not from the last one */
    assert_memory_equal(&before, &curves->target, sizeof(before));
}

static void the_law_leads_to_the_target(void **state)
{
    (void)state;
    see_parabolas();
    draw();
    assert_int_equal(curves->law_count, 1);
    const struct law_line *line = &curves->laws[0];
    int end = LAW_POINTS - 1;
    assert_true(line->cell == 0 && fabs(line->beta - answer.law.beta) < 1e-12);
    assert_true(fabs(line->tokens[0] / 1e6 - 1) < 1e-9);
    assert_true(fabs(line->tokens[end] / (double)space.target_tokens - 1) < 1e-9);
    for (int i = 0; i < LAW_POINTS; i++) {
        double truth = best_lr((uint64_t)line->tokens[i]);
        assert_true(line->low[i] <= truth && truth <= line->high[i]);
        assert_true(fabs(log2(line->lr[i] / truth)) < 0.2);
        double formula = exp(answer.law.b) * pow(line->tokens[i], -answer.law.beta);
        assert_true(fabs(log2(line->lr[i] / formula)) < 1e-6);
    }
    double width = log2(line->high[end] / line->low[end]);
    double wanted = log2(answer.target.ci90[1] / answer.target.ci90[0]);
    print_message("band at the target %.3f octaves, the answer's interval %.3f\n", width, wanted);
    assert_true(fabs(width / wanted - 1) < 0.15);
    assert_true(log2(line->high[0] / line->low[0]) < width);
}

/* One horizon, which is the target's: there is no law. */
static void one_length_has_no_law(void **state)
{
    (void)state;
    see_parabolas();
    count /= 3;
    space.horizon_count = 1;
    space.target_tokens = horizons[0];
    draw();
    assert_curves();
    assert_int_equal(curves->basin_count, 1);
    assert_int_equal(curves->law_count, 0);
    int best = lowest(curves->target.loss, CURVE_LRS);
    assert_true(fabs(log2(curves->target.lr[best] / best_lr(horizons[0]))) < 0.3);
}

/* A target below the longest horizon does not end the line. */
static void the_law_reaches_the_longest_horizon(void **state)
{
    (void)state;
    see_parabolas();
    space.target_tokens = 2000000;
    draw();
    assert_curves();
    assert_true(fabs(curves->laws[0].tokens[LAW_POINTS - 1] / 4e6 - 1) < 1e-9);
}

/* ---- ratios ---- */

static void assert_contour(const struct loss_contour *contour, enum answer_ratio ratio, double best)
{
    double least = INFINITY, lr = 0, value = 0;
    for (int v = 0; v < CONTOUR_VALUES; v++)
        for (int i = 0; i < CONTOUR_LRS; i++)
            if (contour->loss[v][i] < least) {
                least = contour->loss[v][i];
                lr = contour->lr[i];
                value = contour->value[v];
            }
    assert_true(contour->cell == 0 && contour->tokens == horizons[2] && contour->ratio == ratio);
    assert_true(fabs(log2(value / best)) <= step_of(contour->value) + 0.1);
    assert_true(fabs(log2(lr / best_lr(horizons[2]))) <= step_of(contour->lr) + 0.1);
    assert_true(fabs(log2(contour->optimum.value / best)) < 0.3);
    assert_true(fabs(log2(contour->optimum.lr / best_lr(horizons[2]))) < 0.3);
    assert_true(contour->optimum.value_ci90[0] <= best && best <= contour->optimum.value_ci90[1]);
}

static void a_contour_lies_around_the_best_ratio(void **state)
{
    (void)state;
    see_ridges(RATIO_EMBEDDING, 1, 64, 8);
    draw();
    assert_curves();
    assert_int_equal(curves->contour_count, 1);
    const struct loss_contour *contour = &curves->contours[0];
    assert_contour(contour, RATIO_EMBEDDING, 8);
    assert_true(fabs(log2(contour->value[0]) + 0.5) < 1e-9);
    assert_true(fabs(log2(contour->value[CONTOUR_VALUES - 1] / 64) - 0.5) < 1e-9);
    for (int v = 0; v < CONTOUR_VALUES; v++)
        for (int i = 0; i < CONTOUR_LRS; i++) {
            double truth = ridge_loss(horizons[2], contour->lr[i], contour->value[v], 8);
            assert_true(fabs(contour->loss[v][i] - truth) < 0.02 + 0.2 * (truth - 3));
        }
    /* the basin's curve: the best ratio at each LR */
    const struct loss_curve *curve = &curves->basins[2].curve;
    for (int i = 0; i < CURVE_LRS; i++) {
        double x = log2(curve->lr[i] / best_lr(horizons[2]));
        assert_true(fabs(curve->loss[i] - 3 - CURVATURE * x * x) < 0.02 + 0.2 * CURVATURE * x * x);
    }
}

static void each_searched_ratio_has_a_contour(void **state)
{
    (void)state;
    see_ridges(RATIO_EMBEDDING, 1, 64, 8);
    space.ratios[RATIO_DECAY] = (struct ratio_range){0.01, 1};
    for (size_t i = 0; i < count; i++) { /* a decay that is best at .1 */
        static const double decays[] = {0.02, 0.1, 0.5};
        double decay = decays[i % 3];
        double v = log2(decay / 0.1 * seen[i].lr / best_lr(seen[i].tokens));
        seen[i].ratios[RATIO_DECAY] = decay;
        seen[i].loss += 0.02 * v * v;
    }
    draw();
    assert_curves();
    assert_int_equal(curves->contour_count, 2);
    assert_contour(&curves->contours[0], RATIO_EMBEDDING, 8);
    assert_contour(&curves->contours[1], RATIO_DECAY, 0.1);
}

/* The best ratio lies beyond the range: the target's curve is that at the end of the range. */
static void a_held_ratio_moves_the_targets_curve(void **state)
{
    (void)state;
    see_ridges(RATIO_EMBEDDING, 1, 4, 64);
    draw();
    assert_curves();
    assert_true(answer.ratios[RATIO_EMBEDDING].beyond && answer.target.held_factor > 1.1);
    int best = lowest(curves->target.loss, CURVE_LRS);
    double off = log2(curves->target.lr[best] / answer.target.lr);
    print_message("held: factor %.2f, the curve's least %.2f octaves from the answer\n",
                  answer.target.held_factor, off);
    assert_true(fabs(off) <= step_of(curves->target.lr) + 0.1);
}

/* ---- cells ---- */

#define CELLS 3

static void cells_have_their_own(void **state)
{
    static struct search_cell cells[CELLS];
    (void)state;
    for (uint32_t c = 0; c < CELLS; c++)
        cells[c] = (struct search_cell){.axes = {[AXIS_WIDTH] = c}, .cost = 1};
    space.cells = cells;
    space.cell_count = CELLS;
    space.target = cells[CELLS - 1];
    space.groups[0] = (struct search_group){.embedding_exponent = NAN, .lr_width = {0, 0.3}};
    space.group_count = 1;
    for (uint32_t c = 0; c < 2; c++) /* nothing was trained in the last cell */
        for (int h = 0; h < 3; h++)
            for (int i = 0; i <= 8; i++) {
                double lr = 1.5e-3 * exp2(0.5 * i) * exp2(c);
                see(horizons[h], lr, true_loss(horizons[h], lr * exp2(-0.5 * c)))->cell = c;
            }
    draw();
    assert_curves();
    assert_int_equal(curves->basin_count, 6);
    assert_int_equal(curves->law_count, CELLS);
    for (size_t b = 0; b < 6; b++) {
        const struct basin_curve *basin = &curves->basins[b];
        double best = best_lr(basin->tokens) * exp2(0.5 * (double)basin->cell);
        assert_true(basin->cell == b / 3 && basin->tokens == horizons[b % 3]);
        assert_true(fabs(log2(basin->curve.lr[0] / 1.5e-3) + 0.5 - basin->cell) < 1e-9);
        assert_true(fabs(log2(basin->curve.lr[lowest(basin->curve.loss, CURVE_LRS)] / best)) < 0.3);
    }
    for (size_t c = 0; c < CELLS; c++) {
        const struct law_line *line = &curves->laws[c];
        const struct cell_answer *cell = &answer.cells[c];
        double width = log2(line->high[LAW_POINTS - 1] / line->low[LAW_POINTS - 1]);
        double wanted = log2(cell->ci90[1] / cell->ci90[0]);
        print_message("cell %zu: band at the target %.3f octaves, the answer's %.3f\n", c, width,
                      wanted);
        assert_true(line->cell == c && fabs(line->beta - cell->beta) < 1e-12);
        assert_true(fabs(log2(line->lr[LAW_POINTS - 1] / cell->lr)) < 0.1);
        assert_true(fabs(width / wanted - 1) < 0.2);
    }
}

/* ---- the edges ---- */

static void assert_same(const struct loss_curves *a, const struct loss_curves *b)
{
    assert_int_equal(a->basin_count, b->basin_count);
    assert_int_equal(a->law_count, b->law_count);
    assert_int_equal(a->contour_count, b->contour_count);
    for (size_t i = 0; i < a->basin_count; i++)
        assert_memory_equal(&a->basins[i].curve, &b->basins[i].curve, sizeof(a->basins[i].curve));
    for (size_t i = 0; i < a->law_count; i++)
        assert_memory_equal(&a->laws[i], &b->laws[i], sizeof(a->laws[i]));
    for (size_t i = 0; i < a->contour_count; i++)
        assert_memory_equal(&a->contours[i], &b->contours[i], sizeof(a->contours[i]));
    assert_memory_equal(&a->target, &b->target, sizeof(a->target));
}

static void the_same_bits_in_any_order(void **state)
{
    static struct answer alone;
    (void)state;
    see_ridges(RATIO_EMBEDDING, 1, 64, 8);
    draw();
    struct loss_curves *first = curves;
    curves = NULL;
    for (size_t i = 0; i < count / 2; i++) {
        struct observation swap = seen[i];
        seen[i] = seen[count - 1 - i];
        seen[count - 1 - i] = swap;
    }
    draw();
    assert_same(first, curves);
    loss_curves_destroy(first);
    assert_int_equal(search_answer(&alone, &space, seen, count, NULL), 0);
    assert_memory_equal(&alone, &answer, sizeof(alone));
}

static void nothing_is_drawn_of_nothing(void **state)
{
    (void)state;
    draw();
    assert_null(curves);
    for (int i = 0; i < 5; i++) { /* all diverged */
        see(horizons[0], 1e-3 * exp2(i), NAN)->kind = OBSERVED_DIVERGED;
        draw();
        assert_null(curves);
    }
    see(horizons[0], 5e-4, 3);
    draw();
    assert_null(curves);
    see(horizons[0], 2.5e-4, 3.01); /* the second */
    draw();
    assert_curves();
    assert_int_equal(curves->basin_count, 1);
    assert_true(curves->basins[0].curve.lr[CURVE_LRS - 1] < 1e-3); /* where trials trained */
    loss_curves_destroy(NULL);
}

/* All losses alike: the bands say how little is known. */
static void a_flat_surface_is_drawn_flat(void **state)
{
    (void)state;
    for (int h = 0; h < 3; h++)
        for (int i = 0; i <= 8; i++)
            see(horizons[h], 1.5e-3 * exp2(0.5 * i), 3 + 0.001 * ((i * 7 + h) % 3));
    draw();
    assert_curves();
    assert_int_equal(curves->basin_count, 3);
    const struct loss_curve *curve = &curves->basins[2].curve;
    for (int i = 0; i < CURVE_LRS; i++)
        if (curve->lr[i] > 1.5e-3 && curve->lr[i] < 2.4e-2)
            assert_true(fabs(curve->loss[i] - 3.001) < 0.01);
}

/* Losses count up to HEIGHT_MOST nats above the bottom, and curves end there too. */
static void losses_far_above_are_cut(void **state)
{
    (void)state;
    for (int h = 0; h < 3; h++)
        for (int i = -4; i <= 11; i++) {
            double lr = best_lr(horizons[h]) * exp2(i);
            see(horizons[h], lr, i == 11 ? 9e5 : 3 + 0.5 * i * i);
        }
    draw();
    assert_curves();
    for (size_t b = 0; b < curves->basin_count; b++) {
        const struct loss_curve *curve = &curves->basins[b].curve;
        double level = curve->loss[lowest(curve->loss, CURVE_LRS)];
        assert_true(fabs(level - 3) < 0.5);
        assert_true(curve->high[CURVE_LRS - 1] > 20);
        for (int i = 0; i < CURVE_LRS; i++)
            assert_true(curve->high[i] < level + HEIGHT_MOST + 1);
    }
}

static void memory_that_is_missing_is_told(void **state)
{
    (void)state;
    struct lr_error err;
    long failing = 0;
    see_ridges(RATIO_EMBEDDING, 1, 64, 8);
    struct cell_data *data = cell_data_create(&space, seen, count, -1);
    struct posterior *posterior = posterior_create(data);
    for (;; failing++) {
        err.code = 0;
        lr_memory_fail_after(failing);
        int rc = loss_curves_create(&curves, posterior, &err);
        lr_memory_fail_after(-1);
        if (rc == 0)
            break;
        assert_int_equal(rc, LR_ENOMEM);
        assert_string_equal(err.text, "out of memory");
        assert_null(curves);
    }
    assert_int_equal(failing, 5);
    posterior_destroy(posterior);
    cell_data_destroy(data);
}

#define CURVES(name) cmocka_unit_test_setup_teardown(name, setup, release)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CURVES(a_parabola_is_drawn_as_it_is),
        CURVES(the_posterior_is_drawn),
        CURVES(bands_hold),
        CURVES(the_target_costs_what_the_answer_says),
        CURVES(a_transfer_moves_and_widens_the_target),
        CURVES(the_law_leads_to_the_target),
        CURVES(one_length_has_no_law),
        CURVES(the_law_reaches_the_longest_horizon),
        CURVES(a_contour_lies_around_the_best_ratio),
        CURVES(each_searched_ratio_has_a_contour),
        CURVES(a_held_ratio_moves_the_targets_curve),
        CURVES(cells_have_their_own),
        CURVES(the_same_bits_in_any_order),
        CURVES(nothing_is_drawn_of_nothing),
        CURVES(a_flat_surface_is_drawn_flat),
        CURVES(losses_far_above_are_cut),
        CURVES(memory_that_is_missing_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
