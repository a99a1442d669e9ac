#ifndef LRSEARCH_CAMPAIGN_BUDGET_H
#define LRSEARCH_CAMPAIGN_BUDGET_H

#include "campaign/campaign.h"

/* The budget used so far, and whether trials fit into the rest. */

/* Over all attempts that ended, lost ones included. wall_s: sum of all CLOCK events. */
struct campaign_spent {
    uint64_t tokens, trials;
    double flops, core_hours, wall_s;
};
struct campaign_spent campaign_spent(const struct campaign *campaign);

/* Tokens and trials that are still to come by the policy's forecast; for progress lines only. */
void campaign_remaining(const struct campaign *campaign, uint64_t *trials, uint64_t *tokens);

/* Whether the trial waits and may start; false while its round is planned in part, and once the
 * time is used up. Then the caller withdraws queued attempts, so that campaign_next() ends. */
bool campaign_may_start(const struct campaign *campaign, uint32_t id);

/* The cost of trials that are to be planned. */
struct outlay {
    uint64_t trials, tokens;
    double flops, work, longest; /* work: FLOPs, or tokens if unknown; longest: work of one trial */
};
/* Adds `trials` trials of this spec. wsd_prefix_tokens: tokens of each that are already trained. */
void outlay_add(struct outlay *outlay, const struct trial_spec *spec, uint64_t wsd_prefix_tokens,
                uint64_t trials);

/* All that is spent, and that planned trials which are not over will cost. */
struct commitment {
    struct event_finished used; /* only the need_ fields */
    struct outlay planned;
};
struct commitment campaign_committed(const struct campaign *campaign, uint32_t purpose);

/* The budget that `next` needs beside it (only the need_ fields are set). */
struct event_finished campaign_budget_need(const struct campaign *campaign,
                                           const struct commitment *committed,
                                           const struct outlay *next);

/* The key of the first budget of the plan that is smaller than `need` (0 in the plan: no limit);
 * NULL: all suffice. */
const char *campaign_budget_short(const struct plan *plan, const struct event_finished *need);

/* The budget key if the time for trials of this purpose is used up, otherwise NULL. With a key,
 * *need (may be NULL) is set to what is used. */
const char *campaign_time_over(const struct campaign *campaign, uint32_t purpose,
                               struct event_finished *need);

/* "6900 of 17399 tokens are used", plus the share that is kept back from this purpose. */
void campaign_budget_text(const struct campaign *campaign, const char *key, uint32_t purpose,
                          char *out, size_t capacity);

/* ---- for campaign_apply.c ---- */

struct spent;
void campaign_add_spent(struct spent *sum, const struct trial *trial);
/* The pace of a trial that is done. */
void campaign_note_pace(struct campaign *campaign, const struct trial_result *result);

#endif
