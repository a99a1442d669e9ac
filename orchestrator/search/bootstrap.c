/* basin_answer(): the optimum of one basin and its interval. The bootstrap is parametric: with
 * normal noise the slope and curvature of a parabola are jointly normal, so a draw takes two normal
 * numbers, and a third for the unknown asymmetry. A draw without a minimum goes to the better end
 * of the tried range, so that a basin that may be flat does not get a narrow interval. */
#include "search/bootstrap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "lrsearch/error.h"
#include "lrsearch/memory.h"
#include "lrsearch/rng.h"
#include "search/numerics.h"

/* Published basins are steeper to the right: loss = c t^2 (1 + k t), with k around .17 and rarely
 * above .4. The parabola lacks this term, so its vertex is off by k times parabola.skew. Standard
 * deviation of k: */
#define ASYMMETRY 0.2
#define BEYOND 1.0 /* octaves that a draw may lie outside the tried range */
#define DRAWS_LEAST 20

/* Range of possible optima, log2 lr. */
struct bounds {
    double low, high;
};

/* The LRs with a loss; with a wall above the best LR, up to half way to it. */
static struct bounds bounds_tried(const struct basin *basin)
{
    struct bounds bounds = {NAN, NAN};
    for (size_t i = 0; i < basin->count; i++) {
        const struct point *point = &basin->points[i];
        if (isnan(point->loss))
            continue;
        if (isnan(bounds.low))
            bounds.low = point->x;
        bounds.high = point->x;
    }
    if (basin->wall > basin->best) {
        /* half way to the wall: no loss was seen close to it */
        double wall = basin->points[basin->wall].x;
        for (int i = basin->wall - 1; i >= 0; i--)
            if (!isnan(basin->points[i].loss)) {
                bounds.high = (basin->points[i].x + wall) / 2;
                break;
            }
    }
    return bounds;
}

/* The minimum of a + b t + c t^2 within the bounds; if c <= 0, the end with the lower value. */
static double minimum_within(const struct parabola *fit, const struct bounds *bounds, double b,
                             double c)
{
    if (!(c > 0)) {
        double middle = (bounds->low + bounds->high) / 2 - fit->center;
        return b + 2 * c * middle > 0 ? bounds->low : bounds->high;
    }
    return fmax(bounds->low, fmin(bounds->high, fit->center - b / (2 * c)));
}

double basin_vertex(const struct basin *basin, const struct parabola *parabola)
{
    struct bounds bounds = bounds_tried(basin);
    return parabola->count ? minimum_within(parabola, &bounds, parabola->b, parabola->c) : NAN;
}

static double quantile(const double *sorted, size_t count, double share)
{
    double at = share * (double)(count - 1);
    size_t below = (size_t)at;
    double rest = at - (double)below;
    return below + 1 < count ? sorted[below] * (1 - rest) + sorted[below + 1] * rest
                             : sorted[below];
}

static int bootstrap(struct horizon_answer *answer, const struct basin *basin,
                     const struct parabola *fit, double sigma, const struct search_space *space)
{
    size_t draws = space->bootstrap < DRAWS_LEAST ? DRAWS_LEAST : space->bootstrap;
    double *vertices = lr_calloc(draws, sizeof(*vertices));
    uint64_t stream = RNG_BOOTSTRAP + (basin->tokens << 8);
    double of_b = sqrt(fit->inverse[0]), of_bc = fit->inverse[1] / of_b;
    double of_c = sqrt(fmax(fit->inverse[2] - of_bc * of_bc, 0));
    struct bounds bounds = bounds_tried(basin);
    if (!vertices)
        return LR_ENOMEM;
    bounds.low = fmin(bounds.low, fmax(bounds.low - BEYOND, log2(space->lr_low)));
    if (basin->wall < basin->best)
        bounds.high = fmax(bounds.high, fmin(bounds.high + BEYOND, log2(space->lr_high)));
    for (size_t draw = 0; draw < draws; draw++) {
        double first = rng_normal(space->seed, stream, 3 * draw);
        double second = rng_normal(space->seed, stream, 3 * draw + 1);
        double third = rng_normal(space->seed, stream, 3 * draw + 2);
        double b = fit->b + sigma * of_b * first;
        double c = fit->c + sigma * (of_bc * first + of_c * second);
        double x = minimum_within(fit, &bounds, b, c) + ASYMMETRY * fit->skew * third;
        vertices[draw] = fmax(bounds.low, fmin(bounds.high, x));
    }
    qsort(vertices, draws, sizeof(*vertices), compare_doubles);
    double vertex = log2(answer->lr_opt);
    double low = fmin(quantile(vertices, draws, 0.05), vertex);
    double high = fmax(quantile(vertices, draws, 0.95), vertex);
    answer->ci90[0] = exp2(low);
    answer->ci90[1] = exp2(high);
    answer->se_ln_lr = (high - low) * log(2.0) / (2 * Z90);
    lr_free(vertices);
    return 0;
}

int basin_answer(struct horizon_answer *answer, const struct basin *basin,
                 const struct noise *noise, const struct search_space *space)
{
    memset(answer, 0, sizeof(*answer)); /* padding too: answers are compared as bytes */
    answer->tokens = basin->tokens;
    answer->lr_opt = answer->ci90[0] = answer->ci90[1] = NAN;
    answer->curvature = answer->loss_min = answer->se_ln_lr = answer->se_loss = NAN;
    answer->trials = basin->trials;
    answer->diverged = basin->diverged;
    answer->at_edge = basin->at_edge;
    if (basin->best < 0)
        return 0;
    answer->loss_min = basin->points[basin->best].loss;
    struct parabola fit = basin_fit(basin, noise);
    if (fit.count == 0)
        return 0;
    struct bounds bounds = bounds_tried(basin);
    double x = minimum_within(&fit, &bounds, fit.b, fit.c), t = x - fit.center;
    answer->lr_opt = exp2(x);
    answer->curvature = fit.c;
    answer->flat = parabola_is_flat(&fit, noise);
    if (!answer->flat && (x <= bounds.low || (x >= bounds.high && basin->wall < basin->best)))
        answer->at_edge = true; /* the best point is bracketed, the minimum is not */
    answer->loss_min = fit.a + fit.b * t + fit.c * t * t;
    return bootstrap(answer, basin, &fit, noise->sigma * student_widening(noise->freedom), space);
}
