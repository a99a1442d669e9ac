/* Looks losses up in a table. Between two learning rates the curve is a piecewise cubic whose
 * slopes are bounded by those of its chords (Fritsch and Carlson 1980; slopes after Fritsch and
 * Butland 1984): it has no minimum that the table lacks, so a search cannot find an optimum that
 * was never measured. */
#include "data/sweep.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>
#include "lrsearch/memory.h"

void sweep_release(struct sweep *sweep)
{
    lr_free(sweep->rows);
    memset(sweep, 0, sizeof(*sweep));
}

/* `a` is a learning rate of the table. */
static bool is_same_lr(double a, double b)
{
    return fabs(a - b) <= SWEEP_SAME_LR * a;
}

/* ---- horizons ---- */

uint64_t sweep_next_horizon(const struct sweep *sweep, uint64_t tokens)
{
    for (size_t i = 0; i < sweep->count; i++)
        if (sweep->rows[i].tokens > tokens)
            return sweep->rows[i].tokens;
    return 0;
}

/* Rows first..end-1. */
struct span {
    size_t first, end;
};

static struct span rows_of_horizon(const struct sweep *sweep, uint64_t tokens)
{
    struct span span = {0, 0};
    while (span.first < sweep->count && sweep->rows[span.first].tokens < tokens)
        span.first++;
    span.end = span.first;
    while (span.end < sweep->count && sweep->rows[span.end].tokens == tokens)
        span.end++;
    return span;
}

/* The rows of one learning rate (its seeds) within a horizon, from row `first` on. */
static struct span rows_from(const struct sweep *sweep, struct span horizon, size_t first)
{
    struct span span = {first, first};
    while (span.end < horizon.end && sweep->rows[span.end].lr == sweep->rows[first].lr)
        span.end++;
    return span;
}

size_t sweep_range(const struct sweep *sweep, uint64_t tokens, double *low, double *high)
{
    struct span horizon = rows_of_horizon(sweep, tokens);
    size_t count = 0;
    *low = *high = NAN;
    if (horizon.first == horizon.end)
        return 0;
    *low = sweep->rows[horizon.first].lr;
    *high = sweep->rows[horizon.end - 1].lr;
    for (size_t i = horizon.first; i < horizon.end; i = rows_from(sweep, horizon, i).end)
        count++;
    return count;
}

/* ---- between learning rates ---- */

struct point {
    double x, y; /* log lr, loss; y NaN: no point, or diverged */
};

/* Slope at the end of a run, from its first two chords (widths h, slopes d), kept monotone. */
static double end_slope(double h0, double h1, double d0, double d1)
{
    double slope = ((2 * h0 + h1) * d0 - h0 * d1) / (h0 + h1);
    if (slope * d0 <= 0)
        return 0;
    if (d0 * d1 <= 0 && fabs(slope) > 3 * fabs(d0))
        return 3 * d0;
    return slope;
}

static double middle_slope(double h0, double h1, double d0, double d1)
{
    if (d0 * d1 <= 0)
        return 0;
    double w0 = 2 * h1 + h0, w1 = h1 + 2 * h0;
    return (w0 + w1) / (w0 / d0 + w1 / d1);
}

static double chord(struct point a, struct point b)
{
    return (b.y - a.y) / (b.x - a.x);
}

/* Slope at `here`, an end of the chord to `inner`; `outer` lies on the other side of `here`,
 * `beyond` on the other side of `inner`. */
static double slope_at(struct point outer, struct point here, struct point inner,
                       struct point beyond)
{
    double h = fabs(inner.x - here.x), d = chord(here, inner);
    if (!isnan(outer.y))
        return middle_slope(fabs(here.x - outer.x), h, chord(outer, here), d);
    if (!isnan(beyond.y))
        return end_slope(h, fabs(beyond.x - inner.x), d, chord(inner, beyond));
    return d;
}

/* The loss at x between points[1] and points[2], which have losses. */
static double interpolate(const struct point points[4], double x)
{
    double h = points[2].x - points[1].x, t = (x - points[1].x) / h;
    double left = slope_at(points[0], points[1], points[2], points[3]);
    double right = slope_at(points[3], points[2], points[1], points[0]);
    double s = 1 - t;
    return s * s * ((1 + 2 * t) * points[1].y + t * h * left) +
           t * t * ((1 + 2 * s) * points[2].y - s * h * right);
}

/* The row of `seed`, modulo the number of seeds. */
static struct sweep_row row_of_seed(const struct sweep *sweep, struct span seeds, uint32_t seed)
{
    return sweep->rows[seeds.first + seed % (seeds.end - seeds.first)];
}

enum sweep_found sweep_at(const struct sweep *sweep, uint64_t tokens, double lr, uint32_t seed,
                          double *loss)
{
    struct point points[4] = {{NAN, NAN}, {NAN, NAN}, {NAN, NAN}, {NAN, NAN}}; /* around lr */
    struct span horizon = rows_of_horizon(sweep, tokens);
    double lowest, highest;
    *loss = NAN;
    if (!sweep_range(sweep, tokens, &lowest, &highest) ||
        (!(lr >= lowest) && !is_same_lr(lowest, lr)) ||
        (!(lr <= highest) && !is_same_lr(highest, lr)))
        return SWEEP_UNKNOWN;
    size_t beyond = 0; /* learning rates above lr seen so far */
    for (size_t next = horizon.first; next < horizon.end && beyond < 2;) {
        struct span seeds = rows_from(sweep, horizon, next);
        struct sweep_row row = row_of_seed(sweep, seeds, seed);
        if (is_same_lr(row.lr, lr)) {
            *loss = row.loss;
            return isnan(row.loss) ? SWEEP_DIVERGED : SWEEP_LOSS;
        }
        const struct point point = {log(row.lr), row.loss};
        if (row.lr < lr) {
            points[0] = points[1];
            points[1] = point;
        } else {
            points[2 + beyond++] = point;
        }
        next = seeds.end;
    }
    if (isnan(points[1].y) || isnan(points[2].y))
        return SWEEP_DIVERGED;
    *loss = interpolate(points, log(lr));
    return SWEEP_LOSS;
}
