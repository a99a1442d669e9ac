#ifndef LRSEARCH_CAMPAIGN_APPLY_H
#define LRSEARCH_CAMPAIGN_APPLY_H

#include "campaign/campaign.h"

/* Whether the event can follow what came before: 0, or LR_EDAMAGED with a text (unknown trial,
 * attempt out of order, a second result of one trial, ...). A driver that asks before it appends
 * keeps its own mistakes out of the journal. */
int campaign_check(const struct campaign *campaign, const struct event *event,
                   struct lr_error *err);

/* Applies one event: campaign_check(), then its effect. On failure the state is unchanged.
 * limits and budget of the plan may have changed since the event was written: events that were
 * right under the old ones stay right. */
int campaign_apply(struct campaign *campaign, const struct event *event, struct lr_error *err);

#endif
