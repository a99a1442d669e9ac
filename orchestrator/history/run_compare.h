#ifndef LRSEARCH_RUN_COMPARE_H
#define LRSEARCH_RUN_COMPARE_H

#include "history/run_reader.h"
#include "lrsearch/answer.h"
#include "search/laws/drift.h"

/* The answers of campaigns that were run, and what moved between two of them. */

/* How a run began and ended, by its journal alone, so that it can be told again at any time. */
struct run_end {
    char name[64], version[32]; /* of the campaign; of the lrsearch that began it */
    char host[64];              /* of the last start */
    char finished_utc[32];      /* the last start's time and what its clock counted since */
};
int run_end_read(struct run_end *end, const char *run_dir, struct lr_error *err);

struct run_answer {
    struct plan plan;
    struct campaign *campaign;
    struct answer answer; /* as campaign_answer() gives it */
    bool finished;
};
/* LR_EDATA: it is no run's directory; other codes as they come. run_answer_free() *out. */
int run_answer_read(struct run_answer **out, const char *run_dir, struct lr_error *err);
void run_answer_free(struct run_answer *past); /* NULL is fine */

/* What the plan asked and what it was asked on. */
struct question {
    const struct plan *plan;
    const struct campaign *campaign;
    const struct answer *answer;
};
/* search/drift.h; numbers that answer different questions (another target, other data, for the loss
 * another model) are left out, with what differs. */
void run_drift(struct drift *out, const struct question *then, const struct question *now,
               const struct drift_limits *limits);

#endif
