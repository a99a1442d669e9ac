#ifndef LRSEARCH_CAMPAIGN_H
#define LRSEARCH_CAMPAIGN_H

#include <stdbool.h>
#include "campaign/event.h"
#include "campaign/trial_state.h"
#include "lrsearch/error.h"
#include "plan/plan.h"
#include "search/policy.h"

/* The campaign: a pure state machine over events. It decides which trials to ask for and when it is
 * over; it knows no clock, no file and no network. Whoever drives it (coordinator/, or a test)
 * does:
 *
 *     append the event to the journal -> campaign_apply() -> act
 *
 * campaign_apply() is the only function that changes it. */

struct campaign; /* owns its copies of plan and trials */

int campaign_create(struct campaign **out, const struct plan *plan, struct lr_error *err);
void campaign_destroy(struct campaign *campaign);

/* Whether the event can follow what came before: 0, or LR_EDAMAGED with a text (unknown trial,
 * attempt out of order, a second result of one trial, ...). A driver that asks before it appends
 * keeps its own mistakes out of the journal. */
int campaign_check(const struct campaign *campaign, const struct event *event,
                   struct lr_error *err);

/* Applies one event: campaign_check(), then its effect. On failure the state is unchanged.
 * limits and budget of the plan may have changed since the event was written: events that were
 * right under the old ones stay right. */
int campaign_apply(struct campaign *campaign, const struct event *event, struct lr_error *err);

/* Events that the state itself calls for now: the next round (ROUND and its PLANNED) when all
 * trials of the last are over, or FINISHED. The caller journals and applies them in order, and
 * calls again until there are none. *events is the campaign's, until the next campaign_next().
 *
 * The budget is checked before a round is planned: one that would overspend is cut to the trials
 * that fit, first asked first. When not one fits, or the time is used up in the midst of a round,
 * the search is over. Then the plan's confirmation comes, one round with purpose
 * PURPOSE_CONFIRM, if the rest of the budget allows it; then FINISHED. It says "budget_exhausted"
 * when the search would have gone on. With a larger budget, or after the next SESSION, a campaign
 * that lacked one is open again.
 *
 * More than limits.max_failures attempts that failed or were lost, or with on_fail.then stop one
 * trial that used up its retries: LR_EFAILURES. LR_ECANCELED when it was interrupted: asked again
 * it says what it would have said. On failure *count is 0. */
int campaign_next(struct campaign *campaign, const struct event **events, size_t *count,
                  struct lr_error *err);

/* Trainings of the plan's confirmation: an LR, half and twice of it, of each parametrization, with
 * each of its seeds. */
size_t campaign_confirm_trials(const struct plan *plan);

/* Whether the trial waits and may be begun: false too when the time is used up. Then attempts that
 * wait for a worker must be taken back, so that campaign_next() comes to an end. */
bool campaign_may_start(const struct campaign *campaign, uint32_t id);

/* The ENDED of a trial that is running in the books while nobody trains it, because the coordinator
 * stopped: LOST, abandoned, at the cost that its loss curve shows. LR_EINVAL when not running. */
int campaign_abandon(const struct campaign *campaign, uint32_t id, struct event *event,
                     struct lr_error *err);

bool campaign_finished(const struct campaign *campaign);
size_t campaign_trial_count(const struct campaign *campaign);
/* NULL: unknown */
const struct trial *campaign_trial(const struct campaign *campaign, uint32_t id);
uint32_t campaign_round(const struct campaign *campaign); /* 0 before the first */
double campaign_wall_s(const struct campaign *campaign);  /* of all sessions, by their CLOCKs */
const struct plan *campaign_plan(const struct campaign *campaign);

/* The EVENT_CAMPAIGN that opened the journal; kind EVENT_CAMPAIGN with empty texts before it. */
const struct event_campaign *campaign_opening(const struct campaign *campaign);

/* Every start of the program on this campaign, the first one first. */
const struct event_session *campaign_sessions(const struct campaign *campaign, size_t *count);

/* What the trials of a cell train on; of the target with cell plan_cell_count(), NULL when no data
 * were made ready for it. */
const struct event_data *campaign_data(const struct campaign *campaign, size_t cell);

/* The answer by what is known so far, with cost, width, vocabulary and embedding LR filled in, and
 * carried over to the target where it differs from the trials (answer->steps).
 * Status: that of FINISHED when finished, if its target is not too far from all that was trained
 * (search/transfer.h); otherwise ANSWER_INTERRUPTED.
 *
 * target.lr is the LR of the hidden matrices at model.base_width (as trial_spec.lr is): a target of
 * width d = m * base_width uses it as the parametrization says (for hidden matrices sp: as it is;
 * mup and lvp: divided by m). target.embedding_lr is already the one at the target's width:
 * embedding_lr_ratio * lr, times m^-1/2 for lvp. */
int campaign_answer(const struct campaign *campaign, struct answer *answer, struct lr_error *err);

/* What interrupts campaign_next(), campaign_fit() and campaign_answer() (as `interrupted` of struct
 * search_space). An interrupted campaign_answer() of a campaign that is not finished is one without
 * a fit: status, cost, and no LRs. NULL: nothing. */
void campaign_interruptible(struct campaign *campaign, bool (*interrupted)(void *context),
                            void *context);

/* The same, with the status and the reason that the trials give, finished or not. */
int campaign_fit(const struct campaign *campaign, struct answer *answer, struct lr_error *err);

/* Carries an answer of campaign_fit() over to a model of so many hidden parameters, by the
 * campaign's own law over sizes; answer->joint.known is asked before. */
void campaign_transfer_size(const struct campaign *campaign, struct answer *answer, double params);

/* What the search says of a target of so many tokens with this parametrization (one of the plan's);
 * without cost, confirmations and what makes the plan doubtful. */
int campaign_fit_for(const struct campaign *campaign, uint64_t tokens, uint32_t parametrization,
                     struct answer *answer, struct lr_error *err);

/* What all attempts that ended took of the budget, lost ones too; wall_s: of all sessions, as far
 * as their clock was written down. */
struct campaign_spent {
    uint64_t tokens, trials;
    double flops, core_hours, wall_s;
};
struct campaign_spent campaign_spent(const struct campaign *campaign);

/* Tokens and trials that the policy is expected still to ask for, from its forecast; for progress
 * lines only. */
void campaign_remaining(const struct campaign *campaign, uint64_t *trials, uint64_t *tokens);

/* The search space that a plan describes. It points into the plan and into this struct. */
struct campaign_space {
    struct search_space space;
    struct search_cell cells[SEARCH_CELLS];
};
void campaign_space_fill(struct campaign_space *out, const struct plan *plan);
const struct policy *campaign_policy(const struct plan *plan);

#endif
