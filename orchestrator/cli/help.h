#ifndef LRSEARCH_HELP_H
#define LRSEARCH_HELP_H

#include <stdio.h>
#include "cli/command_line.h"

void help_print(FILE *out); /* lrsearch --help */
void help_print_command(FILE *out, const struct command *command);
void help_print_version(FILE *out);

/* The exit statuses in ascending order, with the text for users; values of LR_ERROR_MAP and enum
 * lr_exit in error.h. */
struct exit_row {
    int status;
    const char *meaning;
};
extern const struct exit_row exit_rows[];
extern const size_t exit_row_count;

#endif
