#ifndef LRSEARCH_OUTPUT_TAIL_H
#define LRSEARCH_OUTPUT_TAIL_H

#include <stddef.h>
#include "trainers/command/output_lines.h"
#include "lrsearch/error.h"

/* The last lines of what a command prints, stdout and stderr together in the order in which they
 * came. */
#define OUTPUT_TAIL 50

struct output_tail {
    char lines[OUTPUT_TAIL][OUTPUT_LINE + 1];
    size_t lengths[OUTPUT_TAIL];
    unsigned long long count; /* of all lines; the last stands at (count - 1) % OUTPUT_TAIL */
};

void output_tail_add(struct output_tail *tail, const char *line, size_t length);
/* The last line for a message, printable ASCII ("?" for other bytes), cut to fit; "" without one.
 * Returns `out`. */
const char *output_tail_last(const struct output_tail *tail, char *out, size_t capacity);
/* Replaces the file: `head`, then the lines. LR_EIO, LR_ENOSPC, LR_ECREATE. */
int output_tail_write(const struct output_tail *tail, const char *path, const char *head,
                      struct lr_error *err);

#endif
