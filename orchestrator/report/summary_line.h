#ifndef LRSEARCH_SUMMARY_LINE_H
#define LRSEARCH_SUMMARY_LINE_H

#include "lrsearch/answer.h"

/* The last line of a run on stderr, for the programs that send mail and chat messages:
 *
 *     lrsearch: summary {"name":..., "status":..., "exit":..., "lr":..., "ci90":[...],
 *         "target_tokens":..., "drift":{"lr":..., "loss":..., "beyond":...}, "run_dir":...}
 *
 * on one line, and with --quiet too. status: that of the answer, or "failed"; drift: null when
 * nothing was compared. answer: NULL when there is none. */
void summary_line_print(const char *name, const char *run_dir, const struct answer *answer,
                        int exit_status);

#endif
