#ifndef LRSEARCH_RUN_READER_H
#define LRSEARCH_RUN_READER_H

#include <stdint.h>
#include "campaign/campaign.h"
#include "lrsearch/error.h"
#include "plan/plan.h"
#include "store/journal.h"

/* A look at a campaign that was run, that was interrupted, or that is running: its files are only
 * read, and its lock is not asked for. */

/* The plan that RUN_DIR's campaign began with, and its hash. LR_EDATA: it is no run's directory. */
int run_plan_read(struct plan *plan, uint64_t *hash, const char *run_dir, struct lr_error *err);

/* The campaign as its journal tells it. `plan`: that of run_plan_read(), with whatever target.
 * campaign_destroy() it. */
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

#endif
