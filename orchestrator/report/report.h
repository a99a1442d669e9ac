#ifndef LRSEARCH_REPORT_H
#define LRSEARCH_REPORT_H

#include "lrsearch/answer.h"
#include "lrsearch/error.h"
#include "store/run_dir.h" /* struct trial */

/* RUN_DIR/report.html: the answer as one self-contained page. */

struct run_history;

struct report_round {   /* what was known before a round, and at the end */
    uint32_t round;     /* the next one; 0: none, the campaign is over */
    uint64_t tokens;    /* spent by then */
    double lr, ci90[2]; /* at the target; NaN: not known */
};
#define REPORT_ROUNDS 24

struct report_input {
    const char *run_dir;
    const char *name; /* of the campaign */
    const struct answer *answer;
    const struct trial *const *trials; /* all of the campaign, in the order of their ids */
    size_t count;
    struct report_round rounds[REPORT_ROUNDS];
    size_t round_count;
    const struct run_history *history; /* set by report_write() */
};

/* Reads the journal, draws with gnuplot, replaces the file. Without gnuplot the page has the tables
 * and explains how to draw the figures; that is not an error. */
int report_write(const struct report_input *input, struct lr_error *err);

#endif
