#ifndef LRSEARCH_CAMPAIGN_CONFIRM_H
#define LRSEARCH_CAMPAIGN_CONFIRM_H

#include "campaign/campaign_next.h"

/* Number of trials in a confirmation: half the LR, the LR and twice it, for each parametrization
 * and seed. */
size_t campaign_confirm_trials(const struct plan *plan);

/* The events of the next confirmation: ROUND and its PLANNED events, or only the missing PLANNED
 * events if the journal holds part of it. None if there is nothing to confirm or the budget is too
 * small; then *need is the budget it needs. */
int campaign_confirm(const struct campaign *campaign, const struct interrupt *interrupt,
                     struct next_events *next, struct event_finished *need, struct lr_error *err);

/* Fills answer->confirms from the trials of the last confirmation. */
int campaign_confirm_answer(const struct campaign *campaign, const struct interrupt *interrupt,
                            struct answer *answer, struct lr_error *err);

#endif
