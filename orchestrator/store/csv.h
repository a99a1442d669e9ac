#ifndef LRSEARCH_CSV_H
#define LRSEARCH_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A CSV file in memory (RFC 4180 quoting, lines end in LF). After an allocation failure every
 * function does nothing, so check `failed` once, at the end. Zero it before use. */

struct csv {
    char *bytes; /* not NUL-terminated */
    size_t used, capacity;
    bool in_row; /* the current line has a cell */
    bool failed; /* out of memory */
};

void csv_text(struct csv *csv, const char *text); /* quoted where needed */
/* A row of texts: CSV_ROW(csv, "tokens", "loss"). */
void csv_row(struct csv *csv, const char *const *texts, size_t count);
#define CSV_ROW(csv, ...)                                                                          \
    csv_row(csv, (const char *const[]){__VA_ARGS__},                                               \
            sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))
void csv_count(struct csv *csv, uint64_t value);
void csv_double(struct csv *csv, double value); /* shortest text that reads back the same; nan */
void csv_end_row(struct csv *csv);
void csv_release(struct csv *csv);

#endif
