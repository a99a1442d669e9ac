#ifndef LRSEARCH_NEXT_STEPS_H
#define LRSEARCH_NEXT_STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include "lrsearch/answer.h"

/* The commands that a reader of an answer may want next. */

#define NEXT_STEPS 2
#define NEXT_STEP_TEXT 4096

struct next_steps {
    char commands[NEXT_STEPS][NEXT_STEP_TEXT]; /* as a shell reads them */
    size_t count;
};

/* Fills `steps`: the report, then, for a campaign that was interrupted, the command that goes on
 * with it, otherwise the fork that answer->advice asks for. A command longer than NEXT_STEP_TEXT is
 * left out. run_dir: of the answer's run, whose
 * provenance.json has the plan and its options; where they are not known the command says PLAN. */
void next_steps_fill(struct next_steps *steps, const char *run_dir, const struct answer *answer);

/* Prints a command behind `lead`. A line that would exceed WRAP_COLUMNS continues before an option,
 * behind a backslash, so that it can still be pasted. */
void next_step_print(FILE *out, const char *lead, const char *command);

#endif
