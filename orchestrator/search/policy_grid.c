/* The published protocol: LRs an octave apart over the whole range, at every horizon, at once. Only
 * a search of more than POLICY_ROUND_MAX trials takes more than one round. */
#include <math.h>
#include <string.h>
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

static bool was_seen(const struct observation *seen, size_t count, const struct proposal *proposal)
{
    for (size_t i = 0; i < count; i++)
        if (seen[i].tokens == proposal->tokens && seen[i].seed == proposal->seed &&
            fabs(log2(seen[i].lr / proposal->lr)) <= 1e-6 &&
            memcmp(seen[i].ratios, proposal->ratios, sizeof(proposal->ratios)) == 0)
            return true;
    return false;
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

static int grid_next(const struct search_space *space, const struct observation *seen, size_t count,
                     struct proposal *round, size_t *asked)
{
    const struct ratio_range *embedding = &space->ratios[RATIO_EMBEDDING];
    const struct ratio_range *output = &space->ratios[RATIO_OUTPUT];
    uint64_t ratios = (uint64_t)ratio_size(embedding) * ratio_size(output);
    *asked = 0;
    for (size_t h = 0; h < space->horizon_count; h++)
        for (uint32_t i = 0; i < grid_size(space); i++)
            for (uint64_t r = 0; r < ratios; r++)
                for (uint32_t seed = 0; seed < space->seeds; seed++) {
                    struct proposal proposal = {
                        .tokens = space->horizons[h], .lr = grid_lr(space, i), .seed = seed};
                    proposal.ratios[RATIO_EMBEDDING] =
                        ratio_at(embedding, (uint32_t)(r % ratio_size(embedding)));
                    proposal.ratios[RATIO_OUTPUT] =
                        ratio_at(output, (uint32_t)(r / ratio_size(embedding)));
                    if (*asked < POLICY_ROUND_MAX && !was_seen(seen, count, &proposal))
                        round[(*asked)++] = proposal;
                }
    return 0;
}

static size_t grid_forecast(const struct search_space *space, struct forecast_stage *stages,
                            size_t capacity)
{
    size_t used = 0;
    for (size_t h = 0; h < space->horizon_count && used < capacity; h++) {
        uint32_t trials = grid_size(space) * space->seeds *
                          ratio_size(&space->ratios[RATIO_EMBEDDING]) *
                          ratio_size(&space->ratios[RATIO_OUTPUT]);
        stages[used++] = (struct forecast_stage){"grid", space->horizons[h], trials, trials};
    }
    return used;
}

const struct policy policy_grid = {"grid", grid_next, grid_forecast, false};
