#ifndef LRSEARCH_COMMAND_OUTPUT_H
#define LRSEARCH_COMMAND_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include "lrsearch/error.h"

/* Cuts a stream of bytes into lines, in bounded memory. A line ends with \n or \r (progress bars
 * use that); empty lines are dropped. */

#define OUTPUT_LINE 4096 /* bytes of a line that are kept */

struct output_lines {
    /* `line` is NUL-terminated (and may hold further NULs); cut: it was longer than OUTPUT_LINE. */
    void (*line)(void *context, const char *line, size_t length, bool cut);
    void *context;
    char text[OUTPUT_LINE + 1];
    size_t length;
    bool skipping; /* dropping the rest of a line that was cut */
};

void output_lines_push(struct output_lines *lines, const char *bytes, size_t count);
void output_lines_end(struct output_lines *lines); /* passes on a last line without \n */

/* The last lines of a command's output, stdout and stderr together in order of arrival. */
#define OUTPUT_TAIL 50

struct output_tail {
    char lines[OUTPUT_TAIL][OUTPUT_LINE + 1];
    size_t lengths[OUTPUT_TAIL];
    unsigned long long count; /* lines added; the last is at (count - 1) % OUTPUT_TAIL */
};

void output_tail_add(struct output_tail *tail, const char *line, size_t length);
/* Copies the last line for a message: printable ASCII ("?" for other bytes), cut to fit; "" if
 * there is none. Returns `out`. */
const char *output_tail_last(const struct output_tail *tail, char *out, size_t capacity);
/* Replaces the file: `head`, then the lines. LR_EIO, LR_ENOSPC, LR_ECREATE. */
int output_tail_write(const struct output_tail *tail, const char *path, const char *head,
                      struct lr_error *err);

#endif
