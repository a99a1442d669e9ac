#ifndef LRSEARCH_AUDIT_RECIPE_H
#define LRSEARCH_AUDIT_RECIPE_H

#include <stdbool.h>
#include "campaign/campaign.h"
#include "report/audit.h"

/* Judges the learning rate of audit->recipe. Both functions add warnings to audit->answer. */

/* By the published laws: fills laws, law, published, at_best_batch and the time
 * scales of weight decay. 0 or LR_ENOMEM. */
int audit_by_laws(struct audit *audit, struct lr_error *err);

/* By a campaign whose plan has the recipe's target: fills runs, runs_apply, runs_params,
 * runs_reason and answer. width_given, batch_given: the target's width or batch is the recipe's,
 * not the plan's. Errors of campaign_fit(). */
int audit_by_campaign(struct audit *audit, const struct campaign *campaign, bool width_given,
                      bool batch_given, struct lr_error *err);

#endif
