#ifndef LRSEARCH_OUTCOME_H
#define LRSEARCH_OUTCOME_H

#include <stdbool.h>
#include "lrsearch/answer.h"
#include "lrsearch/error.h"

/* Output and exit status at the end of a command. */

/* Prints the answer to stdout: the summary, or with `json` the value of result.json. run_dir: of
 * its run; NULL: none. */
void outcome_print(bool json, const char *name, const char *run_dir, const struct answer *answer);

/* The exit status: that of the error rc or, if it is 0, that of the answer, which for an identified
 * one depends on drift. */
int outcome_status(int rc, const struct answer *answer);

/* The exit status of a command without an answer: 0, or that of the error rc, after logging it. */
int outcome_error(int rc, const struct lr_error *err);

/* Flushes stdout. Returns `status`. If writing failed: logs an error and returns the status of
 * LR_EIO, because a truncated answer on a full disk must not pass for a whole one; the status of an
 * earlier error or interruption stays. A pipe that its reader closed is no failure. */
int outcome_written(int status);

#endif
