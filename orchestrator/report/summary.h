#ifndef LRSEARCH_SUMMARY_H
#define LRSEARCH_SUMMARY_H

#include <stdio.h>
#include "lrsearch/answer.h"
#include "report/plain_text.h" /* format functions for callers */

/* What a run prints on stdout at its end: the target's LR with its interval and its confidence,
 * what it costs to use it, what was measured, what is extrapolated, the cost, why the search
 * stopped, every warning, and commands to go on. run_dir: of the run; NULL: none, then no commands.
 * Plain text, 80 columns. */
void summary_print(FILE *out, const char *name, const char *run_dir, const struct answer *answer);

/* The same without the table, the cost and the commands: the prediction for a target other than the
 * campaign's. width: a sentence about the width, or "". */
void summary_print_prediction(FILE *out, const char *name, const struct answer *answer,
                              const char *width);

/* Parts of it; they print nothing if the answer has none. transfer_print(): the steps from the
 * measurements to the target, each with its factor of the LR, the factor's 90 % interval and its
 * source. */
void transfer_print(FILE *out, const struct answer *answer);
void warnings_print(FILE *out, const struct answer *answer);

/* What stands in the place of an optimum that is none: "none: at the edge"; NULL: it is one. A
 * report shows no number there, whatever lr_opt is. */
const char *no_optimum(const struct horizon_answer *horizon);

/* The drift between two answers. The first paragraph begins with `lead`, the others with as many
 * spaces. */
void drift_print(FILE *out, const char *lead, const struct drift *drift);

/* The last line of a run on stderr, for the programs that send mail and chat messages:
 *
 *     lrsearch: summary {"name":..., "status":..., "exit":..., "lr":..., "ci90":[...],
 *         "target_tokens":..., "drift":{"lr":..., "loss":..., "beyond":...}, "run_dir":...}
 *
 * on one line, and with --quiet too. status: that of the answer; without an answer that of an
 * interrupted run, or "failed". drift: null when nothing was compared. answer: NULL when there is
 * none. */
void summary_print_line(const char *name, const char *run_dir, const struct answer *answer,
                        int exit_status);

#endif
