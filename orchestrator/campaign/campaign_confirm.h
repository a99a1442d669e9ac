#ifndef LRSEARCH_CAMPAIGN_CONFIRM_H
#define LRSEARCH_CAMPAIGN_CONFIRM_H

#include "campaign/campaign_next.h"

/* Trainings of the plan's confirmation: an LR, half and twice of it, of each parametrization, with
 * each of its seeds. */
size_t campaign_confirm_trials(const struct plan *plan);

/* The events of the next confirmation: a ROUND and its PLANNED; of one that was begun the PLANNED
 * that are missing. None when there is nothing to confirm, or no budget for it, and then *need says
 * which budget would do. */
int campaign_confirm(const struct campaign *campaign, const struct interrupt *interrupt,
                     struct next_events *next, struct event_finished *need, struct lr_error *err);

/* Fills answer->confirms with what the last confirmation showed. */
int campaign_confirm_answer(const struct campaign *campaign, const struct interrupt *interrupt,
                            struct answer *answer, struct lr_error *err);

#endif
