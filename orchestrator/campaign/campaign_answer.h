#ifndef LRSEARCH_CAMPAIGN_ANSWER_H
#define LRSEARCH_CAMPAIGN_ANSWER_H

#include "campaign/campaign.h"
#include "campaign/campaign_space.h"
#include "lrsearch/answer.h"
#include "search/loss_curves.h"

/* The answer from the trials so far, with cost, width, vocabulary and embedding LR filled in, and
 * transferred to the target where it differs from the trials (answer->steps). Status:
 * ANSWER_INTERRUPTED if the campaign is unfinished; ANSWER_NOT_IDENTIFIED if the trials identified
 * an optimum but the target is too far from all of them (search/laws/transfer.h); otherwise the
 * status of FINISHED.
 *
 * target.lr is the LR of the hidden matrices at model.base_width (as is trial_spec.lr). At width d
 * = m * base_width the hidden matrices train with lr under sp, and with lr / m under mup and lvp.
 * target.embedding_lr is already the LR at the target's width: embedding_lr_ratio * lr, times
 * m^-1/2 for lvp, and m^shift with an embedding_lr_exponent that is not the parametrization's. */
int campaign_answer(const struct campaign *campaign, struct answer *answer, struct lr_error *err);

/* As campaign_answer(), but interruptible (NULL: never). If interrupted, an unfinished campaign
 * gets an answer without a fit (status and cost, no LRs); a finished one fails with
 * LR_ECANCELED. */
int campaign_answer_until(const struct campaign *campaign, const struct interrupt *interrupt,
                          struct answer *answer, struct lr_error *err);

/* As campaign_answer_until(); *curves: what a report draws of the same fit (search/loss_curves.h),
 * with the target transferred as in the answer. NULL if no loss is known, if the fit was
 * interrupted, or after an error. The caller frees it with loss_curves_destroy(). The same bits for
 * the same trials. */
int campaign_answer_curves(const struct campaign *campaign, const struct interrupt *interrupt,
                           struct answer *answer, struct loss_curves **curves,
                           struct lr_error *err);

/* As campaign_answer(), with the status and reason of the trials alone, finished or not. */
int campaign_fit(const struct campaign *campaign, struct answer *answer, struct lr_error *err);

/* The search's answer for a target of `tokens` tokens with this parametrization (one of the
 * plan's); without cost, confirmations and warnings about the plan. */
int campaign_fit_for(const struct campaign *campaign, const struct interrupt *interrupt,
                     uint64_t tokens, uint32_t parametrization, struct answer *answer,
                     struct lr_error *err);

/* Transfers an answer of campaign_fit() to a model of `params` hidden parameters by the campaign's
 * own law over sizes. The caller has checked answer->joint.known. */
void campaign_transfer_size(const struct campaign *campaign, struct answer *answer, double params);

#endif
