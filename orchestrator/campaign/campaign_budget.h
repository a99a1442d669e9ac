#ifndef LRSEARCH_CAMPAIGN_BUDGET_H
#define LRSEARCH_CAMPAIGN_BUDGET_H

#include "campaign/campaign.h"

/* What was spent of the budget, and whether trainings fit into the rest. */

/* By all attempts that ended, lost ones too; wall_s: of all sessions, as far as their clock was
 * written down. */
struct campaign_spent {
    uint64_t tokens, trials;
    double flops, core_hours, wall_s;
};
struct campaign_spent campaign_spent(const struct campaign *campaign);

/* Tokens and trials that the policy is expected still to ask for, from its forecast; for progress
 * lines only. */
void campaign_remaining(const struct campaign *campaign, uint64_t *trials, uint64_t *tokens);

/* Whether the trial waits and may be begun: false too when the time is used up. Then attempts that
 * wait for a worker must be taken back, so that campaign_next() comes to an end. */
bool campaign_may_start(const struct campaign *campaign, uint32_t id);

/* Trainings that are to be planned. */
struct outlay {
    uint64_t trials, tokens;
    double flops, work, longest; /* work: FLOPs, or tokens where they are not known */
};
/* wsd_prefix_tokens: of each, that need not be trained. */
void outlay_add(struct outlay *outlay, const struct trial_spec *spec, uint64_t wsd_prefix_tokens,
                uint64_t trials);

/* The budget with which `next` would fit beside all that was spent and planned (the need_ fields;
 * the others are empty). */
struct event_finished campaign_budget_need(const struct campaign *campaign,
                                           const struct outlay *next, uint32_t purpose);

/* Whether a budget of the plan is too small for what is needed (0 in the plan: no limit). Returns
 * the name of the plan's key, or NULL when all is well. */
const char *campaign_budget_short(const struct plan *plan, const struct event_finished *need);

/* Whether no training of this purpose may be begun any more, because the time is used up; the key
 * and, unless NULL, what is used by now. */
const char *campaign_time_over(const struct campaign *campaign, uint32_t purpose,
                               struct event_finished *need);

/* "6900 of 17399 tokens are used", and what of them is kept from this purpose. */
void campaign_budget_text(const struct campaign *campaign, const char *key, uint32_t purpose,
                          char *out, size_t capacity);

#endif
