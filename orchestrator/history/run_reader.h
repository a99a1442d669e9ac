#ifndef LRSEARCH_RUN_READER_H
#define LRSEARCH_RUN_READER_H

#include <stdbool.h>
#include <stdint.h>
#include "campaign/campaign.h"
#include "lrsearch/answer.h"
#include "lrsearch/error.h"
#include "plan/plan.h"
#include "store/journal.h"

/* Reads the directory of a campaign that was run, that was interrupted, or that is running. Its
 * files are only read, and its lock is not asked for. */

/* The plan that RUN_DIR's campaign began with, and its hash. LR_EDATA: it is no run's directory. */
int run_plan_read(struct plan *plan, uint64_t *hash, const char *run_dir, struct lr_error *err);

/* The campaign as its journal tells it. `plan`: that of run_plan_read(), with whatever target.
 * campaign_destroy() *out, also after an error. */
int run_campaign_read(struct campaign **out, const struct plan *plan, uint64_t hash,
                      const char *run_dir, struct lr_error *err);

/* The same in parts: what the journal holds from `place` on (all zero: everything), which moves on.
 * Each event is told after it was applied. A campaign that has not begun is no error: its opening
 * has no name. On an error begin with a new campaign. */
struct run_follow {
    struct campaign *campaign;
    struct journal_place place;
    int (*seen)(void *context, const struct campaign *campaign, const struct event *event,
                struct lr_error *err); /* NULL: nobody listens */
    void *context;
};
int run_follow(struct run_follow *follow, uint64_t hash, const char *run_dir, struct lr_error *err);

/* How a run began and ended, by its journal alone, so that it can be told again at any time. */
struct run_end {
    char name[64], version[32]; /* of the campaign; of the lrsearch that began it */
    char host[64];              /* of the last start */
    char finished_utc[32];      /* the last start's time and what its clock counted since */
};
int run_end_read(struct run_end *end, const char *run_dir, struct lr_error *err);

/* A run with its answer, fitted again and not read from result.json: answers that are compared then
 * come from one version of the search. */
struct run_answer {
    struct plan plan;
    struct campaign *campaign;
    struct answer answer; /* as campaign_answer() gives it */
    bool finished;
};
/* LR_EDATA: it is no run's directory; other codes as they come. run_answer_free() *out, which is
 * NULL on an error. */
int run_answer_read(struct run_answer **out, const char *run_dir, struct lr_error *err);
void run_answer_free(struct run_answer *run); /* NULL is fine */

#endif
