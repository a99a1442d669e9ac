#ifndef LRSEARCH_CAMPAIGN_NEXT_H
#define LRSEARCH_CAMPAIGN_NEXT_H

#include "campaign/campaign.h"
#include "campaign/campaign_space.h"

/* The events that campaign_next() returns. Initialise to zero; next_events_release() it. */
struct next_events {
    struct event *events; /* valid until the next call */
    size_t count, capacity;
    /* A cache, not state: at campaign->changes + 1 == unwanted_at the policy proposed nothing while
     * trials ran (0: never). It is not called again before the next change. Clearing it costs time
     * only. */
    uint64_t unwanted_at;
};
void next_events_release(struct next_events *next);

/* The events that follow from the state, as a pure function of it: the next round (ROUND and its
 * PLANNED) or FINISHED. The caller journals and applies them in order, then calls again until there
 * are none (next->count 0).
 *
 * The budget is checked before a round is planned: a round that would overspend is cut to the
 * trials that fit, in the policy's order. If none fits, or the time is used up during a round, the
 * search is over. The plan's confirmation follows, one round with purpose PURPOSE_CONFIRM, if the
 * rest of the budget allows it; then FINISHED, with status "budget_exhausted" if the search would
 * have planned more. The next SESSION reopens such a campaign, which continues if the budget is
 * larger.
 *
 * LR_EFAILURES: as many first attempts as the last SESSION says failed in the same way, more than
 * limits.max_failures attempts failed or were lost, or, with on_fail.then stop, a trial used up its
 * retries. The next SESSION ends the first and the last. LR_ECANCELED: interrupted (NULL: never); a
 * later call returns what this one would have. On failure the count is 0. */
int campaign_next(const struct campaign *campaign, const struct interrupt *interrupt,
                  struct next_events *next, struct lr_error *err);

/* Whether campaign_next() would ask the search, which may take long. False: it returns at once. */
bool campaign_next_is_long(const struct campaign *campaign, const struct next_events *next);

/* A trial of another campaign. */
struct foreign_trial {
    struct trial_spec spec;
    uint64_t wsd_prefix_tokens;
};

/* The first round of a fork: those of the other campaign's finished search trials that this plan
 * could ask for, at any LR of its range, POLICY_ROUND_MAX at most. They are evidence, although the
 * policy would choose other LRs. No events: there is none, or the first round is planned.
 * LR_EDAMAGED: the journal holds part of another first round. */
int campaign_adopt(const struct campaign *campaign, const struct foreign_trial *trials,
                   size_t count, struct next_events *next, struct lr_error *err);

/* ---- building a round; if the journal holds part of it, only the missing events remain ---- */

/* Reserves a ROUND and `trials` PLANNED events, and fills the ROUND. */
int next_events_begin(struct next_events *next, const struct campaign *campaign,
                      enum trial_purpose purpose, size_t trials, struct lr_error *err);
/* The next trial's PLANNED, filled except for its spec and wsd_prefix_tokens. */
struct event_planned *next_events_add(struct next_events *next, const struct campaign *campaign,
                                      uint32_t cell, uint32_t replicate);
/* Drops the events that the journal already holds; LR_EDAMAGED if its trials differ from these. */
int next_events_end(struct next_events *next, const struct campaign *campaign,
                    struct lr_error *err);

#endif
