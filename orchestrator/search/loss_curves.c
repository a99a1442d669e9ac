/* Each posterior sample's loss over x = log2 lr is a valley: a sum of basins (basin_model.h). Mean
 * and quantiles over the samples make the curves. Optima at lengths that were not tried miss the
 * law by random numbers, which are drawn once for each sample, so that a band is smooth. */
#include "search/loss_curves.h"

#include <math.h>
#include <stddef.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "lrsearch/rng.h"
#include "search/posterior.h"
#include "search/ratio_edges.h"
#include "search/sampler.h"

#define FITTED 2           /* points with a loss from which a basin is drawn */
#define WIDER 0.5          /* octaves beyond what was tried */
#define BEYOND_INTERVAL 1. /* octaves beyond the target's interval */
#define SCATTER ((uint64_t)RNG_CELLS + (2u << 8)) /* exponents.c has the first */

/* base + sum of curvature g(x - vertex) */
struct valley {
    double base, curvature[SEARCH_COORDINATES], vertex[SEARCH_COORDINATES];
    int count, shape; /* shape: of the first basin; of the others BASIN_PARABOLA */
};

struct target_samples {
    double low, high; /* log2 lr: tried in the nearest cell; low > high: nothing */
    uint64_t seed;
    double best[POSTERIOR_SAMPLES]; /* log2 lr of the least */
    struct valley valleys[POSTERIOR_SAMPLES];
    struct valley room[POSTERIOR_SAMPLES]; /* of the curve being drawn: too large for the stack */
    struct basin_heights heights;
};

static double valley_loss(const struct basin_heights *heights, const struct valley *valley,
                          double x)
{
    double height = 0;
    for (int i = 0; i < valley->count; i++)
        height += valley->curvature[i] * basin_heights_at(heights, x - valley->vertex[i],
                                                          i == 0 ? valley->shape : BASIN_PARABOLA);
    return valley->base + fmin(height, HEIGHT_MOST);
}

/* ---- places on a logarithmic scale ---- */

struct range {
    double low, high; /* log2 */
};

static const struct range nothing = {INFINITY, -INFINITY};

static void range_add(struct range *range, double low, double high)
{
    range->low = fmin(range->low, low);
    range->high = fmax(range->high, high);
}

static double range_place(const struct range *range, int i, int count)
{
    return range->low + (range->high - range->low) * i / (count - 1);
}

/* The coordinates, or log2 of the ratios (k > 0), at which the cell has a loss, and WIDER. */
static struct range tried_in_cell(const struct posterior *posterior, uint32_t cell, int k)
{
    size_t horizons = posterior->data->space.horizon_count;
    struct range range = nothing;
    for (size_t b = cell * horizons; b < (cell + 1) * horizons; b++)
        for (size_t i = 0; i < posterior->data->basins[b].losses; i++) {
            const double *x = posterior->data->basins[b].points[i].x;
            double at = k > 0 ? x[k] - x[0] : x[0];
            range_add(&range, at - WIDER, at + WIDER);
        }
    return range;
}

/* ---- curves ---- */

/* The mean of a skewed distribution may lie outside of its interval: it is held inside. */
static double inside(double mean, double low, double high)
{
    return mean < low ? low : mean > high ? high : mean;
}

static void draw_curve(struct loss_curve *curve, const struct basin_heights *heights,
                       const struct valley valleys[POSTERIOR_SAMPLES], const struct range *range)
{
    double values[POSTERIOR_SAMPLES];
    for (int i = 0; i < CURVE_LRS; i++) {
        double x = range_place(range, i, CURVE_LRS);
        for (int s = 0; s < POSTERIOR_SAMPLES; s++)
            values[s] = valley_loss(heights, &valleys[s], x);
        struct spread spread = spread_of(values, POSTERIOR_SAMPLES);
        curve->lr[i] = exp2(x);
        curve->low[i] = spread.ci90[0];
        curve->high[i] = spread.ci90[1];
        curve->loss[i] = inside(spread.mean, curve->low[i], curve->high[i]);
    }
}

