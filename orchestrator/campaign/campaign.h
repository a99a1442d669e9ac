#ifndef LRSEARCH_CAMPAIGN_H
#define LRSEARCH_CAMPAIGN_H

#include <stdbool.h>
#include "campaign/event.h"
#include "campaign/trial_state.h"
#include "lrsearch/error.h"
#include "plan/plan.h"

/* The campaign: a pure state machine over events. It decides which trials to ask for and when it is
 * over; it knows no clock, no file and no network. Whoever drives it (coordinator/, or a test)
 * does:
 *
 *     campaign_next() -> append the event to the journal -> campaign_apply() -> act
 *
 * Only campaign_apply() changes it; everything else takes a const campaign. */

struct campaign; /* owns its copies of plan and trials */

/* LR_EINVAL when the plan's search.policy is none, LR_ENOMEM. */
int campaign_create(struct campaign **out, const struct plan *plan, struct lr_error *err);
void campaign_destroy(struct campaign *campaign);

bool campaign_finished(const struct campaign *campaign);
/* Finished, and no trial was left for a larger budget. */
bool campaign_is_complete(const struct campaign *campaign);
size_t campaign_trial_count(const struct campaign *campaign);
size_t campaign_open_trials(const struct campaign *campaign); /* that are not over */
/* NULL: unknown */
const struct trial *campaign_trial(const struct campaign *campaign, uint32_t id);
uint32_t campaign_round(const struct campaign *campaign); /* 0 before the first */
double campaign_wall_s(const struct campaign *campaign);  /* of all sessions, by their CLOCKs */
const struct plan *campaign_plan(const struct campaign *campaign);

/* The EVENT_CAMPAIGN that opened the journal; with empty texts before it. */
const struct event_campaign *campaign_opening(const struct campaign *campaign);

/* Every start of the program on this campaign, the first one first. */
const struct event_session *campaign_sessions(const struct campaign *campaign, size_t *count);

/* What the trials of a cell train on; of the target with cell plan_cell_count(), NULL when no data
 * were made ready for it. */
const struct event_data *campaign_data(const struct campaign *campaign, size_t cell);

/* The ENDED of a trial that is running in the books (the caller checks that) while nobody trains
 * it, because the coordinator stopped: LOST, abandoned, at the cost that its loss curve shows. */
void campaign_abandon(const struct campaign *campaign, uint32_t id, struct event *event);

#endif
