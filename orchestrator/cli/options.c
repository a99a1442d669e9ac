/* The reading of argv by the table, with getopt_long. */
#define _GNU_SOURCE /* getopt_long */
#include "cli/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include "cli/option_table.h"
#include "lrsearch/memory.h"
#include "lrsearch/printable.h"
#include "plan/quantity.h"

#define GRACE_DEFAULT_S 60.0
enum { ROW_BASE = 256 }; /* what getopt_long returns for row i: this + i */

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

static int add_pair(const struct option_row *row, const char *value, struct options *options,
                    struct lr_error *err)
{
    const char ***pairs = (const char ***)((char *)options + row->offset);
    size_t *count = (size_t *)((char *)options + row->count_offset);
    if (!strchr(value, '=') || *value == '=')
        return lr_fail(err, LR_EUSAGE, "--%s %s: must have the form %s", row->name, value,
                       row->wanted);
    (*pairs)[(*count)++] = value;
    return 0;
}

/* Names of files and folders: a control character in one could be mistaken for what it is not, in a
 * log, a list or a script. */
static int check_word(const char *what, const char *word, struct lr_error *err)
{
    return lr_has_controls(word)
               ? lr_fail(err, LR_EUSAGE, "%s %s: holds a control character; rename it", what, word)
               : 0;
}

static int read_option(struct options *options, const struct option_row *row, const char *value,
                       struct lr_error *err)
{
    void *member = (char *)options + row->offset;
    char name[OPTION_NAME];
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
        return check_word(name, value, err);
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
        return add_pair(row, value, options, err);
    case OPTION_READ:
        return row->read(options, value, err);
    }
    return 0;
}

static int read_operands(struct options *options, int count, char **operands, struct lr_error *err)
{
    if (options->help || options->version)
        return 0;
    options->command = count > 0 ? command_find(operands[0]) : NULL;
    if (options->command) {
        operands++;
        count--;
    } else {
        options->command = &command_rows[0];
    }
    int rc = options_check(options, count, operands, err);
    for (int i = 0; !rc && i < count; i++)
        rc = check_word(options->command->name, operands[i], err);
    if (rc)
        return rc;
    options->operand = count > 0 ? operands[0] : NULL;
    options->operands = operands;
    options->operand_count = (size_t)count;
    return 0;
}

static const struct option_row *row_of(int value)
{
    for (size_t i = 0; i < option_row_count; i++)
        if (value == ROW_BASE + (int)i || (value < ROW_BASE && value == option_rows[i].letter))
            return &option_rows[i];
    return NULL;
}

/* given: for each row of the table */
static int parse(struct options *options, int argc, char **argv, struct option *longs, bool *given,
                 struct lr_error *err)
{
    char shorts[64] = ":";
    size_t used = 1;
    for (size_t i = 0; i < option_row_count; i++) {
        const struct option_row *row = &option_rows[i];
        longs[i] = (struct option){.name = row->name,
                                   .has_arg = row->argument ? required_argument : no_argument,
                                   .val = ROW_BASE + (int)i};
        if (row->letter && used + 3 < sizeof(shorts)) {
            shorts[used++] = row->letter;
            if (row->argument)
                shorts[used++] = ':';
        }
    }
    opterr = 0;
    optind = 1;
    for (int value; (value = getopt_long(argc, argv, shorts, longs, NULL)) != -1;) {
        const char *word = argv[optind - 1];
        const struct option_row *row = row_of(value);
        if (value == ':')
            return lr_fail(err, LR_EUSAGE, "%s: needs a value (see lrsearch --help)", word);
        if (!row)
            return lr_fail(err, LR_EUSAGE, "%s: unknown option (see lrsearch --help)", word);
        given[row - option_rows] = true;
        int rc = read_option(options, row, optarg, err);
        if (rc)
            return rc;
    }
    int rc = read_operands(options, argc - optind, argv + optind, err);
    /* An option of another command has no effect: say so instead of passing over it. */
    for (size_t i = 0; !rc && options->command && i < option_row_count; i++)
        if (given[i] && !option_is_for(&option_rows[i], options->command))
            return lr_fail(err, LR_EUSAGE, "--%s: has no meaning for lrsearch %s (see --help)",
                           option_rows[i].name, options->command->name);
    return rc;
}

int options_parse(struct options *options, int argc, char **argv, struct lr_error *err)
{
    memset(options, 0, sizeof(*options));
    options->resume = true;
    options->grace_s = GRACE_DEFAULT_S;
    options->sets = lr_calloc((size_t)argc + 1, sizeof(*options->sets));
    options->wheres = lr_calloc((size_t)argc + 1, sizeof(*options->wheres));
    struct option *longs = lr_calloc(option_row_count + 1, sizeof(*longs));
    bool *given = lr_calloc(option_row_count, sizeof(*given));
    int rc = options->sets && options->wheres && longs && given
                 ? parse(options, argc, argv, longs, given, err)
                 : lr_nomem(err);
    lr_free(longs);
    lr_free(given);
    return rc;
}

void options_release(struct options *options)
{
    lr_free(options->sets);
    lr_free(options->wheres);
    options->sets = options->wheres = NULL;
}
