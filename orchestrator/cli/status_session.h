#ifndef LRSEARCH_STATUS_SESSION_H
#define LRSEARCH_STATUS_SESSION_H

#include <time.h>
#include "campaign/campaign.h"
#include "lrsearch/error.h"
#include "report/status_view.h"

/* What a journal tells that the campaign does not keep: the last start of the program, its clock,
 * who trains what since when, and how much was trained in it. */

struct status_began { /* a trial's last attempt */
    double clock_s;   /* of the session, when it began */
    uint64_t tokens;  /* of it that the session has counted */
};

struct status_session {            /* zeroed: no event yet */
    uint32_t count;                /* starts so far */
    double clock_s;                /* by the journal */
    time_t utc;                    /* its beginning by its host's clock; 0: not known */
    uint64_t tokens;               /* trained in it */
    struct status_worker *workers; /* by rank, from 1; without what the trial itself tells */
    size_t worker_count;
    struct status_began *began; /* by trial id */
    size_t began_capacity;
};

/* To be told of each event after it was applied. 0 or LR_ENOMEM. */
int status_session_event(struct status_session *session, const struct campaign *campaign,
                         const struct event *event, struct lr_error *err);
/* Seconds of a session that runs, until now. */
double status_session_elapsed(const struct status_session *session);
/* NULL without memory. */
struct status_began *status_session_began(struct status_session *session, uint32_t trial_id);
void status_session_clear(struct status_session *session);

#endif
