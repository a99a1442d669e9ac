#ifndef LRSEARCH_SUGGESTION_H
#define LRSEARCH_SUGGESTION_H

#include <stddef.h>

/* Edits (insert, delete, replace, swap of neighbours) from `a` to `b`, by optimal string alignment.
 * 64 if a text is longer than 63 bytes: never near enough to suggest. */
size_t edit_distance(const char *a, const char *b);

/* "did you mean": keeps the nearest of several candidates; of equal ones the first offered. */
struct suggestion {
    const char *wanted;
    const char *best; /* NULL: none is near enough (a third of the length, at least 1 edit) */
    size_t distance;
};
void suggestion_init(struct suggestion *suggestion, const char *wanted);
void suggestion_offer(struct suggestion *suggestion, const char *candidate);

#endif
