#ifndef LRSEARCH_OPTION_H
#define LRSEARCH_OPTION_H

#include <stddef.h>
#include <stdint.h>
#include "lrsearch/error.h"

/* An option of a command as a row of a table: parsing, errors, --help, the man page and completion
 * use the rows. A row gives the offset of its value in the command's struct. */

enum option_type {
    OPTION_FLAG,     /* bool: set to true */
    OPTION_TEXT,     /* const char *, argv's: not empty, without control characters */
    OPTION_ANY_TEXT, /* the same, but may be empty */
    OPTION_CHOICE,   /* uint32_t: 1 for the first word of .values, 2 for the second, ... */
    OPTION_U64,      /* uint64_t: whole counts such as 2M, low to high */
    OPTION_U32,      /* uint32_t: the same; .high is needed */
    OPTION_NUMBER,   /* double: above low, up to high */
    OPTION_DURATION, /* double, seconds: low to high */
    OPTION_PAIRS,    /* struct option_pairs: appends a NAME=VALUE each time */
    OPTION_READ      /* .read parses the value */
};

/* All zero: empty. option_release() frees the array; the strings are argv's. */
struct option_pairs {
    const char **words;
    size_t count, capacity;
};

struct option_row {
    const char *name;
    const char *argument; /* NULL: takes none */
    const char *help;
    char letter; /* its short form; 0: none */
    enum option_type type;
    size_t offset;      /* in the command's struct */
    double low, high;   /* 0, 0: any above 0; a duration needs high */
    const char *wanted; /* completes "must be ..." or, for texts, "needs ..." */
    int (*read)(void *member, const char *value, struct lr_error *err);
    const char *values; /* words for completion: "auto never", "@file", "@dir", "@key" (of a plan);
                         * NULL: none */
};

/* Members of rows, and rows of several commands; S is the command's struct. */
/* clang-format off */
#define OPTION_AT(S, member) .offset = offsetof(struct S, member)
#define OPTION_FILE_NAME .type = OPTION_TEXT, .wanted = "the name of a file", .values = "@file"
#define OPTION_TOKENS .type = OPTION_U64, .wanted = "a whole count such as 2M"
#define OPTION_TO_1000 .type = OPTION_U32, .low = 1, .high = 1000, .wanted = "a whole count from 1 to 1000"
#define OPTION_ROW_JSON(S) {"json", NULL, "print the result as one JSON value on stdout", OPTION_AT(S, json)}
#define OPTION_ROW_SET(S) \
    {"set", "KEY=VALUE", "override a key of the plan, as in --set search.seeds=3; repeatable", \
     OPTION_AT(S, sets), .type = OPTION_PAIRS, .wanted = "KEY=VALUE", .values = "@key"}
#define OPTION_ROW_COLUMNS(S) \
    {"columns", "lr=A,...", \
     "of the table: what lr, tokens, loss, seed, optimizer, weight_decay and batch_tokens are " \
     "called; or lr_opt, tokens and se", \
     OPTION_AT(S, columns), .type = OPTION_ANY_TEXT}
#define OPTION_ROW_WHERE(S) \
    {"where", "NAME=VALUE", "of the table: only the rows that have it; repeatable", \
     OPTION_AT(S, where), .type = OPTION_PAIRS, .wanted = "COLUMN=VALUE"}
/* clang-format on */

/* Stores a value (NULL: the option takes none) in the struct. LR_EUSAGE with a text that names the
 * option and the accepted values, or LR_ENOMEM. */
int option_read(void *options, const struct option_row *row, const char *value,
                struct lr_error *err);
void option_release(void *options, const struct option_row *rows, size_t count);

/* NULL: no row has that name. */
const struct option_row *option_find(const struct option_row *rows, size_t count, const char *name);

/* Refuses names of files and folders with a control character, which could be misread in a log, a
 * list or a script. */
int option_check_word(const char *what, const char *word, struct lr_error *err);

#endif
