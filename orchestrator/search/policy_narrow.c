/* Narrows horizon by horizon on a lattice in log LR. The shortest horizon gets coarse points over
 * the whole range, then the gaps beside the best are halved until they are `resolution` wide; each
 * longer horizon begins with three points around what the law predicts from the shorter ones, moves
 * on while its best lies at an edge, and is refined likewise. Every proposal is a lattice point not
 * tried before, so it ends. Nothing is proposed above an LR that diverged. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "search/basin.h"
#include "search/law.h"
#include "search/sorted.h"

#define COARSE_OCTAVES 2.0
enum { COARSE_LEAST = 4, LATTICE_MAX = 500 };

struct lattice {
    double low, step; /* log2; lattice point k is low + k step */
    int last;         /* k = 0..last */
    int coarse;       /* distance of the coarse points */
    int octave;       /* the largest halving of `coarse` that is an octave at most */
};

static struct lattice make_lattice(const struct search_space *space)
{
    double range = log2(space->lr_high / space->lr_low);
    int coarse = (int)lround(range / COARSE_OCTAVES) + 1;
    coarse = coarse < COARSE_LEAST ? COARSE_LEAST : coarse;
    struct lattice lattice = {
        .low = log2(space->lr_low), .step = range / (coarse - 1), .last = coarse - 1, .coarse = 1};
    while (lattice.step > space->resolution * (1 + 1e-9) && 2 * lattice.last < LATTICE_MAX) {
        lattice.step /= 2;
        lattice.last *= 2;
        lattice.coarse *= 2;
    }
    lattice.octave = lattice.coarse;
    while (lattice.octave > 1 && lattice.octave * lattice.step > 1 + 1e-9)
        lattice.octave /= 2;
    return lattice;
}

enum tried { UNTRIED, TRIED_LOSS, TRIED_DIVERGED, TRIED_NOTHING };

/* One horizon on the lattice. */
struct row {
    enum tried tried[LATTICE_MAX + 1];
    double loss[LATTICE_MAX + 1];
    int count, best, lowest, highest, wall; /* wall: lowest that diverged; last + 1 without */
};

static void read_row(struct row *row, const struct lattice *lattice, const struct basin *basin)
{
    memset(row, 0, sizeof(*row));
    row->best = row->lowest = row->highest = -1;
    row->wall = lattice->last + 1;
    for (size_t i = 0; i < basin->count; i++) {
        const struct point *point = &basin->points[i];
        int k = (int)lround((point->x - lattice->low) / lattice->step);
        if (k < 0 || k > lattice->last || fabs(point->x - lattice->low - k * lattice->step) > 1e-6)
            continue; /* of another plan */
        row->tried[k] = point->diverged      ? TRIED_DIVERGED
                        : isnan(point->loss) ? TRIED_NOTHING
                                             : TRIED_LOSS;
        row->loss[k] = point->loss;
        row->count++;
        row->lowest = row->lowest < 0 ? k : row->lowest;
        row->highest = k;
        if (point->diverged && k < row->wall)
            row->wall = k;
        if (row->tried[k] == TRIED_LOSS && (row->best < 0 || point->loss < row->loss[row->best]))
            row->best = k;
    }
}

struct wish {
    int points[LATTICE_MAX + 1];
    int count;
};

static void want(struct wish *wish, const struct lattice *lattice, const struct row *row, int k)
{
    k = k < 0 ? 0 : k > lattice->last ? lattice->last : k;
    if (row->tried[k] != UNTRIED || k > row->wall)
        return;
    for (int i = 0; i < wish->count; i++)
        if (wish->points[i] == k)
            return;
    wish->points[wish->count++] = k;
}

static int neighbour(const struct lattice *lattice, const struct row *row, int k, int direction)
{
    for (k += direction; k >= 0 && k <= lattice->last; k += direction)
        if (row->tried[k] != UNTRIED)
            return k;
    return -1;
}

static void refine(struct wish *wish, const struct lattice *lattice, const struct row *row)
{
    int best = row->best, step = lattice->octave;
    if (best < 0) { /* nothing but walls: lower */
        if (row->wall <= lattice->last)
            want(wish, lattice, row, row->lowest - step);
        return;
    }
    int left = neighbour(lattice, row, best, -1), right = neighbour(lattice, row, best, 1);
    if (left < 0)
        want(wish, lattice, row, best - step);
    if (right < 0)
        want(wish, lattice, row, best + step);
    if (wish->count)
        return;
    if (left >= 0 && best - left > 1)
        want(wish, lattice, row, best - (best - left) / 2);
    if (right >= 0 && right - best > 1)
        want(wish, lattice, row, best + (right - best) / 2);
    if (wish->count)
        return;
    /* a parabola wants two points on each side */
    if (left >= 0 && neighbour(lattice, row, left, -1) < 0)
        want(wish, lattice, row, left - step);
    if (right >= 0 && neighbour(lattice, row, right, 1) < 0)
        want(wish, lattice, row, right + step);
}

