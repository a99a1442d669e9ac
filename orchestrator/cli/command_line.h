#ifndef LRSEARCH_COMMAND_LINE_H
#define LRSEARCH_COMMAND_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include "cli/option.h"

/* Commands, and the parsing of a command line. Each command is a cmd_NAME.c that owns its options,
 * its help and its checks; command_line.c holds the table of them. */

struct command_line {
    const struct command *command; /* NULL: none was named, with --help or --version */
    const void *options;           /* the command's own struct, filled */
    char **argv;                   /* main's; the operands follow the options */
    char **operands;               /* the words after the command; argv's */
    size_t operand_count;
    int verbosity; /* -1 --quiet, 0, 1 --verbose */
    bool help, version;
};

enum operand_kind {
    OPERAND_NONE,
    OPERAND_PLAN,
    OPERAND_RUN,    /* a run's directory */
    OPERAND_FOLDER, /* of runs */
    OPERAND_FILE,
    OPERAND_WORD,   /* a word listed in .operand ("man|bash"), then files */
    OPERAND_COMMAND /* of lrsearch */
};

struct command {
    const char *name;
    const char *operand;      /* as --help shows it: "PLAN"; "": takes none */
    const char *help;         /* one line */
    const char *operand_help; /* describes the operand; NULL: a text by `kind` */
    const char *examples;     /* lines, without a last '\n' */
    enum operand_kind kind;
    bool latest;                   /* without an operand it takes the newest run, logs/latest */
    size_t least_most[2];          /* fewest and most operands; SIZE_MAX: `check` counts them */
    const struct option_row *rows; /* its own options, without the general ones */
    size_t row_count;
    void *options; /* its struct, static, with the defaults; NULL: it has no options */
    /* Checks that rows and counts cannot express: 0, or LR_EUSAGE with a text. NULL: none. Called
     * before `run`. */
    int (*check)(const struct command_line *line, struct lr_error *err);
    int (*run)(const struct command_line *line); /* prints its errors; returns the exit status */
};
#define LATEST_HELP "the directory of a run; without one the newest, logs/latest"
#define COMMAND_ROWS(table) .rows = table, .row_count = sizeof(table) / sizeof((table)[0])

extern const struct command *const commands[];
extern const size_t command_count;
const struct command *command_find(const char *name); /* NULL: there is none */
/* Returns LR_EUSAGE, with the text "WORD: WHY; did you mean check?". */
int command_unknown(const char *word, const char *why, struct lr_error *err);

/* Options of every command; their values are in struct command_line. */
extern const struct option_row general_rows[];
extern const size_t general_row_count;

/* Parses argv: the first word that is no option names the command; a plan there means `run`. With
 * --help or --version only the command is determined. 0, or LR_EUSAGE or LR_ENOMEM with a text.
 * Call command_line_release() in any case. */
int command_line_parse(struct command_line *line, int argc, char **argv, struct lr_error *err);
void command_line_release(struct command_line *line);

extern const struct command cmd_ask, cmd_audit, cmd_bench, cmd_check, cmd_compare, cmd_coord_check,
    cmd_docs, cmd_export, cmd_fit, cmd_help, cmd_history, cmd_import, cmd_journal, cmd_plan,
    cmd_predict, cmd_report, cmd_run, cmd_schema, cmd_status, cmd_tell, cmd_tokenize, cmd_train,
    cmd_version;

#endif
