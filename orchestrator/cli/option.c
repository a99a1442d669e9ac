/* option_read() parses the value of an option by its row. */
#include "cli/option.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "lrsearch/printable.h"
#include "plan/quantity.h"

static int read_count(const struct option_row *row, const char *value, uint64_t *out,
                      struct lr_error *err)
{
    double low = row->low > 0 ? row->low : 1;
    if (quantity_count(value, out) == QUANTITY_OK && (double)*out >= low &&
        (row->high <= 0 || (double)*out <= row->high))
        return 0;
    return lr_fail(err, LR_EUSAGE, "--%s %s: must be %s", row->name, value, row->wanted);
}

static int read_number(const struct option_row *row, const char *value, double *out,
                       struct lr_error *err)
{
    if (quantity_number(value, out) == QUANTITY_OK && *out > row->low &&
        (row->high <= 0 || *out <= row->high))
        return 0;
    return lr_fail(err, LR_EUSAGE, "--%s %s: must be %s", row->name, value, row->wanted);
}

static int read_duration(const struct option_row *row, const char *value, double *out,
                         struct lr_error *err)
{
    if (quantity_duration(value, out) == QUANTITY_OK && *out >= row->low && *out <= row->high)
        return 0;
    return lr_fail(err, LR_EUSAGE, "--%s %s: must be %s", row->name, value, row->wanted);
}

/* "auto plain none" -> "auto, plain or none". */
static void choices_text(char *text, size_t capacity, const char *values)
{
    size_t used = 0;
    for (const char *at = values; *at && used < capacity;) {
        size_t length = strcspn(at, " ");
        const char *before = at == values ? "" : at[length] ? ", " : " or ";
        used += (size_t)snprintf(text + used, capacity - used, "%s%.*s", before, (int)length, at);
        at += length + (at[length] == ' ');
    }
}

static int read_choice(const struct option_row *row, const char *value, uint32_t *out,
                       struct lr_error *err)
{
    char choices[128];
    uint32_t number = 1;
    for (const char *at = row->values; *at; number++) {
        size_t length = strcspn(at, " ");
        if (strlen(value) == length && strncmp(value, at, length) == 0) {
            *out = number;
            return 0;
        }
        at += length + (at[length] == ' ');
    }
    choices_text(choices, sizeof(choices), row->values);
    return lr_fail(err, LR_EUSAGE, "--%s %s: must be %s", row->name, value, choices);
}

static int add_pair(const struct option_row *row, const char *value, struct option_pairs *pairs,
                    struct lr_error *err)
{
    if (!strchr(value, '=') || *value == '=')
        return lr_fail(err, LR_EUSAGE, "--%s %s: must have the form %s", row->name, value,
                       row->wanted);
    const char **words = lr_grow(pairs->words, pairs->count, &pairs->capacity, sizeof(*words));
    if (!words)
        return lr_nomem(err);
    pairs->words = words;
    words[pairs->count++] = value;
    return 0;
}

int option_check_word(const char *what, const char *word, struct lr_error *err)
{
    return lr_has_controls(word)
               ? lr_fail(err, LR_EUSAGE, "%s %s: holds a control character; rename it", what, word)
               : 0;
}

int option_read(void *options, const struct option_row *row, const char *value,
                struct lr_error *err)
{
    void *member = (char *)options + row->offset;
    char name[64];
    uint64_t count;
    int rc;
    switch (row->type) {
    case OPTION_FLAG:
        *(bool *)member = true;
        return 0;
    case OPTION_TEXT:
    case OPTION_ANY_TEXT:
        *(const char **)member = value;
        if (!*value && row->type != OPTION_ANY_TEXT)
            return lr_fail(err, LR_EUSAGE, "--%s: needs %s", row->name, row->wanted);
        snprintf(name, sizeof(name), "--%s", row->name);
        return option_check_word(name, value, err);
    case OPTION_CHOICE:
        return read_choice(row, value, member, err);
    case OPTION_U64:
        return read_count(row, value, member, err);
    case OPTION_U32:
        rc = read_count(row, value, &count, err);
        *(uint32_t *)member = rc ? 0 : (uint32_t)count;
        return rc;
    case OPTION_NUMBER:
        return read_number(row, value, member, err);
    case OPTION_DURATION:
        return read_duration(row, value, member, err);
    case OPTION_PAIRS:
        return add_pair(row, value, member, err);
    case OPTION_READ:
        return row->read(member, value, err);
    }
    return 0;
}

void option_release(void *options, const struct option_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (rows[i].type == OPTION_PAIRS) {
            struct option_pairs *pairs = (void *)((char *)options + rows[i].offset);
            lr_free(pairs->words);
            *pairs = (struct option_pairs){0};
        }
}

const struct option_row *option_find(const struct option_row *rows, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}