static void draw_basin(struct basin_curve *to, const struct posterior *posterior, size_t b,
                       struct valley valleys[POSTERIOR_SAMPLES])
{
    const struct cell_basin *basin = &posterior->data->basins[b];
    struct range range = tried_in_cell(posterior, basin->cell, 0);
    for (int s = 0; s < POSTERIOR_SAMPLES; s++) {
        const struct basin_sample *sample = posterior_basin(posterior, s, b);
        valleys[s] = (struct valley){.base = sample->level,
                                     .curvature = {sample->curvature[0]},
                                     .vertex = {sample->vertex[0]},
                                     .count = 1,
                                     .shape = sample->shape};
    }
    to->cell = basin->cell;
    to->tokens = posterior->data->space.horizons[basin->horizon];
    draw_curve(&to->curve, posterior->data->heights, valleys, &range);
}

/* ---- the target ---- */

/* With the held ratios where they are held, nats above the least. */
static struct valley target_valley(const struct posterior *posterior,
                                   const struct ratio_edges *edges,
                                   const struct optimum_sample *sample, double best)
{
    struct valley valley = {.count = 0, .shape = sample->shape};
    for (int k = 0; k < posterior->data->coordinate_count; k++) {
        if (k > 0 && !edges->held[k])
            continue;
        valley.curvature[valley.count] = sample->curvature[k];
        valley.vertex[valley.count++] =
            sample->optimum[0] + (k > 0 ? sample->optimum[k] - edges->at[k] : 0);
    }
    valley.base = -valley_loss(posterior->data->heights, &valley, best);
    return valley;
}

static void keep_target(struct target_samples *samples, const struct posterior *posterior)
{
    const struct search_space *space = &posterior->data->space;
    struct ratio_edges edges = ratio_edges_of(posterior);
    struct range tried = tried_in_cell(posterior, nearest_cell(space), 0);
    samples->low = tried.low;
    samples->high = tried.high;
    samples->seed = space->seed;
    memcpy(&samples->heights, posterior->data->heights, sizeof(samples->heights));
    for (int s = 0; s < POSTERIOR_SAMPLES; s++) {
        const struct optimum_sample *sample = posterior_optimum(posterior, s, space->cell_count);
        samples->best[s] =
            edges.any ? ratio_edges_best_lr(posterior, &edges, sample) : sample->optimum[0];
        samples->valleys[s] = target_valley(posterior, &edges, sample, samples->best[s]);
    }
}

void loss_curves_transfer(struct loss_curves *curves, double octaves, double reach)
{
    struct target_samples *samples = curves->samples;
    double best[POSTERIOR_SAMPLES];
    struct range range = {samples->low, samples->high};
    for (int s = 0; s < POSTERIOR_SAMPLES; s++) {
        double z = rng_normal(samples->seed, SCATTER, (uint64_t)(POSTERIOR_SAMPLES + s));
        double move = octaves + reach / Z90 * z;
        struct valley *valley = &samples->room[s];
        *valley = samples->valleys[s];
        for (int i = 0; i < valley->count; i++)
            valley->vertex[i] += move;
        best[s] = samples->best[s] + move;
    }
    struct spread optimum = spread_of(best, POSTERIOR_SAMPLES);
    range_add(&range, optimum.ci90[0] - BEYOND_INTERVAL, optimum.ci90[1] + BEYOND_INTERVAL);
    draw_curve(&curves->target, &samples->heights, samples->room, &range);
}

/* ---- the law ---- */

static double law_at(const struct sample *sample, const struct sampler_features *features)
{
    double sum = 0;
    for (int i = 0; i < features->count; i++)
        sum += features->of[i].value * sample->theta[0][features->of[i].term];
    return sum;
}

