/* Functions of the search space alone: the prior of LR*, and relations between cells and target. */
#include "search/search_space.h"

#include <math.h>

#define SAME 1e-9     /* octaves */
#define UNEQUAL 100.0 /* octaves: distance that another parametrization adds */

bool search_interrupted(const struct search_space *space)
{
    return space->interrupted && space->interrupted(space->interrupted_context);
}

struct expected_place prior_lr_at(const struct search_space *space, double tokens)
{
    double t = log2(tokens / (double)space->prior_tokens);
    return (struct expected_place){log2(space->prior_lr) - space->prior_beta * t,
                                   hypot(space->prior_lr_sd, space->prior_beta_sd * t)};
}

bool axis_is_spanned(const struct search_space *space, enum answer_axis axis)
{
    for (size_t c = 0; c < space->cell_count; c++)
        if (fabs(space->cells[c].axes[axis] - space->cells[0].axes[axis]) > SAME)
            return true;
    return fabs(space->target.axes[axis] - space->cells[0].axes[axis]) > SAME;
}

static bool is_cell(const struct search_cell *a, const struct search_cell *b)
{
    bool same = a->group == b->group;
    for (int axis = 0; axis < AXIS_COUNT; axis++)
        same = same && fabs(a->axes[axis] - b->axes[axis]) <= SAME;
    return same;
}

int target_cell(const struct search_space *space)
{
    for (size_t c = 0; c < space->cell_count; c++)
        if (is_cell(&space->cells[c], &space->target))
            return (int)c;
    return -1;
}

uint32_t nearest_cell(const struct search_space *space)
{
    uint32_t best = 0;
    double least = INFINITY;
    for (uint32_t c = 0; c < space->cell_count; c++) {
        const struct search_cell *cell = &space->cells[c];
        double off = cell->group == space->target.group ? 0 : UNEQUAL;
        for (int axis = 0; axis < AXIS_COUNT; axis++)
            off += fabs(cell->axes[axis] - space->target.axes[axis]);
        if (off < least - 1e-9) {
            least = off;
            best = c;
        }
    }
    return best;
}

struct search_space cell_space(const struct search_space *space, uint32_t cell)
{
    struct search_space of = *space;
    of.cells = NULL;
    of.cell_count = 0;
    of.target = space->cells[cell];
    return of;
}

size_t cell_filter(uint32_t cell, const struct observation *seen, size_t count,
                   struct observation *out)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (seen[i].cell == cell) {
            out[kept] = seen[i];
            out[kept++].cell = 0;
        }
    return kept;
}
