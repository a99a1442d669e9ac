/* Text of a group's members. */
#include "lrsearch/group.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_power_of_two(int size)
{
    return size > 0 && (size & (size - 1)) == 0;
}

/* One rank at *text, and the comma after it; 0: none. */
static int read_rank(const char **text, int world_size)
{
    char *end;
    if (**text < '1' || **text > '9')
        return 0;
    long rank = strtol(*text, &end, 10);
    bool more = *end == ',' && end[1];
    if (rank >= world_size || (*end && !more))
        return 0;
    *text = end + more;
    return (int)rank;
}

bool group_members_read(struct group_members *out, const char *text, int world_size)
{
    *out = (struct group_members){0};
    while (*text) {
        int rank = out->size < GROUP_MOST ? read_rank(&text, world_size) : 0;
        for (int i = 0; i < out->size; i++)
            if (out->ranks[i] == rank)
                rank = 0;
        if (rank == 0)
            return false;
        out->ranks[out->size++] = rank;
    }
    return out->size == 0 || is_power_of_two(out->size);
}

void group_members_text(char out[GROUP_TEXT], const struct group_members *members)
{
    size_t used = 0;
    out[0] = 0;
    for (int i = 0; i < members->size; i++)
        used += (size_t)snprintf(out + used, GROUP_TEXT - used, "%s%d", i ? "," : "",
                                 members->ranks[i]);
}
