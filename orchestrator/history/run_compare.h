#ifndef LRSEARCH_RUN_COMPARE_H
#define LRSEARCH_RUN_COMPARE_H

#include "history/run_reader.h"
#include "search/laws/drift.h"

/* What moved between the answers of two runs. */

/* What a plan asked, and what it was asked on. */
struct question {
    const struct plan *plan;
    const struct campaign *campaign;
    const struct answer *answer;
};
/* search/laws/drift.h; numbers that answer different questions (another target, other data, for the
 * loss another model) are left out, with what differs. */
void run_drift(struct drift *out, const struct question *then, const struct question *now,
               const struct drift_limits *limits);

#define RUN_DIFFERENCES 2048

struct run_comparison {
    const char *dirs[2];
    struct run_answer *runs[2];        /* owned */
    char differences[RUN_DIFFERENCES]; /* of the plans, as plan_diff() says; "": none */
    struct drift drift;                /* of the second from the first */
};
/* Reads two runs, finished or not. LR_EDATA: one is no run's directory; other codes as they come.
 * run_comparison_release() in any case. */
int run_comparison_read(struct run_comparison *out, const char *const dirs[2],
                        const struct drift_limits *limits, struct lr_error *err);
void run_comparison_release(struct run_comparison *comparison);

#endif
