/* Chooses a campaign's search: `design` searches all cells jointly, any other policy each cell
 * separately, all in one round. */
#include "search/policy.h"

#include <string.h>
#include "lrsearch/memory.h"

const struct policy *policy_find(const char *name)
{
#define X(name) &policy_##name,
    static const struct policy *const all[] = {POLICIES(X)};
#undef X
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    return NULL;
}

static int next_of_each_cell(const struct policy *policy, const struct search_space *space,
                             const struct observation *seen, size_t count, struct proposal *round,
                             size_t *asked)
{
    struct observation *room = lr_calloc(count + 1, sizeof(*room));
    struct proposal *own = lr_calloc(POLICY_ROUND_MAX, sizeof(*own));
    int rc = room && own ? 0 : LR_ENOMEM;
    *asked = 0;
    for (uint32_t c = 0; c < space->cell_count && !rc; c++) {
        struct search_space of = cell_space(space, c);
        size_t kept = cell_filter(c, seen, count, room), more;
        if ((rc = policy->next(&of, room, kept, own, &more)))
            break;
        if (*asked + more > POLICY_ROUND_MAX)
            continue; /* no room: left to the next round */
        for (size_t i = 0; i < more; i++)
            own[i].cell = c;
        memcpy(round + *asked, own, more * sizeof(*own));
        *asked += more;
    }
    lr_free(room);
    lr_free(own);
    return rc;
}

int search_next(const struct policy *policy, const struct search_space *space,
                const struct observation *seen, size_t count, struct proposal *round, size_t *asked)
{
    if (space->cell_count <= 1 || policy == &policy_design)
        return policy->next(space, seen, count, round, asked);
    return next_of_each_cell(policy, space, seen, count, round, asked);
}

size_t search_forecast(const struct policy *policy, const struct search_space *space,
                       struct forecast_stage *stages, size_t capacity)
{
    if (space->cell_count <= 1 || policy == &policy_design)
        return policy->forecast(space, stages, capacity);
    struct search_space one = cell_space(space, 0);
    size_t count = policy->forecast(&one, stages, capacity);
    for (size_t i = 0; i < count; i++) {
        stages[i].trials *= (uint32_t)space->cell_count;
        stages[i].trials_max *= (uint32_t)space->cell_count;
    }
    return count;
}
