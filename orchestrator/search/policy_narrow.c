/* Narrows one horizon after the other. The shortest gets coarse points over the whole range; then
 * the gaps beside the best are halved until they are `resolution` wide. Each longer horizon begins
 * with three points around the law's prediction from the shorter ones. Every basin gets two points
 * on each side of the optimum. Half an octave apart they give the least bias; if noise hides the
 * curvature at that width, further points carry more information than finer ones.
 *
 * A horizon is judged by the noise of itself and shorter ones only, so that it stays finished once
 * it is. Every proposal is a grid point not tried before, so the search ends. Nothing is proposed
 * above an LR at which every seed diverged. */
#include <math.h>
#include <stddef.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "search/policy.h"
#include "search/bootstrap.h"
#include "search/lr_grid.h"
#include "search/posterior.h"

/* Half an octave off costs a quarter of the curvature. If the curvature is below this many times
 * the noise, points half an octave away do not show it. */
#define HALVES_WORTH 1.5

struct wish {
    bool wanted[LR_GRID_MAX + 1];
    int count;
};

/* Input of one horizon's decision, and its result (`wish`). */
struct view {
    struct lr_grid grid;
    struct row row;
    struct wish wish;
    bool wide; /* octave steps, not halves */
    bool flat;
    int center; /* the tried point nearest to the optimum; -1 without any loss */
};

static void want_point(struct view *view, int k)
{
    if (k < 0 || k > view->grid.last || k >= view->row.wall || view->wish.wanted[k] ||
        view->row.tried[k] != UNTRIED)
        return;
    view->wish.wanted[k] = true;
    view->wish.count++;
}

/* The nearest point beyond k that gave a loss or diverged, with all its seeds; -1: none. */
static int neighbour(const struct view *view, int k, int direction)
{
    for (k += direction; k >= 0 && k <= view->grid.last; k += direction)
        if (view->row.tried[k] == TRIED_TELLS)
            return k;
    return -1;
}

/* Adds the nearest untried point beyond k in octave steps; none if one with a loss or a divergence
 * comes first. */
static void want_beyond(struct view *view, int k, int direction)
{
    int step = view->grid.octave, last = view->grid.last;
    while (k != (direction < 0 ? 0 : last)) {
        k += direction * step;
        k = k < 0 ? 0 : k > last ? last : k;
        want_point(view, k);
        if (view->wish.wanted[k] || view->row.tried[k] == TRIED_TELLS)
            return;
    }
}

/* Adds the untried point nearest to the middle of a gap. */
static void want_between(struct view *view, int low, int high)
{
    int before = view->wish.count;
    for (int off = 0; off <= (high - low) / 2 && view->wish.count == before; off++) {
        if ((low + high) / 2 - off > low)
            want_point(view, (low + high) / 2 - off);
        if (view->wish.count == before && (low + high) / 2 + off < high)
            want_point(view, (low + high) / 2 + off);
    }
}

static void want_next_points(struct view *view)
{
    int center = view->center, octave = view->grid.octave;
    if (center < 0) { /* divergences only: go lower */
        if (view->row.lowest >= 0)
            want_beyond(view, view->row.lowest, -1);
        return;
    }
    int left = neighbour(view, center, -1), right = neighbour(view, center, 1);
    if (left < 0)
        want_beyond(view, center, -1);
    if (right < 0)
        want_beyond(view, center, 1);
    if (view->wish.count)
        return;
    int gap = view->wide ? octave : 1;
    if (left >= 0 && center - left > gap)
        want_between(view, left, center);
    if (right >= 0 && right - center > gap)
        want_between(view, center, right);
    if (view->wish.count)
        return;
    if (left >= 0 && neighbour(view, left, -1) < 0)
        want_beyond(view, left, -1);
    if (right >= 0 && neighbour(view, right, 1) < 0)
        want_beyond(view, right, 1);
    if (view->wish.count || !view->flat)
        return;
    /* curvature hidden in the noise: once, two octaves to each side */
    if (view->row.lowest > center - 2 * octave)
        want_point(view, center - 2 * octave);
    if (view->row.highest < center + 2 * octave)
        want_point(view, center + 2 * octave);
}

static void want_start(struct view *view, double predicted)
{
    int last = view->grid.last, step = view->grid.octave;
    step = 2 * step > last ? last / 2 : step;
    step = step < 1 ? 1 : step;
    int k = lr_grid_nearest(&view->grid, predicted);
    k = k > last - step ? last - step : k;
    k = k < step ? step : k;
    for (int i = -1; i <= 1; i++)
        want_point(view, k + i * step);
}

/* *x: log2 LR to begin with at horizon h, predicted from all shorter ones; NaN: none has a loss. 0
 * or LR_ENOMEM. */
static int predict_start(const struct observations *obs, size_t h, double *x)
{
    bool any_loss = false;
    *x = NAN;
    for (size_t i = 0; i < h; i++)
        any_loss |= obs->basins[i].best >= 0;
    if (!any_loss)
        return 0;
    struct posterior *posterior = posterior_create(obs, h, obs->space->horizons[h]);
    if (!posterior)
        return LR_ENOMEM;
    *x = posterior_spread(posterior, offsetof(struct sample, target)).mean;
    lr_free(posterior);
    return 0;
}

