#include "search/brackets.h"

#include <math.h>
#include <stddef.h>

#define SLACK 0.13 /* octaves: half a step of the finest grid of LRs */

static void add_sides(struct bracket *bracket, double x)
{
    double off = x - bracket->center;
    bracket->below = bracket->below || (off < 0 && off >= -BRACKET_REACH - SLACK);
    bracket->above = bracket->above || (off > 0 && off <= BRACKET_REACH + SLACK);
}

void bracket_add(struct bracket *bracket, double x)
{
    /* an interval may be narrower than the steps of the grid */
    double low = fmin(bracket->low, bracket->center - SLACK);
    double high = fmax(bracket->high, bracket->center + SLACK);
    bracket->inside = bracket->inside || (x >= low && x <= high);
    add_sides(bracket, x);
}

struct bracket bracket_of(const struct posterior *posterior, size_t basin)
{
    const struct cell_basin *of = &posterior->data->basins[basin];
    struct spread vertex =
        posterior_spread(posterior, basin, offsetof(struct basin_sample, vertex));
    struct bracket bracket = {.center = vertex.mean, .low = vertex.ci90[0], .high = vertex.ci90[1]};
    for (size_t i = 0; i < of->losses; i++)
        bracket_add(&bracket, of->points[i].x[0]);
    for (size_t i = of->losses; i < of->losses + of->walls; i++)
        add_sides(&bracket, of->points[i].x[0]);
    return bracket;
}
