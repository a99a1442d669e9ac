#ifndef LRSEARCH_FIT_TABLE_H
#define LRSEARCH_FIT_TABLE_H

#include <stdbool.h>
#include "cli/options.h"
#include "lrsearch/answer.h"
#include "lrsearch/error.h"

/* The answer that a table of anybody's trainings gives for --target-tokens. Its rows are trainings
 * (columns lr, tokens, loss); or, with *optima, learning rates that somebody has found to be best
 * (columns lr_opt, tokens), and the answer has no losses. LR_EUSAGE, LR_EDATA. */
int fit_table(struct answer *answer, const struct options *options, bool *optima,
              struct lr_error *err);

#endif