static void draw_law(struct law_line *line, const struct posterior *posterior, uint32_t cell,
                     const struct range *tokens)
{
    const struct cell_data *data = posterior->data;
    const struct terms *terms = &data->terms[0];
    const struct search_cell *of = &data->space.cells[cell];
    struct sampler_features at[2];
    double values[POSTERIOR_SAMPLES], scatter[POSTERIOR_SAMPLES];
    for (int t = 0; t < 2; t++)
        at[t] = sampler_features_of(terms, of, (int)cell, -1, t);
    line->cell = cell;
    line->beta = 0;
    for (int s = 0; s < POSTERIOR_SAMPLES; s++) {
        const struct sample *sample = &posterior->samples[s];
        line->beta += (law_at(sample, &at[0]) - law_at(sample, &at[1])) / POSTERIOR_SAMPLES;
        scatter[s] = hypot(sample->misfit[0], sample->shared) *
                     rng_normal(data->space.seed, SCATTER, (uint64_t)s);
    }
    for (int i = 0; i < LAW_POINTS; i++) {
        line->tokens[i] = exp2(range_place(tokens, i, LAW_POINTS));
        struct sampler_features features =
            sampler_features_of(terms, of, (int)cell, -1, cell_data_t(data, line->tokens[i]));
        double mean = 0;
        for (int s = 0; s < POSTERIOR_SAMPLES; s++) {
            double law = law_at(&posterior->samples[s], &features);
            mean += law / POSTERIOR_SAMPLES;
            values[s] = law + scatter[s];
        }
        struct spread spread = spread_of(values, POSTERIOR_SAMPLES);
        line->low[i] = exp2(spread.ci90[0]);
        line->high[i] = exp2(spread.ci90[1]);
        line->lr[i] = inside(exp2(mean), line->low[i], line->high[i]);
    }
}

/* ---- contours ---- */

static void add_surface(struct loss_contour *contour, const struct posterior *posterior,
                        const struct basin_sample *sample, int k)
{
    const struct basin_heights *heights = posterior->data->heights;
    double x[CONTOUR_LRS], over_lr[CONTOUR_LRS];
    for (int i = 0; i < CONTOUR_LRS; i++) {
        x[i] = log2(contour->lr[i]);
        over_lr[i] = sample->curvature[0] *
                     basin_heights_at(heights, x[i] - sample->vertex[0], sample->shape);
    }
    for (int v = 0; v < CONTOUR_VALUES; v++) {
        double off = log2(contour->value[v]) - sample->vertex[k];
        for (int i = 0; i < CONTOUR_LRS; i++) {
            double height = over_lr[i] + sample->curvature[k] *
                                             basin_heights_at(heights, x[i] + off, BASIN_PARABOLA);
            contour->loss[v][i] += (sample->level + fmin(height, HEIGHT_MOST)) / POSTERIOR_SAMPLES;
        }
    }
}

static void draw_contour(struct loss_contour *contour, const struct posterior *posterior, size_t b,
                         int k)
{
    const struct cell_basin *basin = &posterior->data->basins[b];
    struct range lrs = tried_in_cell(posterior, basin->cell, 0);
    struct range ratios = tried_in_cell(posterior, basin->cell, k);
    double lr[POSTERIOR_SAMPLES], ratio[POSTERIOR_SAMPLES];
    memset(contour, 0, sizeof(*contour));
    contour->cell = basin->cell;
    contour->tokens = posterior->data->space.horizons[basin->horizon];
    contour->ratio = (enum answer_ratio)(posterior->data->coordinates[k] - 1);
    for (int i = 0; i < CONTOUR_LRS; i++)
        contour->lr[i] = exp2(range_place(&lrs, i, CONTOUR_LRS));
    for (int v = 0; v < CONTOUR_VALUES; v++)
        contour->value[v] = exp2(range_place(&ratios, v, CONTOUR_VALUES));
    for (int s = 0; s < POSTERIOR_SAMPLES; s++) {
        const struct basin_sample *sample = posterior_basin(posterior, s, b);
        add_surface(contour, posterior, sample, k);
        lr[s] = sample->vertex[0];
        ratio[s] = sample->vertex[k] - sample->vertex[0];
    }
    struct spread spread = spread_of(lr, POSTERIOR_SAMPLES);
    spread_exp2(&spread, &contour->optimum.lr, contour->optimum.lr_ci90);
    spread = spread_of(ratio, POSTERIOR_SAMPLES);
    spread_exp2(&spread, &contour->optimum.value, contour->optimum.value_ci90);
}

