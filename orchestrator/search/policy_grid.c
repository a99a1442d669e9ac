/* The published protocol: LRs an octave apart over the whole range, at every horizon, at once. Only
 * a search of more than POLICY_ROUND_MAX trials takes more than one round. */
#include <math.h>
#include <stdlib.h>
#include "lrsearch/memory.h"
#include "search/observations.h"
#include "search/policy.h"

static uint32_t grid_size(const struct search_space *space)
{
    double octaves = round(log2(space->lr_high / space->lr_low));
    return octaves >= 1 ? (uint32_t)fmin(octaves, POLICY_ROUND_MAX) + 1 : 2;
}

static double grid_lr(const struct search_space *space, uint32_t index)
{
    double low = log2(space->lr_low), high = log2(space->lr_high);
    uint32_t last = grid_size(space) - 1;
    if (index == 0 || index == last) /* as the user wrote them */
        return index == 0 ? space->lr_low : space->lr_high;
    return exp2(low + (high - low) * index / last);
}

/* A ratio's range: octaves too, at each LR. */
static uint32_t ratio_size(const struct ratio_range *range)
{
    return range->low < range->high ? (uint32_t)fmin(round(log2(range->high / range->low)), 64) + 1
                                    : 1;
}

static double ratio_at(const struct ratio_range *range, uint32_t index)
{
    uint32_t last = ratio_size(range) - 1;
    if (index == 0 || index == last)
        return index == 0 ? range->low : range->high;
    return range->low * pow(range->high / range->low, (double)index / last);
}

/* The points of the grid are numbered in the order in which they are asked for: by horizon, LR, the
 * ratios from the last to the first, seed. */
struct grid {
    uint64_t lrs, ratios[RATIO_COUNT], seeds, points;
};

static struct grid grid_of(const struct search_space *space)
{
    struct grid grid = {.lrs = grid_size(space), .seeds = space->seeds};
    grid.points = space->horizon_count * grid.lrs * grid.seeds;
    for (int r = 0; r < RATIO_COUNT; r++) {
        grid.ratios[r] = ratio_size(&space->ratios[r]);
        grid.points *= grid.ratios[r];
    }
    return grid;
}

static struct proposal point_at(const struct search_space *space, const struct grid *grid,
                                uint64_t number)
{
    struct proposal point = {.seed = (uint32_t)(number % grid->seeds)};
    number /= grid->seeds;
    for (int r = 0; r < RATIO_COUNT; r++) {
        point.ratios[r] = ratio_at(&space->ratios[r], (uint32_t)(number % grid->ratios[r]));
        number /= grid->ratios[r];
    }
    point.lr = grid_lr(space, (uint32_t)(number % grid->lrs));
    point.tokens = space->horizons[number / grid->lrs];
    return point;
}

/* The step from `low` to `high`, of `count` values, that is nearest to `value`. */
static uint64_t nearest(double value, double low, double high, uint64_t count)
{
    double step = count > 1 ? round(log(value / low) / log(high / low) * (double)(count - 1)) : 0;
    return step >= 0 && step < (double)count ? (uint64_t)step : 0;
}

/* The number of the point that was seen; false: it is none of the grid. */
static bool find_point(const struct search_space *space, const struct grid *grid,
                       const struct observation *seen, uint64_t *number)
{
    uint64_t h = 0;
    while (h < space->horizon_count && space->horizons[h] != seen->tokens)
        h++;
    if (h == space->horizon_count || seen->seed >= grid->seeds)
        return false;
    *number = h * grid->lrs + nearest(seen->lr, space->lr_low, space->lr_high, grid->lrs);
    for (int r = RATIO_COUNT; r-- > 0;)
        *number = *number * grid->ratios[r] + nearest(seen->ratios[r], space->ratios[r].low,
                                                      space->ratios[r].high, grid->ratios[r]);
    *number = *number * grid->seeds + seen->seed;
    struct proposal point = point_at(space, grid, *number);
    return same_value(seen->lr, point.lr) && same_ratios(seen->ratios, point.ratios);
}

static int compare_numbers(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static int grid_next(const struct search_space *space, const struct observation *seen, size_t count,
                     struct proposal *round, size_t *asked)
{
    struct grid grid = grid_of(space);
    uint64_t *tried = lr_calloc(count + 1, sizeof(*tried));
    size_t tries = 0, at = 0;
    *asked = 0;
    if (!tried)
        return LR_ENOMEM;
    for (size_t i = 0; i < count; i++)
        tries += find_point(space, &grid, &seen[i], &tried[tries]);
    qsort(tried, tries, sizeof(*tried), compare_numbers);
    for (uint64_t number = 0; number < grid.points && *asked < POLICY_ROUND_MAX; number++) {
        while (at < tries && tried[at] < number)
            at++;
        if (at == tries || tried[at] != number)
            round[(*asked)++] = point_at(space, &grid, number);
    }
    lr_free(tried);
    return 0;
}

static size_t grid_forecast(const struct search_space *space, struct forecast_stage *stages,
                            size_t capacity)
{
    size_t used = 0;
    for (size_t h = 0; h < space->horizon_count && used < capacity; h++) {
        uint32_t trials = grid_size(space) * space->seeds;
        for (int r = 0; r < RATIO_COUNT; r++)
            trials *= ratio_size(&space->ratios[r]);
        stages[used++] = (struct forecast_stage){"grid", space->horizons[h], trials, trials};
    }
    return used;
}

const struct policy policy_grid = {"grid", grid_next, grid_forecast, false,
                                   "every learning rate of the grid was tried"};
