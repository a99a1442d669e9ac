#ifndef LRSEARCH_OPTION_TABLE_H
#define LRSEARCH_OPTION_TABLE_H

#include "cli/options.h"

/* Every command and every option, once: parsing, errors, --help, the man page and completion follow
 * from these rows. */

enum option_type {
    OPTION_FLAG,     /* bool: set */
    OPTION_TEXT,     /* const char *: not empty */
    OPTION_ANY_TEXT, /* the same, empty too */
    OPTION_U64,      /* whole counts such as 2M, low to high */
    OPTION_U32,
    OPTION_NUMBER,   /* double: above low, up to high */
    OPTION_DURATION, /* double, seconds: low to high */
    OPTION_PAIRS,    /* const char **, and a size_t beside it: each NAME=VALUE */
    OPTION_READ      /* .read does it */
};

struct option_row {
    const char *name;
    const char *argument; /* NULL: takes none */
    const char *commands; /* that it is for, words; NULL: all */
    const char *help;
    char letter; /* its short form; 0: none */
    enum option_type type;
    size_t offset, count_offset; /* in struct options */
    double low, high;            /* 0, 0: any above 0 */
    const char *wanted;          /* "must be ..." or, of texts, "needs ..." */
    int (*read)(struct options *options, const char *value, struct lr_error *err);
    const char *values; /* that completion offers, words: "auto never", "@file", "@dir", "@key" (of
                         * a plan); NULL: none
                         */
};

extern const struct command command_rows[];
extern const size_t command_row_count;
extern const struct option_row option_rows[];
extern const size_t option_row_count;

/* The exit statuses, rising: of LR_ERROR_MAP and enum lr_exit in error.h, for people. */
struct exit_row {
    int status;
    const char *meaning;
};
extern const struct exit_row exit_rows[];
extern const size_t exit_row_count;

const struct command *command_find(const char *name); /* NULL: there is none */
bool option_is_for(const struct option_row *row, const struct command *command);

/* What a command needs beside the options that say so themselves: 0, or LR_EUSAGE with a text. */
int options_check(const struct options *options, int operand_count, char **operands,
                  struct lr_error *err);

#endif