/* ---- the whole ---- */

static bool is_fitted(const struct cell_basin *basin)
{
    return basin->losses >= FITTED;
}

static void draw_basins(struct loss_curves *curves, const struct posterior *posterior)
{
    for (size_t b = 0; b < posterior->data->basin_count; b++)
        if (is_fitted(&posterior->data->basins[b]))
            draw_basin(&curves->basins[curves->basin_count++], posterior, b, curves->samples->room);
}

static void draw_laws(struct loss_curves *curves, const struct posterior *posterior)
{
    const struct search_space *space = &posterior->data->space;
    uint64_t longest = space->horizons[space->horizon_count - 1];
    if (longest < space->target_tokens)
        longest = space->target_tokens;
    struct range tokens = {log2((double)space->horizons[0]), log2((double)longest)};
    if (!term_find(&posterior->data->terms[0], TERM_TOKENS, 0) || !(tokens.low < tokens.high))
        return;
    for (uint32_t c = 0; c < space->cell_count; c++)
        draw_law(&curves->laws[curves->law_count++], posterior, c, &tokens);
}

static void draw_contours(struct loss_curves *curves, const struct posterior *posterior)
{
    const struct cell_data *data = posterior->data;
    size_t horizons = data->space.horizon_count;
    for (uint32_t c = 0; c < data->space.cell_count; c++) {
        size_t left = horizons;
        while (left > 0 && !is_fitted(&data->basins[c * horizons + left - 1]))
            left--;
        for (int k = 1; k < data->coordinate_count && left > 0; k++)
            draw_contour(&curves->contours[curves->contour_count++], posterior,
                         c * horizons + left - 1, k);
    }
}

int loss_curves_create(struct loss_curves **out, const struct posterior *posterior,
                       struct lr_error *err)
{
    const struct cell_data *data = posterior->data;
    size_t fitted = 0, cells = data->space.cell_count;
    *out = NULL;
    for (size_t b = 0; b < data->basin_count; b++)
        fitted += is_fitted(&data->basins[b]);
    if (fitted == 0)
        return 0;
    struct loss_curves *curves = lr_calloc(1, sizeof(*curves));
    if (!curves)
        return lr_nomem(err);
    size_t contours = cells * (size_t)data->coordinate_count;
    curves->basins = lr_calloc(fitted, sizeof(*curves->basins));
    curves->laws = lr_calloc(cells, sizeof(*curves->laws));
    curves->contours = lr_calloc(contours, sizeof(*curves->contours));
    curves->samples = lr_calloc(1, sizeof(*curves->samples));
    if (!curves->basins || !curves->laws || !curves->contours || !curves->samples) {
        loss_curves_destroy(curves);
        return lr_nomem(err);
    }
    draw_basins(curves, posterior);
    keep_target(curves->samples, posterior);
    loss_curves_transfer(curves, 0, 0);
    draw_laws(curves, posterior);
    draw_contours(curves, posterior);
    *out = curves;
    return 0;
}

void loss_curves_destroy(struct loss_curves *curves)
{
    if (!curves)
        return;
    lr_free(curves->basins);
    lr_free(curves->laws);
    lr_free(curves->contours);
    lr_free(curves->samples);
    lr_free(curves);
}
