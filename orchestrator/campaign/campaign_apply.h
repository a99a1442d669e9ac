#ifndef LRSEARCH_CAMPAIGN_APPLY_H
#define LRSEARCH_CAMPAIGN_APPLY_H

#include "campaign/campaign.h"

/* 0 if the event may follow the events so far; otherwise LR_EDAMAGED with a text (unknown trial,
 * attempt out of order, a second result of a trial, ...). Call it before appending an event, so
 * that the driver's own mistakes stay out of the journal. */
int campaign_check(const struct campaign *campaign, const struct event *event,
                   struct lr_error *err);

/* Applies one event: campaign_check(), then its effect. On failure the state is unchanged. Limits
 * and budget of the plan may have changed since the event was written; events that were valid under
 * the old ones stay valid. */
int campaign_apply(struct campaign *campaign, const struct event *event, struct lr_error *err);

#endif
