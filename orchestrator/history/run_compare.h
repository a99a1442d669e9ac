#ifndef LRSEARCH_RUN_COMPARE_H
#define LRSEARCH_RUN_COMPARE_H

#include "history/run_reader.h"
#include "search/laws/drift.h"

/* The drift between the answers of two runs. */

/* A plan with its campaign and answer. */
struct question {
    const struct plan *plan;
    const struct campaign *campaign;
    const struct answer *answer;
};
/* drift_measure() of two runs. Numbers that answer different questions (another target or data; for
 * the loss another model) are left out, with the differences as reason. */
void run_drift(struct drift *out, const struct question *then, const struct question *now,
               const struct drift_limits *limits);

#define RUN_DIFFERENCES 2048

struct run_comparison {
    const char *dirs[2];
    struct run_answer *runs[2];        /* owned */
    char differences[RUN_DIFFERENCES]; /* of the plans, by plan_diff(); "": none */
    struct drift drift;                /* of the second run from the first */
};
/* Reads two runs, finished or not. LR_EDATA: a directory is not of a run; other codes as they
 * occur. run_comparison_release() in any case. */
int run_comparison_read(struct run_comparison *out, const char *const dirs[2],
                        const struct drift_limits *limits, struct lr_error *err);
void run_comparison_release(struct run_comparison *comparison);

#endif
