#ifndef TESTS_BENCH_GROUPS_H
#define TESTS_BENCH_GROUPS_H

#include <stdbool.h>
#include <stddef.h>

/* A line of campaigns.txt, and the distinct values that its `by` columns have in the table. */

#define GROUP_TEXT 256
#define GROUP_COLUMNS 8

struct group {
    char file[GROUP_TEXT], lr[GROUP_TEXT], tokens[GROUP_TEXT], loss[GROUP_TEXT];
    char by[GROUP_COLUMNS][GROUP_TEXT];
    size_t by_count;
    struct group_pair {
        char column[GROUP_TEXT], value[GROUP_TEXT];
    } where[GROUP_COLUMNS], without[GROUP_COLUMNS];
    size_t where_count, without_count;
};

/* False, with a message on stderr, when the line is not understood. */
bool group_parse(struct group *group, const char *line);

struct group_key { /* values of the `by` columns */
    char value[GROUP_COLUMNS][GROUP_TEXT];
};
/* The distinct keys in `path`, in the order of the file; *keys: free() it. Negative: not read. */
long group_keys(const struct group *group, const char *path, struct group_key **keys);

#endif
