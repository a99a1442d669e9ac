/* The grid step is the coarse distance halved until it does not exceed the resolution, so that
 * every halving of a gap ends on a point. */
#include "search/lr_grid.h"

#include <assert.h>
#include <math.h>

#define COARSE_OCTAVES 2.0
#define COARSE_LEAST 4
#define FIRST_SPACING 2.0 /* octaves between the first trials, before anything is known */
#define FIRST_LEAST 3
#define REACH_LEAST 1.0 /* octaves each way: a shorter span would not show the basin's sides */

struct lr_grid lr_grid_make(double lr_low, double lr_high, double resolution)
{
    double range = log2(lr_high / lr_low);
    struct lr_grid grid = {.low = log2(lr_low), .ends = {lr_low, lr_high}};
    if (!(range > 0) || !isfinite(range))
        return grid; /* a single point */
    int coarse = (int)fmin(round(range / COARSE_OCTAVES) + 1, LR_GRID_MAX);
    coarse = coarse < COARSE_LEAST ? COARSE_LEAST : coarse;
    grid.last = coarse - 1;
    grid.step = range / grid.last;
    while (grid.step > resolution * (1 + 1e-9) && 2 * grid.last <= LR_GRID_MAX) {
        grid.step /= 2;
        grid.last *= 2;
    }
    return grid;
}

double lr_grid_lr(const struct lr_grid *grid, int k)
{
    assert(k >= 0 && k <= grid->last);
    if (k == 0 || k == grid->last)
        return grid->ends[k > 0];
    return exp2(grid->low + k * grid->step);
}

int lr_grid_nearest(const struct lr_grid *grid, double x)
{
    if (grid->last == 0)
        return 0;
    return (int)fmax(0, fmin(grid->last, round((x - grid->low) / grid->step)));
}

/* The part of the grid where the optimum is expected: *first..*last. */
static void expected_part(const struct lr_grid *grid, const struct expected_place *place,
                          int *first, int *last)
{
    double reach = fmax(REACH_LEAST, place->deviation);
    *first = lr_grid_nearest(grid, place->center - reach);
    *last = lr_grid_nearest(grid, place->center + reach);
    /* Expected beyond the range or at its end: the same span from that end. */
    int wanted = (int)fmin(ceil(2 * reach / grid->step), grid->last);
    if (*last - *first < wanted && *first == 0)
        *last = wanted;
    else if (*last - *first < wanted && *last == grid->last)
        *first = grid->last - wanted;
}

int lr_grid_first_trials(const struct lr_grid *grid, const struct expected_place *place,
                         int *trials)
{
    int first = 0, last = grid->last;
    if (place)
        expected_part(grid, place, &first, &last);
    double octaves = grid->step * (last - first);
    int count =
        (int)fmin(fmax(FIRST_LEAST, floor(octaves / FIRST_SPACING + 1.5)), last - first + 1);
    for (int i = 0; i < count; i++)
        trials[i] = first + (count > 1 ? (int)lround((double)i * (last - first) / (count - 1)) : 0);
    return count;
}