/* log2 of the LR to begin with at horizon h: by the law, or the last best with the prior's slope.
 * NaN: the shorter horizons say nothing. */
static double predict(const struct search_space *space, const struct basin *basins, size_t h,
                      double *scratch)
{
    struct horizon_answer horizons[ANSWER_HORIZONS];
    struct law law;
    double ci90[2];
    struct noise noise = basin_noise(basins, h);
    for (size_t i = 0; i < h; i++)
        basin_answer(&horizons[i], &basins[i], &noise, space, scratch);
    law_fit(&law, horizons, h, space);
    if (law.count > 0)
        return log2(law_predict(&law, space->horizons[h], ci90));
    for (size_t i = h; i-- > 0;)
        if (basins[i].best >= 0)
            return basins[i].points[basins[i].best].x -
                   space->prior_beta *
                       log2((double)space->horizons[h] / (double)space->horizons[i]);
    return NAN;
}

static void begin(struct wish *wish, const struct lattice *lattice, const struct row *row,
                  double predicted)
{
    int step = lattice->octave;
    int k = (int)lround((predicted - lattice->low) / lattice->step);
    int highest = lattice->last - step;
    k = k > highest ? highest : k;
    k = k < step ? step : k;
    for (int i = -1; i <= 1; i++)
        want(wish, lattice, row, k + i * step);
}

static int narrow_next(const struct search_space *space, const struct observation *seen,
                       size_t count, struct proposal *round)
{
    size_t horizons =
        space->horizon_count < ANSWER_HORIZONS ? space->horizon_count : ANSWER_HORIZONS;
    struct lattice lattice = make_lattice(space);
    struct observation *sorted = search_sorted(seen, count);
    struct basin *basins = lr_calloc(horizons, sizeof(*basins));
    double *scratch = lr_calloc(space->bootstrap, sizeof(*scratch));
    struct row *row = lr_calloc(1, sizeof(*row));
    struct wish *wish = lr_calloc(1, sizeof(*wish));
    int asked = 0;
    if (!sorted || !basins || !scratch || !row || !wish) {
        asked = LR_ENOMEM;
        goto out;
    }
    for (size_t h = 0; h < horizons && wish->count == 0; h++) {
        basin_gather(&basins[h], space->horizons[h], sorted, count);
        read_row(row, &lattice, &basins[h]);
        if (row->count > 0) {
            refine(wish, &lattice, row);
        } else if (h == 0) {
            for (int k = 0; k <= lattice.last; k += lattice.coarse)
                want(wish, &lattice, row, k);
        } else {
            double predicted = predict(space, basins, h, scratch);
            if (isnan(predicted))
                break; /* no shorter horizon has a single loss */
            begin(wish, &lattice, row, predicted);
        }
        for (int i = 0; i < wish->count; i++)
            for (uint32_t seed = 0; seed < space->seeds && asked < POLICY_ROUND_MAX; seed++)
                round[asked++] = (struct proposal){
                    space->horizons[h], exp2(lattice.low + wish->points[i] * lattice.step), seed};
    }
out:
    lr_free(sorted);
    lr_free(basins);
    lr_free(scratch);
    lr_free(row);
    lr_free(wish);
    return asked;
}

static int halvings(int distance)
{
    int count = 0;
    for (; distance > 1; distance /= 2)
        count++;
    return count;
}

static int narrow_forecast(const struct search_space *space, struct forecast_stage *stages,
                           size_t capacity)
{
    struct lattice lattice = make_lattice(space);
    uint32_t all = (uint32_t)lattice.last + 1, seeds = space->seeds;
    uint32_t coarse = (uint32_t)(lattice.last / lattice.coarse) + 1;
    uint32_t bisect = 2 * (uint32_t)halvings(lattice.coarse);
    uint32_t around = 4 + 2 * (uint32_t)halvings(lattice.octave);
    size_t used = 0;
    if (capacity >= 2) {
        stages[used++] =
            (struct forecast_stage){"coarse", space->horizons[0], coarse * seeds, coarse * seeds};
        stages[used++] = (struct forecast_stage){"bisect around the best", space->horizons[0],
                                                 bisect * seeds, (all - coarse) * seeds};
    }
    for (size_t h = 1; h < space->horizon_count && used < capacity; h++)
        stages[used++] =
            (struct forecast_stage){"around the prediction", space->horizons[h],
                                    (around < all ? around : all) * seeds, all * seeds};
    return (int)used;
}

const struct policy policy_narrow = {"narrow", narrow_next, narrow_forecast};
