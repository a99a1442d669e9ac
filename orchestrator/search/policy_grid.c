/* The published protocol: LRs an octave apart over the whole range, at every horizon, at once. Only
 * a search of more than POLICY_ROUND_MAX trials takes more than one round. */
#include <math.h>
#include "lrsearch/memory.h"
#include "search/policy.h"
#include "search/observations.h"

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

static bool was_seen(const struct basin *basin, double lr, uint32_t seed)
{
    for (size_t i = 0; i < basin->count; i++) {
        const struct point *point = &basin->points[i];
        if (fabs(point->x - log2(lr)) <= 1e-6 && point_has_seed(point, seed))
            return true;
    }
    return false;
}

static int grid_next(const struct search_space *space, const struct observation *seen, size_t count,
                     struct proposal *round)
{
    int asked = 0;
    struct observations *obs = observations_create(space, seen, count);
    if (!obs)
        return LR_ENOMEM;
    for (size_t h = 0; h < obs->horizon_count; h++) {
        for (uint32_t i = 0; i < grid_size(space); i++) {
            double lr = grid_lr(space, i);
            for (uint32_t seed = 0; seed < space->seeds && asked < POLICY_ROUND_MAX; seed++)
                if (!was_seen(&obs->basins[h], lr, seed))
                    round[asked++] =
                        (struct proposal){.tokens = space->horizons[h], .lr = lr, .seed = seed};
        }
    }
    observations_destroy(obs);
    return asked;
}

static int grid_forecast(const struct search_space *space, struct forecast_stage *stages,
                         size_t capacity)
{
    size_t used = 0;
    for (size_t h = 0; h < space->horizon_count && used < capacity; h++) {
        uint32_t trials = grid_size(space) * space->seeds;
        stages[used++] = (struct forecast_stage){"grid", space->horizons[h], trials, trials};
    }
    return (int)used;
}

const struct policy policy_grid = {"grid", grid_next, grid_forecast, false};