/* True if the noise requires octave steps, judged by the longest shorter horizon that shows a
 * curvature; if none does, true from the second horizon on. */
static bool noise_wants_octaves(const struct observations *obs, size_t h)
{
    struct noise noise = basin_noise(obs->basins, h);
    for (size_t i = h; i-- > 0;) {
        struct parabola fit = basin_fit(&obs->basins[i], &noise);
        if (fit.count > 0 && !parabola_is_flat(&fit, &noise))
            return !(fit.c > HALVES_WORTH * noise.sigma);
    }
    return h > 0;
}

static void read_horizon(struct view *view, const struct observations *obs, size_t h)
{
    const struct basin *basin = &obs->basins[h];
    struct noise noise = basin_noise(obs->basins, h + 1);
    struct parabola fit = basin_fit(basin, &noise);
    row_read(&view->row, &view->grid, basin, obs->space->seeds);
    memset(&view->wish, 0, sizeof(view->wish));
    view->wide = noise_wants_octaves(obs, h);
    view->flat = parabola_is_flat(&fit, &noise);
    view->center = view->row.best;
    if (fit.count < 5 || view->flat || basin->at_edge || view->center < 0)
        return;
    /* a significant parabola locates the optimum better than the one lowest loss */
    double vertex = basin_vertex(basin, &fit), nearest = INFINITY;
    for (int k = 0; k <= view->grid.last && k < view->row.wall; k++) {
        double off = fabs(view->grid.low + k * view->grid.step - vertex);
        if (view->row.has_loss[k] && off < nearest - 1e-9) {
            nearest = off;
            view->center = k;
        }
    }
}

/* Adds LRs at which seeds are missing, before any new LR: a round may have been cut short. False:
 * none. */
static bool want_missing(struct view *view)
{
    for (int k = 0; k <= view->grid.last && k <= view->row.wall; k++) {
        if (view->row.tried[k] != TRIED_PARTLY)
            continue;
        view->wish.wanted[k] = true;
        view->wish.count++;
    }
    return view->wish.count > 0;
}

static int narrow_next(const struct search_space *space, const struct observation *seen,
                       size_t count, struct proposal *round)
{
    int asked = 0;
    struct observations *obs = observations_create(space, seen, count);
    struct view *view = lr_calloc(1, sizeof(*view));
    if (!obs || !view) {
        asked = LR_ENOMEM;
        goto out;
    }
    view->grid = lr_grid_make(space);
    for (size_t h = 0; h < obs->horizon_count && view->wish.count == 0; h++) {
        read_horizon(view, obs, h);
        if (want_missing(view)) {
            ;
        } else if (view->row.count > 0) {
            want_next_points(view);
        } else if (h == 0) {
            for (int k = 0; k <= view->grid.last; k += view->grid.coarse)
                want_point(view, k);
        } else {
            double predicted;
            if ((asked = predict_start(obs, h, &predicted)) || isnan(predicted))
                break;
            want_start(view, predicted);
        }
        for (int k = 0; k <= view->grid.last && view->wish.count; k++)
            for (uint32_t seed = 0; seed < space->seeds && asked < POLICY_ROUND_MAX; seed++)
                if (view->wish.wanted[k] && !point_has_seed(view->row.points[k], seed))
                    round[asked++] = (struct proposal){.tokens = space->horizons[h],
                                                       .lr = lr_grid_lr(&view->grid, space, k),
                                                       .seed = seed};
    }
out:
    observations_destroy(obs);
    lr_free(view);
    return asked;
}

static int halvings(int distance)
{
    int count = 0;
    for (; distance > 1; distance /= 2)
        count++;
    return count;
}

static uint32_t at_most(int trials, int most, uint32_t seeds)
{
    return (uint32_t)(trials < most ? trials : most) * seeds;
}

static int narrow_forecast(const struct search_space *space, struct forecast_stage *stages,
                           size_t capacity)
{
    struct lr_grid grid = lr_grid_make(space);
    int all = grid.last + 1, coarse = grid.last / grid.coarse + 1;
    uint32_t seeds = space->seeds, first = (uint32_t)coarse * seeds;
    size_t used = 0;
    if (used < capacity)
        stages[used++] = (struct forecast_stage){"coarse", space->horizons[0], first, first};
    if (used < capacity)
        stages[used++] =
            (struct forecast_stage){"bisect around the best", space->horizons[0],
                                    at_most(2 * halvings(grid.coarse) + 1, all - coarse, seeds),
                                    (uint32_t)(all - coarse) * seeds};
    for (size_t h = 1; h < space->horizon_count && used < capacity; h++)
        stages[used++] = (struct forecast_stage){"around the prediction", space->horizons[h],
                                                 at_most(4 + 2 * halvings(grid.octave), all, seeds),
                                                 (uint32_t)all * seeds};
    return (int)used;
}

const struct policy policy_narrow = {"narrow", narrow_next, narrow_forecast, false};
