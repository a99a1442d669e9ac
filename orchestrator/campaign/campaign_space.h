#ifndef LRSEARCH_CAMPAIGN_SPACE_H
#define LRSEARCH_CAMPAIGN_SPACE_H

#include "campaign/campaign.h"
#include "search/loss_curves.h"
#include "search/policy.h"

/* Converts between campaign and search, which uses numbers only: a plan to a search space, trials
 * to observations, proposals to trials. */

/* Ends a long decision or fit early with LR_ECANCELED once asked(context) is true. It is called
 * many times a second, and must stay true until the call has returned. */
struct interrupt {
    bool (*asked)(void *context);
    void *context;
};

/* The search space that a plan describes. It points into the plan and into this struct. */
struct campaign_space {
    struct search_space space;
    struct search_cell cells[SEARCH_CELLS];
};
void campaign_space_fill(struct campaign_space *out, const struct plan *plan);
void campaign_space_interrupt(struct campaign_space *space, const struct interrupt *interrupt);

const struct policy *campaign_policy(const struct plan *plan); /* NULL: unknown policy */
/* The policy may run while trials run. */
bool campaign_is_async(const struct plan *plan);

/* The trials as observations, in the order of their ids; trials that are not over are included only
 * if `running`, as OBSERVED_RUNNING. The caller frees *seen with lr_free(). 0 or LR_ENOMEM. */
int campaign_observe(const struct campaign *campaign, bool running, struct observation **seen,
                     size_t *count, struct lr_error *err);

/* search_answer() of the trials that are over, for a target of `tokens` tokens with this
 * parametrization (one of the plan's). curves: NULL, or as of search_answer_curves(). */
int campaign_search_answer(const struct campaign *campaign, const struct interrupt *interrupt,
                           uint64_t tokens, uint32_t parametrization, struct answer *answer,
                           struct loss_curves **curves, struct lr_error *err);

/* The range of a ratio; low = high: fixed. That of the weight decay is the plan's, before
 * training.decay_rule; a fixed one is that of the target. */
struct ratio_range campaign_ratio_range(const struct plan *plan, enum answer_ratio ratio);
/* The ratio that was proposed for a trial; for a weight decay that is not searched the range's. */
double campaign_ratio(const struct plan *plan, const struct trial_spec *spec,
                      enum answer_ratio ratio);
/* Sets a trial's ratios and weight decay; horizon and batch are set. A weight decay that is not
 * searched is the spec's own until then, as in the plan. */
void campaign_set_ratios(const struct plan *plan, struct trial_spec *spec,
                         const double ratios[RATIO_COUNT]);

/* The trial that a proposal of the policy describes. */
struct trial_spec campaign_spec(const struct campaign *campaign, const struct proposal *proposal);
/* Tokens of the longest wsd prefix that a finished trial of the same recipe left and from which
 * `spec` in this cell can continue; 0: none. */
uint64_t campaign_wsd_prefix(const struct campaign *campaign, const struct trial_spec *spec,
                             uint32_t cell);
/* Sets the spec's data and the library of its matrix products. */
void campaign_set_data(const struct campaign *campaign, struct trial_spec *spec,
                       const struct event_data *data);

#endif
