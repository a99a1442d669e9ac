#ifndef LRSEARCH_REPORT_H
#define LRSEARCH_REPORT_H

#include "lrsearch/answer.h"
#include "lrsearch/error.h"
#include "report/status.h"
#include "store/run_dir.h" /* struct trial */

/* RUN_DIR/report.html: the campaign as one self-contained page. It holds the data as JSON
 * (report_data.h), D3, and the scripts of page/, which draw the figures in the browser. */

struct run_history;
struct loss_curves;

struct report_fit { /* the optimum of one horizon of one cell, as known before a round */
    uint32_t cell;
    uint64_t tokens;
    double lr_opt, ci90[2]; /* NaN: not known */
};

struct report_round {        /* what was known before a round, and at the end */
    uint32_t round;          /* the next one; 0: none, the answer is that of all trials */
    uint64_t tokens;         /* spent by then */
    double lr, ci90[2];      /* at the target; NaN: not known */
    struct report_fit *fits; /* owned */
    size_t fit_count;
};
#define REPORT_ROUNDS 24

struct report_input {
    const char *run_dir;
    const char *name; /* of the campaign */
    enum status_state state;
    unsigned refresh_s; /* the page loads itself again so often; 0: never */
    const struct answer *answer;
    const struct trial *const *trials; /* all of the campaign, in the order of their ids */
    size_t count;
    struct report_round rounds[REPORT_ROUNDS];
    size_t round_count;
    struct status_budget budgets[STATUS_BUDGETS];
    size_t budget_count;
    const struct loss_curves *curves;  /* of the answer's posterior; NULL: not known */
    const struct run_history *history; /* set by report_write() and report_data_text() */
};

/* Adds what `answer` knows as a round. 0 or LR_ENOMEM; a round beyond REPORT_ROUNDS is dropped. */
int report_add_round(struct report_input *input, uint32_t round, const struct answer *answer,
                     struct lr_error *err);
void report_input_release(struct report_input *input); /* what it owns */

/* Reads the journal, and replaces the file. */
int report_write(const struct report_input *input, struct lr_error *err);
/* The data of the page as JSON text; lr_free() it. */
int report_data_text(char **text, const struct report_input *input, struct lr_error *err);

#endif
