#ifndef LRSEARCH_OUTPUT_LINES_H
#define LRSEARCH_OUTPUT_LINES_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes as they come, cut into lines, in bounded memory. A line ends with \n or \r (programs that
 * paint progress bars use that); empty ones are left out. */

#define OUTPUT_LINE 4096 /* bytes of a line that are kept */

struct output_lines {
    /* `line` is NUL-terminated (and may hold further NULs); cut: it was longer. */
    void (*line)(void *context, const char *line, size_t length, bool cut);
    void *context;
    char text[OUTPUT_LINE + 1];
    size_t length;
    bool skipping; /* the rest of a line that was cut */
};

void output_lines_push(struct output_lines *lines, const char *bytes, size_t count);
void output_lines_end(struct output_lines *lines); /* a last line without an end */

#endif
