#ifndef LRSEARCH_SUMMARY_H
#define LRSEARCH_SUMMARY_H

#include <stdio.h>
#include "lrsearch/answer.h"
#include "report/plain_text.h" /* numbers, for whoever prints an answer */

/* What the run prints on stdout at its end: the table of horizons, the law, the target's LR with
 * its interval and what it costs to be wrong, the cost, every warning. Plain text, 80 columns. */
void summary_print(FILE *out, const char *name, const struct answer *answer);

/* The same without the table and the cost, with how far the target lies beyond the horizons: what a
 * law says about a target that nobody trained for. width: a sentence about it, or "". */
void summary_print_prediction(FILE *out, const char *name, const struct answer *answer,
                              const char *width);

/* Parts of it, which print nothing when the answer has none. The steps from what was measured to
 * the target: what each multiplies the LR with, its own 90 % interval, and by what right. */
void transfer_print(FILE *out, const struct answer *answer);
void warnings_print(FILE *out, const struct answer *answer);

/* What moved between two answers; its paragraphs begin with `lead`, then with as many spaces. */
void drift_print(FILE *out, const char *lead, const struct drift *drift);

/* The last line of a run on stderr, for the programs that send mail and chat messages:
 *
 *     lrsearch: summary {"name":..., "status":..., "exit":..., "lr":..., "ci90":[...],
 *         "target_tokens":..., "drift":{"lr":..., "loss":..., "beyond":...}, "run_dir":...}
 *
 * on one line, and with --quiet too. status: that of the answer, or "failed"; drift: null when
 * nothing was compared. answer: NULL when there is none. */
void summary_print_line(const char *name, const char *run_dir, const struct answer *answer,
                        int exit_status);

#endif
