#include "groups.h"

#include <csv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void copy(char out[GROUP_TEXT], const char *text, size_t length)
{
    snprintf(out, GROUP_TEXT, "%.*s", (int)length, text);
}

static bool read_pairs(struct group_pair *pairs, size_t *count, char *text)
{
    for (char *rest, *item = strtok_r(text, ",", &rest); item; item = strtok_r(NULL, ",", &rest)) {
        char *colon = strchr(item, ':');
        if (!colon || *count == GROUP_COLUMNS)
            return false;
        copy(pairs[*count].column, item, (size_t)(colon - item));
        copy(pairs[(*count)++].value, colon + 1, strlen(colon + 1));
    }
    return true;
}

static bool read_word(struct group *group, char *word)
{
    char *value = strchr(word, '=');
    if (!value)
        return false;
    *value++ = '\0';
    if (strcmp(word, "where") == 0)
        return read_pairs(group->where, &group->where_count, value);
    if (strcmp(word, "not") == 0)
        return read_pairs(group->without, &group->without_count, value);
    if (strcmp(word, "by") == 0) {
        for (char *rest, *item = strtok_r(value, ",", &rest);
             item && group->by_count < GROUP_COLUMNS; item = strtok_r(NULL, ",", &rest))
            copy(group->by[group->by_count++], item, strlen(item));
        return true;
    }
    char *out = strcmp(word, "lr") == 0       ? group->lr
                : strcmp(word, "tokens") == 0 ? group->tokens
                : strcmp(word, "loss") == 0   ? group->loss
                                              : NULL;
    if (out)
        copy(out, value, strlen(value));
    return out != NULL;
}

bool group_parse(struct group *group, const char *line)
{
    char text[1024];
    bool good = true;
    memset(group, 0, sizeof(*group));
    snprintf(text, sizeof(text), "%s", line);
    for (char *rest, *word = strtok_r(text, " \t\n", &rest); word;
         word = strtok_r(NULL, " \t\n", &rest)) {
        if (!group->file[0])
            copy(group->file, word, strlen(word));
        else
            good &= read_word(group, word);
    }
    good &= group->file[0] && group->lr[0] && group->tokens[0] && group->loss[0];
    if (!good)
        fprintf(stderr, "not understood: %s\n", line);
    return good;
}

/* ---- the values in a table ---- */

struct reading {
    const struct group *group;
    long column, columns[3][GROUP_COLUMNS]; /* of by, where, without; -1: not there */
    bool header_read, kept;
    struct group_key key, *keys;
    long count;
};

static void on_name(struct reading *reading, const char *name)
{
    const struct group *group = reading->group;
    for (size_t i = 0; i < group->by_count; i++)
        if (strcmp(name, group->by[i]) == 0)
            reading->columns[0][i] = reading->column;
    for (size_t i = 0; i < group->where_count; i++)
        if (strcmp(name, group->where[i].column) == 0)
            reading->columns[1][i] = reading->column;
    for (size_t i = 0; i < group->without_count; i++)
        if (strcmp(name, group->without[i].column) == 0)
            reading->columns[2][i] = reading->column;
}

static void on_cell(void *cell, size_t length, void *context)
{
    struct reading *reading = context;
    const struct group *group = reading->group;
    char text[GROUP_TEXT];
    copy(text, cell ? cell : "", length);
    if (!reading->header_read)
        on_name(reading, text);
    for (size_t i = 0; i < group->by_count && reading->header_read; i++)
        if (reading->columns[0][i] == reading->column)
            memcpy(reading->key.value[i], text, sizeof(text));
    for (size_t i = 0; i < group->where_count && reading->header_read; i++)
        if (reading->columns[1][i] == reading->column)
            reading->kept &= strcmp(text, group->where[i].value) == 0;
    for (size_t i = 0; i < group->without_count && reading->header_read; i++)
        if (reading->columns[2][i] == reading->column)
            reading->kept &= strcmp(text, group->without[i].value) != 0;
    reading->column++;
}

static bool same_key(const struct reading *reading, const struct group_key *key)
{
    for (size_t i = 0; i < reading->group->by_count; i++)
        if (strcmp(key->value[i], reading->key.value[i]) != 0)
            return false;
    return true;
}

static void on_row(int end, void *context)
{
    struct reading *reading = context;
    bool known = !reading->kept || !reading->header_read;
    (void)end;
    for (long i = 0; i < reading->count && !known; i++)
        known = same_key(reading, &reading->keys[i]);
    if (!known) {
        struct group_key *more =
            realloc(reading->keys, (size_t)(reading->count + 1) * sizeof(*more));
        if (more) {
            reading->keys = more;
            reading->keys[reading->count++] = reading->key;
        }
    }
    reading->header_read = true;
    reading->kept = true;
    reading->column = 0;
}

long group_keys(const struct group *group, const char *path, struct group_key **keys)
{
    struct reading reading = {.group = group, .kept = true};
    struct csv_parser parser;
    char buffer[65536];
    size_t length;
    *keys = NULL;
    memset(reading.columns, -1, sizeof(reading.columns));
    FILE *file = fopen(path, "rb");
    if (!file || csv_init(&parser, CSV_APPEND_NULL)) {
        if (file)
            fclose(file);
        return -1;
    }
    while ((length = fread(buffer, 1, sizeof(buffer), file)) > 0)
        csv_parse(&parser, buffer, length, on_cell, on_row, &reading);
    csv_fini(&parser, on_cell, on_row, &reading);
    csv_free(&parser);
    fclose(file);
    *keys = reading.keys;
    return reading.count;
}
