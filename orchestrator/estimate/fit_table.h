#ifndef LRSEARCH_FIT_TABLE_H
#define LRSEARCH_FIT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lrsearch/answer.h"
#include "lrsearch/error.h"

/* A table of anybody's trainings, and what is asked of it. Its rows are trainings (columns lr,
 * tokens, loss, seed); or learning rates that somebody has found to be best (columns lr_opt, tokens,
 * se), and the answer has no losses. */
struct fit_table {
    const char *path; /* of the CSV file */
    const char *text; /* the table itself, of `size` bytes; NULL: that of the file */
    size_t size;
    const char *columns;      /* what they are called: "lr=LR,tokens=D"; NULL: as above */
    const char *const *where; /* "column=value" each: only rows that have them */
    size_t where_count;
    uint64_t target_tokens;                 /* longer rows do not count; 0: all count */
    bool longest_horizon;                   /* the target is the longest horizon that counts */
    const char *prior_beta, *prior_beta_sd; /* as a plan has them; NULL: its defaults */
};

/* The answer that the table gives for the target; *optima: its rows are learning rates. Messages
 * name the options of lrsearch fit. LR_EUSAGE, LR_EDATA, LR_ENOMEM. */
int fit_table(struct answer *answer, const struct fit_table *table, bool *optima,
              struct lr_error *err);

#endif
