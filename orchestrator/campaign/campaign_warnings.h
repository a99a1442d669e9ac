#ifndef LRSEARCH_CAMPAIGN_WARNINGS_H
#define LRSEARCH_CAMPAIGN_WARNINGS_H

#include "campaign/campaign.h"
#include "lrsearch/answer.h"

/* Adds to the answer the warnings that do not show in the losses. */
void campaign_warn(const struct campaign *campaign, struct answer *answer);

#endif
