#ifndef TESTS_COUNT_CASE_H
#define TESTS_COUNT_CASE_H

#include <stddef.h>
#include <string.h>

/* How often a part occurs in a text. */
static inline size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *found = text; (found = strstr(found, part)); found++)
        count++;
    return count;
}

#endif
