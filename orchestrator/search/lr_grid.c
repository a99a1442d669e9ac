/* The grid's step comes from halving the coarse distance until it is no longer than the
 * resolution, so that every halving of a gap ends on a point. */
#include "search/lr_grid.h"

#include <math.h>
#include <string.h>

#define COARSE_OCTAVES 2.0
#define COARSE_LEAST 4

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

static bool on_grid(const struct lr_grid *grid, double x, int k)
{
    return fabs(x - grid->low - k * grid->step) <= 1e-6;
}

static bool all_seeds(const struct point *point, uint32_t seeds)
{
    uint32_t found = 0;
    for (size_t i = 0; i < point->seen_count; i++)
        found += point->seen[i].seed < seeds &&
                 (i == 0 || point->seen[i].seed != point->seen[i - 1].seed);
    return found == seeds;
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
            continue; /* asked for by something else */
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
