#ifndef LRSEARCH_CAMPAIGN_STATE_H
#define LRSEARCH_CAMPAIGN_STATE_H

#include "campaign/campaign.h"

/* What a campaign is made of; for the files of this folder only. All of it follows from the plan
 * and the events applied, and campaign_apply.c alone writes to it. */

#define CPU_TEXT sizeof(((struct event_started *)0)->cpu)

struct campaign {
    struct plan plan;
    struct event_campaign opening;
    bool opened;
    struct event_data first_data; /* as the opening says */
    struct event_data *data;      /* of cells that have other data than the opening says */
    size_t data_count, data_capacity;
    /* trials[id - 1]; each its own block, so that pointers to it stay valid */
    struct trial **trials;
    size_t trial_count, trial_capacity;

    uint32_t round;         /* 0: none yet */
    uint32_t round_trials;  /* as ROUND announced */
    uint32_t round_planned; /* PLANNED events of it so far */
    uint32_t round_purpose; /* enum trial_purpose */
    bool confirmed;         /* a confirmation was planned after the last trial of the search */
    uint64_t changes;       /* SESSIONs and ENDEDs: what may change a policy's mind */

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
};

static inline bool round_is_planned(const struct campaign *campaign)
{
    return campaign->round_planned == campaign->round_trials;
}

/* Trials of the last round that the journal holds, where it does not hold all of them. */
static inline size_t torn_trials(const struct campaign *campaign)
{
    return round_is_planned(campaign) ? 0 : campaign->round_planned;
}

#endif
