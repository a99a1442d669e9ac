#ifndef LRSEARCH_OUTCOME_H
#define LRSEARCH_OUTCOME_H

#include <stdbool.h>
#include "lrsearch/answer.h"
#include "lrsearch/error.h"

/* How a command ends. */

/* The answer on stdout: the summary, or as json the value of result.json. */
void outcome_print(bool json, const char *name, const struct answer *answer);

/* The exit status: that of the error when rc is one, or else that of the answer; of an identified
 * one whether it drifted. */
int outcome_status(int rc, const struct answer *answer);

/* The exit status of a command without an answer: 0, or that of the error, which is logged. */
int outcome_error(int rc, const struct lr_error *err);

/* Writes out what is left for stdout. `status`, or that of LR_EIO, with an error told, when a
 * result did not get there: on a full disk a cut answer must not pass for a whole one. An error's
 * status stays, and so does that of an interruption. */
int outcome_written(int status);

#endif
