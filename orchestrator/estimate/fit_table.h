#ifndef LRSEARCH_FIT_TABLE_H
#define LRSEARCH_FIT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lrsearch/answer.h"
#include "lrsearch/error.h"

/* A table of trainings from any source, and what to fit. Rows are trainings (columns lr, tokens,
 * loss, seed) or learning rates found to be best (columns lr_opt, tokens, se); then the answer has
 * no losses. */
struct fit_table {
    const char *path; /* of the CSV file */
    const char *text; /* the table, `size` bytes; NULL: read from `path` */
    size_t size;
    const char *columns;      /* column names: "lr=LR,tokens=D"; NULL: as above */
    const char *const *where; /* "column=value" each: keeps the rows that match all */
    size_t where_count;
    uint64_t target_tokens;                 /* longer rows are ignored; 0: none */
    bool longest_horizon;                   /* the target is the longest horizon used */
    const char *prior_beta, *prior_beta_sd; /* as in a plan; NULL: the plan's defaults */
};

/* Fits the table and answers for its target. *optima: the rows are best learning rates. Messages
 * name the options of lrsearch fit. LR_EUSAGE, LR_EDATA, LR_ENOMEM. */
int fit_table(struct answer *answer, const struct fit_table *table, bool *optima,
              struct lr_error *err);

#endif
