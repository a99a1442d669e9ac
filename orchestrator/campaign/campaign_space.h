#ifndef LRSEARCH_CAMPAIGN_SPACE_H
#define LRSEARCH_CAMPAIGN_SPACE_H

#include "campaign/campaign.h"
#include "search/policy.h"

/* Between campaign and search, which sees numbers only: a plan as a search space, trials as
 * observations, proposals as trials. */

/* What may end a long decision or fit early, which then is LR_ECANCELED: as `interrupted` of struct
 * search_space. */
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

const struct policy *campaign_policy(const struct plan *plan); /* NULL: unknown */
/* The policy may be asked while trials run. */
bool campaign_is_async(const struct plan *plan);

/* What the trials tell the search, in the order of their ids; those that are not over only with
 * `running`, as OBSERVED_RUNNING. *seen: lr_free() it. 0 or LR_ENOMEM. */
int campaign_observe(const struct campaign *campaign, bool running, struct observation **seen,
                     size_t *count, struct lr_error *err);

/* search_answer() of the trials that are over, for a target of so many tokens with this
 * parametrization (one of the plan's). */
int campaign_search_answer(const struct campaign *campaign, const struct interrupt *interrupt,
                           uint64_t tokens, uint32_t parametrization, struct answer *answer,
                           struct lr_error *err);

/* The training that a proposal of the policy means. */
struct trial_spec campaign_spec(const struct campaign *campaign, const struct proposal *proposal);
/* Tokens of the longest wsd prefix that a finished training of the same recipe has left and `spec`
 * of this cell can go on from; 0: none. */
uint64_t campaign_wsd_prefix(const struct campaign *campaign, const struct trial_spec *spec,
                             uint32_t cell);
/* Sets the spec's data and the library of its matrix products. */
void campaign_set_data(const struct campaign *campaign, struct trial_spec *spec,
                       const struct event_data *data);

#endif
