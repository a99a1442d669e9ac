#ifndef LRSEARCH_FIT_TABLE_H
#define LRSEARCH_FIT_TABLE_H

#include <stdbool.h>
#include "cli/options.h"
#include "lrsearch/answer.h"
#include "lrsearch/error.h"

/* What a table is when it is not the CSV file that --table names. */
struct fit_source {
    const char *text; /* NULL: the file is the table */
    size_t size;
    bool longest_horizon; /* the target is that of the table, up to --target-tokens (0: any) */
};

/* The answer that a table of anybody's trainings gives for --target-tokens. Its rows are trainings
 * (columns lr, tokens, loss); or, with *optima, learning rates that somebody has found to be best
 * (columns lr_opt, tokens), and the answer has no losses. `source` may be NULL. LR_EUSAGE,
 * LR_EDATA. */
int fit_table(struct answer *answer, const struct options *options, const struct fit_source *source,
              bool *optima, struct lr_error *err);

#endif
