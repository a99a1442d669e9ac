/* The grid step is the coarse distance halved until it does not exceed the resolution, so that
 * every halving of a gap ends on a point. */
#include "search/lr_grid.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define COARSE_OCTAVES 2.0
#define COARSE_LEAST 4
#define FIRST_SPACING 2.0 /* octaves between the first trials, before anything is known */
#define FIRST_LEAST 3
#define REACH_LEAST 1.0 /* octaves each way: a shorter span would not show the basin's sides */

struct lr_grid lr_grid_make(const struct search_space *space)
{
    double range = log2(space->lr_high / space->lr_low);
    struct lr_grid grid = {.low = log2(space->lr_low), .coarse = 1, .octave = 1};
    if (!(range > 0) || !isfinite(range))
        return grid; /* a single point */
    int coarse = (int)fmin(round(range / COARSE_OCTAVES) + 1, LR_GRID_MAX);
    coarse = coarse < COARSE_LEAST ? COARSE_LEAST : coarse;
    grid.last = coarse - 1;
    grid.step = range / grid.last;
    while (grid.step > space->resolution * (1 + 1e-9) && 2 * grid.last <= LR_GRID_MAX) {
        grid.step /= 2;
        grid.last *= 2;
        grid.coarse *= 2;
    }
    grid.octave = (int)fmax(1, fmin(floor(1 / grid.step + 1e-9), grid.last));
    return grid;
}

double lr_grid_lr(const struct lr_grid *grid, const struct search_space *space, int k)
{
    assert(k >= 0 && k <= grid->last);
    if (k == 0)
        return space->lr_low;
    if (k == grid->last) /* as the user wrote it */
        return space->lr_high;
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

static bool on_grid(const struct lr_grid *grid, double x, int k)
{
    return fabs(x - grid->low - k * grid->step) <= 1e-6;
}

static bool all_seeds(const struct point *point, uint32_t seeds)
{
    for (uint32_t seed = 0; seed < seeds; seed++)
        if (!point_has_seed(point, seed))
            return false;
    return true;
}

void row_read(struct row *row, const struct lr_grid *grid, const struct basin *basin,
              uint32_t seeds)
{
    memset(row, 0, sizeof(*row));
    row->best = row->lowest = row->highest = -1;
    row->wall = grid->last + 1;
    for (size_t i = 0; i < basin->count; i++) {
        const struct point *point = &basin->points[i];
        int k = lr_grid_nearest(grid, point->x);
        if (!on_grid(grid, point->x, k))
            continue; /* not on the grid: not proposed from it */
        bool tells = point->losses + point->diverged > 0;
        row->tried[k] = !all_seeds(point, seeds) ? TRIED_PARTLY
                        : tells                  ? TRIED_TELLS
                                                 : TRIED_NOTHING;
        row->points[k] = point;
        row->has_loss[k] = !isnan(point->loss);
        row->count++;
        if (tells) {
            row->lowest = row->lowest < 0 ? k : row->lowest;
            row->highest = k;
        }
        if (point->diverged > 0 && point->losses == 0 && k < row->wall)
            row->wall = k;
        if (row->has_loss[k] && k < row->wall &&
            (row->best < 0 || point->loss < row->points[row->best]->loss))
            row->best = k;
    }
}
