/* Output of a command in bounded memory: cuts it into lines and keeps the last ones. */
#include "trainers/command/command_output.h"

#include <stdio.h>
#include <string.h>
#include "lrsearch/own_file.h"

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
        if (kept < length && !lines->skipping) { /* pass it on now: its end may never come */
            hand_on(lines, true);
            lines->skipping = true;
        }
        if (stop < end)
            output_lines_end(lines);
        bytes = stop < end ? stop + 1 : end;
    }
}

void output_tail_add(struct output_tail *tail, const char *line, size_t length)
{
    size_t at = (size_t)(tail->count++ % OUTPUT_TAIL);
    for (size_t i = 0; i < length; i++)
        tail->lines[at][i] = line[i] ? line[i] : '?'; /* keep the line a text without NULs */
    tail->lines[at][length] = '\0';
    tail->lengths[at] = length;
}

const char *output_tail_last(const struct output_tail *tail, char *out, size_t capacity)
{
    size_t at = (size_t)((tail->count + OUTPUT_TAIL - 1) % OUTPUT_TAIL), length = 0;
    for (; tail->count > 0 && length < tail->lengths[at] && length + 1 < capacity; length++) {
        char byte = tail->lines[at][length];
        out[length] = byte >= ' ' && byte <= '~' ? byte : '?';
    }
    out[length] = '\0';
    return out;
}

int output_tail_write(const struct output_tail *tail, const char *path, const char *head,
                      struct lr_error *err)
{
    unsigned long long first = tail->count > OUTPUT_TAIL ? tail->count - OUTPUT_TAIL : 0;
    FILE *file = own_file_stream(path, 0600);
    if (!file)
        return lr_fail_errno(err, LR_ECREATE, "%s", path);
    fprintf(file, "%s\n", head);
    if (first > 0)
        fprintf(file, "(%llu earlier lines are not kept)\n", first);
    for (unsigned long long i = first; i < tail->count; i++) {
        fwrite(tail->lines[i % OUTPUT_TAIL], 1, tail->lengths[i % OUTPUT_TAIL], file);
        fputc('\n', file);
    }
    int failed = ferror(file);
    if (fclose(file) || failed)
        return lr_fail_errno(err, LR_EIO, "%s", path);
    return 0;
}
