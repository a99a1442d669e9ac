/* Policies that know nothing of axes search each cell by itself, all of them in one round. */
#include "search/policy_cells.h"

#include <string.h>
#include "lrsearch/memory.h"

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

int cells_next_apart(const struct policy *policy, const struct search_space *space,
                     const struct observation *seen, size_t count, struct proposal *round)
{
    struct observation *room = lr_calloc(count + 1, sizeof(*room));
    struct proposal *own = lr_calloc(POLICY_ROUND_MAX, sizeof(*own));
    int asked = room && own ? 0 : LR_ENOMEM;
    for (uint32_t c = 0; c < space->cell_count && asked >= 0; c++) {
        struct search_space of = cell_space(space, c);
        size_t kept = cell_filter(c, seen, count, room);
        int more = search_next(policy, &of, room, kept, own);
        if (more < 0)
            asked = more;
        if (more <= 0 || asked + more > POLICY_ROUND_MAX)
            continue; /* next time */
        for (int i = 0; i < more; i++)
            own[i].cell = c;
        memcpy(round + asked, own, (size_t)more * sizeof(*own));
        asked += more;
    }
    lr_free(room);
    lr_free(own);
    return asked;
}
