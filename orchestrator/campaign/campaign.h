#ifndef LRSEARCH_CAMPAIGN_H
#define LRSEARCH_CAMPAIGN_H

#include <stdbool.h>
#include "campaign/event.h"
#include "campaign/trial_state.h"
#include "lrsearch/error.h"
#include "plan/plan.h"
#include "search/policy.h"

/* The campaign: a pure state machine over events. It decides which trials to ask for and when it is
 * over; it knows no clock, no file and no network. Whoever drives it (coordinator.c, or a test) does:
 *
 *     append the event to the journal -> campaign_apply() -> act
 *
 * campaign_apply() is the only function that changes it. */

struct campaign; /* owns its copies of plan and trials */

int campaign_create(struct campaign **out, const struct plan *plan, struct lr_error *err);
void campaign_destroy(struct campaign *campaign);

/* Applies one event. LR_EDAMAGED with a text when the event cannot follow what came before (unknown
 * trial, attempt out of order, a second result of one trial, ...): the state is then unchanged. */
int campaign_apply(struct campaign *campaign, const struct event *event, struct lr_error *err);

/* Events that the state itself calls for now: the next round (ROUND and its PLANNED) when all trials
 * of the last are over, or FINISHED. The caller journals and applies them in order, and calls again
 * until there are none. *events is the campaign's, until the next call on it.
 * The budget is checked before a round is planned: a round that would overspend is not planned, and
 * FINISHED says "budget_exhausted". Too many failures: LR_EFAILURES. */
int campaign_next(struct campaign *campaign, const struct event **events, size_t *count,
                  struct lr_error *err);

bool campaign_finished(const struct campaign *campaign);
size_t campaign_trial_count(const struct campaign *campaign);
const struct trial *campaign_trial(const struct campaign *campaign, uint32_t id); /* NULL: unknown */
uint32_t campaign_round(const struct campaign *campaign); /* 0 before the first */
const struct plan *campaign_plan(const struct campaign *campaign);

/* The EVENT_CAMPAIGN that opened the journal; kind EVENT_CAMPAIGN with empty texts before it. */
const struct event_campaign *campaign_opening(const struct campaign *campaign);

/* The answer by what is known so far, with cost, width, vocabulary and embedding LR filled in.
 * Status: that of FINISHED when finished; otherwise ANSWER_INTERRUPTED. */
int campaign_answer(const struct campaign *campaign, struct answer *answer, struct lr_error *err);

/* Tokens and trials that the policy is expected still to ask for, from its forecast; for progress
 * lines only. */
void campaign_remaining(const struct campaign *campaign, uint64_t *trials, uint64_t *tokens);

/* The search space that a plan describes (horizons point into the plan). */
struct search_space campaign_space(const struct plan *plan);
const struct policy *campaign_policy(const struct plan *plan);

#endif
