#include "trainers/command/output_tail.h"

#include <stdio.h>
#include <string.h>
#include "lrsearch/own_file.h"

void output_tail_add(struct output_tail *tail, const char *line, size_t length)
{
    size_t at = (size_t)(tail->count++ % OUTPUT_TAIL);
    for (size_t i = 0; i < length; i++)
        tail->lines[at][i] = line[i] ? line[i] : '?'; /* what is kept is a text */
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
