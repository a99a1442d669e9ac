#ifndef LRSEARCH_PAST_RUN_H
#define LRSEARCH_PAST_RUN_H

#include <stdint.h>
#include "campaign/campaign.h"
#include "lrsearch/error.h"
#include "plan/plan.h"

/* A look at a campaign that was run, that was interrupted, or that is running: its files are only
 * read, and its lock is not asked for. */

/* The plan that RUN_DIR's campaign began with, and its hash. LR_EDATA: it is no run's directory. */
int past_plan(struct plan *plan, uint64_t *hash, const char *run_dir, struct lr_error *err);

/* The campaign as its journal tells it. `plan`: that of past_plan(), with whatever target.
 * campaign_destroy() it. */
int past_campaign(struct campaign **out, const struct plan *plan, uint64_t hash,
                  const char *run_dir, struct lr_error *err);

#endif
