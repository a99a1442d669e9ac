#ifndef LRSEARCH_CAMPAIGN_NEXT_H
#define LRSEARCH_CAMPAIGN_NEXT_H

#include "campaign/campaign.h"
#include "campaign/campaign_space.h"

/* What campaign_next() found, and its memory. All zero to begin with; next_events_release() it. */
struct next_events {
    struct event *events; /* valid until the next call */
    size_t count, capacity;
    /* A cache, not state: the policy, asked while trials run, wanted nothing more when the campaign
     * had seen so many changes (one more than campaign->changes; 0: never). It is not asked again
     * before the next change. Clearing it costs time only. */
    uint64_t unwanted_at;
};
void next_events_release(struct next_events *next);

/* Events that the state itself calls for now, a pure function of it: the next round (ROUND and its
 * PLANNED) when all trials of the last are over, or FINISHED. The caller journals and applies them
 * in order, and calls again until there are none (next->count 0).
 *
 * The budget is checked before a round is planned: a round that would overspend is cut to the
 * trials that fit, in the policy's order. When none fits, or the time is used up during a round,
 * the search is over. Then follows the plan's confirmation, one round with purpose PURPOSE_CONFIRM,
 * if the rest of the budget allows it; then FINISHED, with status "budget_exhausted" when the
 * search would have gone on. A larger budget, or the next SESSION, opens such a campaign again.
 *
 * More than limits.max_failures attempts that failed or were lost, or with on_fail.then stop one
 * trial that used up its retries: LR_EFAILURES. LR_ECANCELED when it was interrupted (NULL:
 * nothing interrupts): asked again it says what it would have said. On failure the count is 0. */
int campaign_next(const struct campaign *campaign, const struct interrupt *interrupt,
                  struct next_events *next, struct lr_error *err);

/* ---- a round of events; of one that the journal holds in part, those that are missing ---- */

/* Room for a ROUND and so many trials, and the ROUND. */
int next_events_begin(struct next_events *next, const struct campaign *campaign,
                      enum trial_purpose purpose, size_t trials, struct lr_error *err);
/* The PLANNED of the next trial, all but its spec. */
struct event_planned *next_events_add(struct next_events *next, const struct campaign *campaign,
                                      uint32_t cell, uint32_t replicate);
/* Drops what the journal holds; LR_EDAMAGED when it holds other trials than these. */
int next_events_end(struct next_events *next, const struct campaign *campaign,
                    struct lr_error *err);

#endif
