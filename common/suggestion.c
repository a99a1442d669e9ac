/* "did you mean": Damerau-Levenshtein distance, swaps of neighbours only, as in typing errors. */
#include "lrsearch/suggestion.h"

#include <stdbool.h>
#include <string.h>

#define WORD_MAX_BYTES 63 /* longest word that gets a suggestion */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t edit_distance(const char *a, const char *b)
{
    size_t rows[3][WORD_MAX_BYTES + 1]; /* rows i - 2, i - 1 and i of the table */
    size_t n = strlen(a), m = strlen(b);
    if (n > WORD_MAX_BYTES || m > WORD_MAX_BYTES)
        return WORD_MAX_BYTES + 1;
    size_t *older = rows[0], *old = rows[1], *now = rows[2];
    for (size_t j = 0; j <= m; j++)
        old[j] = j;
    for (size_t i = 1; i <= n; i++) {
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t replace = old[j - 1] + (a[i - 1] != b[j - 1]);
            now[j] = least(replace, least(old[j], now[j - 1]) + 1);
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped)
                now[j] = least(now[j], older[j - 2] + 1);
        }
        size_t *spare = older;
        older = old;
        old = now;
        now = spare;
    }
    return old[m];
}

void suggestion_init(struct suggestion *suggestion, const char *wanted)
{
    size_t third = strlen(wanted) / 3;
    *suggestion = (struct suggestion){wanted, NULL, third > 1 ? third + 1 : 2};
}

void suggestion_offer(struct suggestion *suggestion, const char *candidate)
{
    size_t distance = edit_distance(suggestion->wanted, candidate);
    if (distance < suggestion->distance && distance < strlen(candidate)) {
        suggestion->best = candidate;
        suggestion->distance = distance;
    }
}
