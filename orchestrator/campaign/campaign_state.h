#ifndef LRSEARCH_CAMPAIGN_STATE_H
#define LRSEARCH_CAMPAIGN_STATE_H

#include "campaign/campaign.h"

/* What a campaign is made of; for the files of this folder only. Everything in it but `events` (the
 * buffer that campaign_next() hands out) follows from the plan and the events applied. */

#define CPU_TEXT sizeof(((struct event_started *)0)->cpu)

struct campaign {
    struct plan plan;
    struct event_campaign opening;
    bool opened;
    struct event_data first_data; /* as the opening says */
    struct event_data *data;      /* of cells that have other data than the opening says */
    size_t data_count, data_capacity;
    struct trial *
        *trials; /* trials[id - 1]; each its own block, so that pointers to it stay valid */
    size_t trial_count, trial_capacity;

    uint32_t round;         /* 0: none yet */
    uint32_t round_trials;  /* as ROUND announced */
    uint32_t round_planned; /* PLANNED events of it so far */
    uint32_t round_purpose; /* enum trial_purpose */
    bool confirmed;         /* a confirmation was planned after the last trial of the search */
    bool nothing_wanted;    /* async: by the policy, until the next trial ends */

    struct event_session *sessions;
    size_t session_count, session_capacity;
    char (*cpus)[CPU_TEXT]; /* of all attempts, each once, sorted */
    size_t cpu_count, cpu_capacity;

    bool finished;
    struct event_finished end; /* the last FINISHED */

    uint32_t ranks, retries; /* of the last session */
    bool stop_on_fail;
    uint32_t stopped_by; /* trial that used up its retries then; 0: none */
    double wall_s;       /* of all sessions */

    uint32_t failures; /* attempts that failed or were lost, abandoned ones not counted */
    char last_failure[320];

    struct event *events;
    size_t event_capacity;

    bool (*interrupted)(void *context); /* as struct search_space */
    void *interrupted_context;
};

/* campaign_space_fill(), with what interrupts this campaign. */
void campaign_ask(struct campaign_space *out, const struct campaign *campaign,
                  const struct plan *plan);

/* The policy may be asked while trials run. */
bool campaign_is_async(const struct plan *plan);

static inline bool round_is_planned(const struct campaign *campaign)
{
    return campaign->round_planned == campaign->round_trials;
}

/* What the trials tell the search, in the order of their ids; those that are not over only with
 * `running`, as OBSERVED_RUNNING. *seen: lr_free() it. 0 or LR_ENOMEM. */
int campaign_observe(const struct campaign *campaign, bool running, struct observation **seen,
                     size_t *count, struct lr_error *err);

/* Summed in the order of ids, so that the order in which trials ended does not show in the last
 * bits. */
struct answer_cost campaign_cost(const struct campaign *campaign);
/* Adds to the answer what makes it doubtful but does not show in the losses. */
void campaign_doubts(const struct campaign *campaign, struct answer *answer);

/* Carries the answer over to what of the target no training had, and lists the steps. */
void campaign_transfer(const struct plan *plan, struct answer *answer);

/* The training that a proposal of the policy means. */
struct trial_spec campaign_spec(const struct campaign *campaign, const struct proposal *proposal);
/* Tokens of the longest wsd prefix that a finished training of the same recipe has left and `spec`
 * of this cell can go on from; 0: none. */
uint64_t campaign_wsd_prefix(const struct campaign *campaign, const struct trial_spec *spec,
                             uint32_t cell);

/* Tokens that a trial trains on: whole steps, where it has steps. */
uint64_t campaign_trial_tokens(const struct trial_spec *spec);

/* Trainings that are to be planned. */
struct outlay {
    uint64_t trials, tokens;
    double flops, work, longest; /* work: FLOPs, or tokens where nothing multiplies */
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

/* The part of each budget that is there for a purpose. */
double campaign_budget_share(const struct plan *plan, uint32_t purpose);
/* "6900 of 17399 tokens are used", and what of them is kept from this purpose. */
void campaign_budget_text(const struct campaign *campaign, const char *key, uint32_t purpose,
                          char *out, size_t capacity);

/* LR_EDAMAGED for a round whose other trials are not what was planned first. */
int campaign_fail_torn(const struct campaign *campaign, struct lr_error *err);

/* The spec's data, and who multiplies. */
void campaign_furnish(const struct campaign *campaign, struct trial_spec *spec,
                      const struct event_data *data);

/* Room for the events of campaign_next(), zeroed; LR_ENOMEM. */
int campaign_reserve_events(struct campaign *campaign, size_t count, struct lr_error *err);

/* The events of the next confirmation: a ROUND and its PLANNED; of one that was begun the PLANNED
 * that are missing. Returns their number; 0: there is nothing to confirm, or no budget for it, and
 * then *need says which budget would do. */
int campaign_confirm(struct campaign *campaign, struct event_finished *need, struct lr_error *err);

/* Fills answer->confirms with what the last confirmation showed. */
int campaign_confirm_answer(const struct campaign *campaign, struct answer *answer,
                            struct lr_error *err);

#endif
