#include "trainers/command/output_lines.h"

#include <string.h>

static void hand_on(struct output_lines *lines, bool cut)
{
    lines->text[lines->length] = '\0';
    if (lines->length > 0)
        lines->line(lines->context, lines->text, lines->length, cut);
    lines->length = 0;
}

void output_lines_end(struct output_lines *lines)
{
    hand_on(lines, false);
    lines->skipping = false;
}

void output_lines_push(struct output_lines *lines, const char *bytes, size_t count)
{
    const char *end = bytes + count;
    while (bytes < end) {
        const char *stop = bytes;
        while (stop < end && *stop != '\n' && *stop != '\r')
            stop++;
        size_t length = (size_t)(stop - bytes), room = OUTPUT_LINE - lines->length;
        size_t kept = lines->skipping ? 0 : length < room ? length : room;
        memcpy(lines->text + lines->length, bytes, kept);
        lines->length += kept;
        if (kept < length && !lines->skipping) { /* now, for its end may never come */
            hand_on(lines, true);
            lines->skipping = true;
        }
        if (stop < end)
            output_lines_end(lines);
        bytes = stop < end ? stop + 1 : end;
    }
}
