/* The published protocol: LRs an octave apart over the whole range, at every horizon, at once. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "search/policy.h"

static uint32_t grid_size(const struct search_space *space)
{
    return (uint32_t)lround(log2(space->lr_high / space->lr_low)) + 1;
}

static double grid_lr(const struct search_space *space, uint32_t index)
{
    double low = log2(space->lr_low), high = log2(space->lr_high);
    return exp2(low + (high - low) * index / (grid_size(space) - 1));
}

static int grid_next(const struct search_space *space, const struct observation *seen, size_t count,
                     struct proposal *round)
{
    int asked = 0;
    (void)seen;
    if (count > 0)
        return 0;
    for (size_t h = 0; h < space->horizon_count; h++)
        for (uint32_t i = 0; i < grid_size(space); i++)
            for (uint32_t seed = 0; seed < space->seeds && asked < POLICY_ROUND_MAX; seed++)
                round[asked++] = (struct proposal){space->horizons[h], grid_lr(space, i), seed};
    return asked;
}

static int grid_forecast(const struct search_space *space, struct forecast_stage *stages,
                         size_t capacity)
{
    size_t used = 0;
    for (size_t h = 0; h < space->horizon_count && used < capacity; h++) {
        uint32_t trials = grid_size(space) * space->seeds;
        stages[used] = (struct forecast_stage){"grid", space->horizons[h], trials, trials};
        used++;
    }
    return (int)used;
}

const struct policy policy_grid = {"grid", grid_next, grid_forecast};

const struct policy *policy_find(const char *name)
{
    static const struct policy *const all[] = {&policy_narrow, &policy_grid};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    return NULL;
}
