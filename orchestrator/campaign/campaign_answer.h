#ifndef LRSEARCH_CAMPAIGN_ANSWER_H
#define LRSEARCH_CAMPAIGN_ANSWER_H

#include "campaign/campaign.h"
#include "campaign/campaign_space.h"
#include "lrsearch/answer.h"

/* The answer by what is known so far, with cost, width, vocabulary and embedding LR filled in, and
 * carried over to the target where it differs from the trials (answer->steps).
 * Status: that of FINISHED when finished, if its target is not too far from all that was trained
 * (search/laws/transfer.h); otherwise ANSWER_INTERRUPTED.
 *
 * target.lr is the LR of the hidden matrices at model.base_width (as trial_spec.lr is): a target of
 * width d = m * base_width uses it as the parametrization says (for hidden matrices sp: as it is;
 * mup and lvp: divided by m). target.embedding_lr is already the one at the target's width:
 * embedding_lr_ratio * lr, times m^-1/2 for lvp. */
int campaign_answer(const struct campaign *campaign, struct answer *answer, struct lr_error *err);

/* The same until it is interrupted (NULL: never): then, of a campaign that is not finished, an
 * answer without a fit (status, cost, and no LRs), otherwise LR_ECANCELED. */
int campaign_answer_until(const struct campaign *campaign, const struct interrupt *interrupt,
                          struct answer *answer, struct lr_error *err);

/* The same, with the status and the reason that the trials give, finished or not. */
int campaign_fit(const struct campaign *campaign, struct answer *answer, struct lr_error *err);

/* What the search says of a target of so many tokens with this parametrization (one of the plan's);
 * without cost, confirmations and warnings about the plan. */
int campaign_fit_for(const struct campaign *campaign, const struct interrupt *interrupt,
                     uint64_t tokens, uint32_t parametrization, struct answer *answer,
                     struct lr_error *err);

/* Carries an answer of campaign_fit() over to a model of so many hidden parameters, by the
 * campaign's own law over sizes, which the caller has found known (answer->joint.known). */
void campaign_transfer_size(const struct campaign *campaign, struct answer *answer, double params);

#endif
