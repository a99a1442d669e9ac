#ifndef LRSEARCH_SUGGEST_H
#define LRSEARCH_SUGGEST_H

#include <stddef.h>

/* Edits (insert, delete, replace, swap of neighbours) from `a` to `b`, by optimal string alignment.
 * Texts longer than 63 bytes are too far from anything: returns 64. */
size_t edit_distance(const char *a, const char *b);

/* Keeps the nearest of several candidates. */
struct suggestion {
    const char *wanted;
    const char *best; /* NULL: nothing near enough (a third of the length, at least 1 edit) */
    size_t distance;
};
void suggestion_init(struct suggestion *suggestion, const char *wanted);
void suggestion_offer(struct suggestion *suggestion, const char *candidate);

#endif
