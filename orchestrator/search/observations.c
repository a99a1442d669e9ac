/* Observations come in any order; all statistics see them sorted, so that sums and draws are the
 * same to the last bit whatever the order was. */
#include "search/observations.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "lrsearch/memory.h"

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static int by_horizon_lr_seed(const void *left, const void *right)
{
    const struct observation *a = left, *b = right;
    int order = COMPARE(a->tokens, b->tokens);
    if (!order)
        order = COMPARE(a->lr, b->lr);
    if (!order)
        order = COMPARE(a->seed, b->seed);
    if (!order)
        order = COMPARE(a->kind, b->kind);
    if (!order && a->kind == OBSERVED_LOSS) /* NaN last: qsort needs an order of all */
        order = isnan(a->loss) || isnan(b->loss) ? isnan(a->loss) - isnan(b->loss)
                                                 : COMPARE(a->loss, b->loss);
    return order;
}

struct observations *observations_create(const struct search_space *space,
                                         const struct observation *seen, size_t count)
{
    struct observations *obs = lr_calloc(1, sizeof(*obs));
    if (!obs)
        return NULL;
    obs->space = space;
    obs->horizon_count =
        space->horizon_count < ANSWER_HORIZONS ? space->horizon_count : ANSWER_HORIZONS;
    obs->seen = lr_calloc(count + 1, sizeof(*obs->seen));
    obs->points = lr_calloc(count + 1, sizeof(*obs->points));
    obs->scratch = lr_calloc(bootstrap_draws(space), sizeof(*obs->scratch));
    if (!obs->seen || !obs->points || !obs->scratch) {
        observations_destroy(obs);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        if (!isnan(seen[i].lr) && seen[i].kind != OBSERVED_RUNNING)
            obs->seen[obs->count++] = seen[i];
    qsort(obs->seen, obs->count, sizeof(*obs->seen), by_horizon_lr_seed);
    for (size_t h = 0; h < obs->horizon_count; h++) {
        size_t first = 0, end;
        while (first < obs->count && obs->seen[first].tokens != space->horizons[h])
            first++;
        for (end = first; end < obs->count && obs->seen[end].tokens == space->horizons[h];)
            end++;
        basin_gather(&obs->basins[h], obs->points + first, space->horizons[h], obs->seen + first,
                     end - first);
    }
    return obs;
}

void observations_destroy(struct observations *obs)
{
    if (!obs)
        return;
    lr_free(obs->seen);
    lr_free(obs->points);
    lr_free(obs->scratch);
    lr_free(obs);
}

struct noise observations_noise(const struct observations *obs, size_t horizons)
{
    return basin_noise(obs->basins, horizons);
}

void observations_answer(struct observations *obs, size_t horizons, struct horizon_answer *answers)
{
    struct noise noise = observations_noise(obs, horizons);
    for (size_t h = 0; h < horizons; h++)
        basin_answer(&answers[h], &obs->basins[h], &noise, obs->space, obs->scratch);
}
