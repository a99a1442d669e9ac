#ifndef LRSEARCH_CAMPAIGN_WARNINGS_H
#define LRSEARCH_CAMPAIGN_WARNINGS_H

#include "campaign/campaign.h"
#include "lrsearch/answer.h"

/* Adds the warnings that follow from the plan, the data and failed trials, not from the losses. */
void campaign_warn(const struct campaign *campaign, struct answer *answer);

#endif
