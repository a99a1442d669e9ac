#ifndef LRSEARCH_CAMPAIGN_BATCH_H
#define LRSEARCH_CAMPAIGN_BATCH_H

#include "campaign/campaign.h"
#include "lrsearch/answer.h"

/* As campaign_fit() (campaign/campaign_answer.h), for a target whose batch is the best one at
 * target.tokens, found from the campaign's axis of batches: fills answer->best_batch and
 * target.batch_tokens, and target.ci90 holds the LR of the true best batch, whose place is known by
 * an interval only. Where the losses do not identify that batch, or the LR changes too much over
 * its interval: ANSWER_NOT_IDENTIFIED with the reason, and in the first case no LR. LR_EPLAN: the
 * campaign has no such axis; LR_ENOMEM. */
int campaign_fit_best_batch(const struct campaign *campaign, struct answer *answer,
                            struct lr_error *err);

#endif
