#ifndef LRSEARCH_REPORT_H
#define LRSEARCH_REPORT_H

#include "lrsearch/answer.h"
#include "lrsearch/error.h"
#include "store/run_dir.h" /* struct trial */

/* RUN_DIR/report.html: the answer to look at, in one file that needs nothing else. */

struct run_history;

struct report_round {        /* what was known before a round, and at the end */
    uint32_t round;          /* that was asked for next; 0: none, the last */
    uint64_t trials, tokens; /* spent by then */
    double lr, ci90[2];      /* at the target; NaN: not known */
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
    const struct run_history *history; /* of the page, which reads it: NULL until then */
};

/* Reads the journal, draws by gnuplot, replaces the file. Without gnuplot it has its tables, and
 * says how to get the figures; that is no error. */
int report_write(const struct report_input *input, struct lr_error *err);

#endif
