#ifndef LRSEARCH_CAMPAIGN_H
#define LRSEARCH_CAMPAIGN_H

#include <stdbool.h>
#include "campaign/event.h"
#include "campaign/trial_state.h"
#include "lrsearch/error.h"
#include "plan/plan.h"

/* The campaign: a pure state machine over events. It decides which trials to run and when the
 * search is over. It uses no clock, no files and no network. Its driver (coordinator/, or a test)
 * does:
 *
 *     campaign_next() -> append the event to the journal -> campaign_apply() -> act
 *
 * Only campaign_apply() changes it; everything else takes a const campaign. */

struct campaign; /* owns its copies of plan and trials */

/* LR_EINVAL if the plan's search.policy is unknown; LR_ENOMEM. */
int campaign_create(struct campaign **out, const struct plan *plan, struct lr_error *err);
void campaign_destroy(struct campaign *campaign);

bool campaign_finished(const struct campaign *campaign);
/* Finished, and no trial is left open for a larger budget. */
bool campaign_is_complete(const struct campaign *campaign);
size_t campaign_trial_count(const struct campaign *campaign);
size_t campaign_open_trials(const struct campaign *campaign); /* not done, diverged or failed */
/* The first trial after `id` that is pending or lost; 0: none. From 0 on, it visits all of them. */
uint32_t campaign_next_waiting(const struct campaign *campaign, uint32_t id);
/* NULL: no such id */
const struct trial *campaign_trial(const struct campaign *campaign, uint32_t id);
/* The trial of the last attempt that failed or was lost, and which one; NULL: none. */
const struct trial *campaign_last_failed(const struct campaign *campaign, uint32_t *attempt);
uint32_t campaign_round(const struct campaign *campaign); /* 0 before the first */
double campaign_wall_s(const struct campaign *campaign);  /* sum of all CLOCK events */
uint64_t
campaign_clock_ms(const struct campaign *campaign);       /* until_ms of the last one; 0: unknown */
uint32_t campaign_ranks(const struct campaign *campaign); /* of the last session */
size_t campaign_running(const struct campaign *campaign); /* trials */
/* The trial that used up its retries with on_fail.then stop, and so stopped the campaign until the
 * next SESSION; 0: none. */
uint32_t campaign_stopped_by(const struct campaign *campaign);
const struct plan *campaign_plan(const struct campaign *campaign);

/* The journal's EVENT_CAMPAIGN; all zero before it is applied. */
const struct event_campaign *campaign_opening(const struct campaign *campaign);

/* Every start of the program on this campaign, in order. */
const struct event_session *campaign_sessions(const struct campaign *campaign, size_t *count);

/* The data that the trials of a cell train on. Cell plan_cell_count() is the target: NULL if no
 * data were prepared for it. */
const struct event_data *campaign_data(const struct campaign *campaign, size_t cell);

/* The ENDED event of a trial whose state is TRIAL_RUNNING (asserted) but whose coordinator stopped:
 * outcome LOST, abandoned, with the tokens that its loss curve shows. */
void campaign_abandon(const struct campaign *campaign, uint32_t id, struct event *event);

#endif
