#ifndef LRSEARCH_PLAN_INIT_H
#define LRSEARCH_PLAN_INIT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "cli/command_line.h"
#include "lrsearch/error.h"

/* lrsearch plan init, for texts (cmd_plan.c) and for a command (plan_init_command.c). */

struct plan_options {
    const char *out;
    double time_s;
    uint64_t target_tokens, params; /* 0: not given */
    bool json;
    /* with a command; 0: not given */
    const char *command; /* NULL: not given */
    double lr, seconds;
    uint64_t tokens, batch_tokens;
};

#define PLAN_INIT_LR 3e-4
#define PLAN_INIT_SECONDS 60.0

/* Runs options->command once and writes a plan for it to `path`; `name`: of its campaign. Prints
 * the summary. LR_EUSAGE: the command line; LR_EFAILURES: the command fails before the first
 * loss. */
int plan_init_command(const struct command_line *line, const char *path, const char *name,
                      struct lr_error *err);

/* Writes a new file of what `print` prints. LR_ECREATE: it exists, or cannot be created. */
int plan_init_write(const char *path, void (*print)(FILE *out, const void *context),
                    const void *context, struct lr_error *err);

#endif
