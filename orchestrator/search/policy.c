/* Chooses a campaign's search: one cell with its ratios (ratios.c), all cells jointly
 * (policy_cells.c), or each cell separately. */
#include "search/policy.h"

#include <string.h>
#include "lrsearch/memory.h"
#include "search/policy_cells.h"
#include "search/ratios.h"

const struct policy *policy_find(const char *name)
{
    static const struct policy *const all[] = {&policy_narrow, &policy_grid, &policy_design};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    return NULL;
}

/* Runs a policy on each cell separately, all in one round. Returns the number of proposals, or an
 * error. */
static int next_of_each_cell(const struct policy *policy, const struct search_space *space,
                             const struct observation *seen, size_t count, struct proposal *round)
{
    struct observation *room = lr_calloc(count + 1, sizeof(*room));
    struct proposal *own = lr_calloc(POLICY_ROUND_MAX, sizeof(*own));
    int asked = room && own ? 0 : LR_ENOMEM;
    for (uint32_t c = 0; c < space->cell_count && asked >= 0; c++) {
        struct search_space of = cell_space(space, c);
        size_t kept = cell_filter(c, seen, count, room);
        int more = ratios_next(policy, &of, room, kept, own);
        if (more < 0)
            asked = more;
        if (more <= 0 || asked + more > POLICY_ROUND_MAX)
            continue; /* no room: left to the next round */
        for (int i = 0; i < more; i++)
            own[i].cell = c;
        memcpy(round + asked, own, (size_t)more * sizeof(*own));
        asked += more;
    }
    lr_free(room);
    lr_free(own);
    return asked;
}

int search_next(const struct policy *policy, const struct search_space *space,
                const struct observation *seen, size_t count, struct proposal *round)
{
    if (space->cell_count <= 1)
        return ratios_next(policy, space, seen, count, round);
    return policy == &policy_design ? cells_next(space, seen, count, round)
                                    : next_of_each_cell(policy, space, seen, count, round);
}

int search_forecast(const struct policy *policy, const struct search_space *space,
                    struct forecast_stage *stages, size_t capacity)
{
    if (space->cell_count <= 1)
        return ratios_forecast(policy, space, stages, capacity);
    /* about as many trials per cell; a joint search orders them differently */
    struct search_space one = cell_space(space, 0);
    int count = ratios_forecast(policy, &one, stages, capacity);
    for (int i = 0; i < count; i++) {
        stages[i].trials *= (uint32_t)space->cell_count;
        stages[i].trials_max *= (uint32_t)space->cell_count;
    }
    return count;
}
