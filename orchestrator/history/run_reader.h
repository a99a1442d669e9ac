#ifndef LRSEARCH_RUN_READER_H
#define LRSEARCH_RUN_READER_H

#include <stdbool.h>
#include <stdint.h>
#include "campaign/campaign.h"
#include "lrsearch/answer.h"
#include "lrsearch/error.h"
#include "plan/plan.h"
#include "store/journal.h"

/* Reads the directory of a finished, interrupted or running campaign. Writes nothing and takes no
 * lock. */

/* The plan that RUN_DIR's campaign began with, and its hash. LR_EDATA: not the directory of a
 * run. */
int run_plan_read(struct plan *plan, uint64_t *hash, const char *run_dir, struct lr_error *err);

/* The campaign, replayed from its journal. `plan`: from run_plan_read(); its target may be changed.
 * campaign_destroy() *out, also after an error. */
int run_campaign_read(struct campaign **out, const struct plan *plan, uint64_t hash,
                      const char *run_dir, struct lr_error *err);

/* Follows a running campaign: applies the journal from `place` on (all zero: from the beginning)
 * and advances `place`. `seen` is called after each event was applied. A campaign that has not
 * begun is no error: its opening has no name. After an error begin with a new campaign. */
struct run_follow {
    struct campaign *campaign;
    struct journal_place place;
    int (*seen)(void *context, const struct campaign *campaign, const struct event *event,
                struct lr_error *err); /* NULL: no callback */
    void *context;
};
int run_follow(struct run_follow *follow, uint64_t hash, const char *run_dir, struct lr_error *err);

/* Start and end of a run, from its journal alone, so that it is reproducible. */
struct run_end {
    char name[64], version[32]; /* of the campaign; of the lrsearch that began it */
    char host[64];              /* of the last start */
    char finished_utc[32];      /* the last start's time plus the CLOCK events since */
};
int run_end_read(struct run_end *end, const char *run_dir, struct lr_error *err);

/* A run with its answer, fitted anew instead of read from result.json, so that compared answers
 * come from one version of the search. */
struct run_answer {
    struct plan plan;
    struct campaign *campaign;
    struct answer answer; /* from campaign_answer() */
    bool finished;
};
/* LR_EDATA: not the directory of a run; other codes as they occur. run_answer_free() *out, which is
 * NULL on error. */
int run_answer_read(struct run_answer **out, const char *run_dir, struct lr_error *err);
void run_answer_free(struct run_answer *run); /* takes NULL */

#endif
