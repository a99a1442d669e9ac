#include "command/output_lines.h"

#include <string.h>

void output_lines_end(struct output_lines *lines)
{
    lines->text[lines->length] = '\0';
    if (lines->length > 0)
        lines->line(lines->context, lines->text, lines->length, lines->cut);
    lines->length = 0;
    lines->cut = false;
}

void output_lines_push(struct output_lines *lines, const char *bytes, size_t count)
{
    const char *end = bytes + count;
    while (bytes < end) {
        const char *stop = bytes;
        while (stop < end && *stop != '\n' && *stop != '\r')
            stop++;
        size_t length = (size_t)(stop - bytes), room = OUTPUT_LINE - lines->length;
        lines->cut = lines->cut || length > room;
        length = length < room ? length : room;
        memcpy(lines->text + lines->length, bytes, length);
        lines->length += length;
        if (stop < end)
            output_lines_end(lines);
        bytes = stop < end ? stop + 1 : end;
    }
}
