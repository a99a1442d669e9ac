#ifndef LRSEARCH_CAMPAIGN_STATE_H
#define LRSEARCH_CAMPAIGN_STATE_H

#include "campaign/campaign.h"

/* The fields of a campaign, for the files of this folder only. All of them follow from the plan and
 * the applied events; only campaign_apply.c writes them. */

#define CPU_TEXT sizeof(((struct event_started *)0)->cpu)

/* More workers than limits.max_failures (10 by default) can say so of. */
#define FIRST_RANKS 16

/* What the attempts of trials cost, lost ones included. */
struct spent {
    uint64_t tokens, trials; /* trials: but those whose result was taken over */
    double flops, seconds;
};

struct campaign {
    struct plan plan;
    struct event_campaign opening;
    bool opened;
    struct event_data first_data; /* from the CAMPAIGN event */
    struct event_data *data;      /* of cells with other data than the CAMPAIGN event's */
    size_t data_count, data_capacity;
    /* trials[id - 1]; each is allocated separately, so pointers to it stay valid */
    struct trial **trials;
    size_t trial_count, trial_capacity;

    /* All of this follows from the trials. It is kept so that an event costs the same after
     * 100,000 trials as at first. */
    size_t counts[TRIAL_PURPOSES][TRIAL_STATES];
    uint64_t planned[PLAN_HORIZONS]; /* trials of the search, by horizon */
    uint64_t *waiting;               /* bit id - 1: that trial is pending or lost; 64 in a word */
    size_t waiting_capacity;
    size_t settled;             /* the first so many trials are over */
    struct spent settled_spent; /* by these, summed in the order of ids: the last bits of a sum must
                                   not depend on the order in which trials ended */
    const char *time_over[TRIAL_PURPOSES]; /* key of the budget of time that is used up, or NULL */
    double least_pace; /* seconds per unit of work of the fastest trial that is done; 0: none is */

    uint32_t round;         /* 0: none yet */
    uint32_t round_trials;  /* as given in ROUND */
    uint32_t round_planned; /* PLANNED events of this round so far */
    uint32_t round_purpose; /* enum trial_purpose */
    bool round_is_early;    /* it was planned while trials of earlier ones were open */
    bool confirmed;         /* a confirmation was planned after the last trial of the search */
    uint64_t changes;       /* SESSION and ENDED events, after which the policy may decide anew */

    struct event_session *sessions;
    size_t session_count, session_capacity;
    char (*cpus)[CPU_TEXT]; /* of all attempts, each once, sorted */
    size_t cpu_count, cpu_capacity;

    bool finished;
    struct event_finished end; /* the last FINISHED */

    uint32_t ranks, retries; /* of the last session */
    bool stop_on_fail;
    uint32_t stopped_by; /* trial that used up its retries with stop_on_fail; 0: none */
    double wall_s;       /* of all sessions */
    uint64_t clock_ms;   /* until_ms of the last CLOCK */

    uint32_t failures; /* attempts that failed or were lost, abandoned ones not counted */
    char last_failure[320];
    uint32_t failed_trial, failed_attempt; /* of it; 0: none */

    uint32_t first_failures; /* of the last session */
    struct {
        uint32_t count; /* attempts that failed in the same way, before any ended otherwise */
        bool over;      /* one has ended otherwise */
        char way[256];  /* see failure_way() */
        uint32_t ranks[FIRST_RANKS]; /* workers on which they failed */
        size_t rank_count;
    } first;
};

static inline size_t count_waiting(const struct campaign *campaign, enum trial_purpose purpose)
{
    return campaign->counts[purpose][TRIAL_PENDING] + campaign->counts[purpose][TRIAL_LOST];
}

static inline size_t count_running(const struct campaign *campaign)
{
    return campaign->counts[PURPOSE_SEARCH][TRIAL_RUNNING] +
           campaign->counts[PURPOSE_CONFIRM][TRIAL_RUNNING];
}

static inline bool round_is_planned(const struct campaign *campaign)
{
    return campaign->round_planned == campaign->round_trials;
}

/* Trials of a last round that the journal holds only in part; 0: it is complete. */
static inline size_t torn_trials(const struct campaign *campaign)
{
    return round_is_planned(campaign) ? 0 : campaign->round_planned;
}

/* The first attempts of all have failed in the same way. */
static inline bool first_attempts_failed(const struct campaign *campaign)
{
    return campaign->first_failures > 0 && !campaign->first.over &&
           campaign->first.count >= campaign->first_failures;
}

/* The same, and what runs is on workers where one of them did. */
bool campaign_failed_alike(const struct campaign *campaign);

#endif
