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

struct survey *survey_create(const struct search_space *space, const struct observation *seen,
                             size_t count)
{
    struct survey *survey = lr_calloc(1, sizeof(*survey));
    if (!survey)
        return NULL;
    survey->space = space;
    survey->horizon_count =
        space->horizon_count < ANSWER_HORIZONS ? space->horizon_count : ANSWER_HORIZONS;
    survey->seen = lr_calloc(count + 1, sizeof(*survey->seen));
    survey->points = lr_calloc(count + 1, sizeof(*survey->points));
    survey->scratch = lr_calloc(bootstrap_draws(space), sizeof(*survey->scratch));
    if (!survey->seen || !survey->points || !survey->scratch) {
        survey_destroy(survey);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        if (!isnan(seen[i].lr) && seen[i].kind != OBSERVED_RUNNING)
            survey->seen[survey->count++] = seen[i];
    qsort(survey->seen, survey->count, sizeof(*survey->seen), by_horizon_lr_seed);
    for (size_t h = 0; h < survey->horizon_count; h++) {
        size_t first = 0, end;
        while (first < survey->count && survey->seen[first].tokens != space->horizons[h])
            first++;
        for (end = first; end < survey->count && survey->seen[end].tokens == space->horizons[h];)
            end++;
        basin_gather(&survey->basins[h], survey->points + first, space->horizons[h],
                     survey->seen + first, end - first);
    }
    return survey;
}

void survey_destroy(struct survey *survey)
{
    if (!survey)
        return;
    lr_free(survey->seen);
    lr_free(survey->points);
    lr_free(survey->scratch);
    lr_free(survey);
}

struct noise survey_noise(const struct survey *survey, size_t horizons)
{
    return basin_noise(survey->basins, horizons);
}

void survey_answer(struct survey *survey, size_t horizons, struct horizon_answer *answers)
{
    struct noise noise = survey_noise(survey, horizons);
    for (size_t h = 0; h < horizons; h++)
        basin_answer(&answers[h], &survey->basins[h], &noise, survey->space, survey->scratch);
}
