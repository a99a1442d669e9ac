#ifndef LRSEARCH_STATUS_FILL_H
#define LRSEARCH_STATUS_FILL_H

#include <time.h>
#include "campaign/campaign.h"
#include "lrsearch/error.h"
#include "report/status.h"

/* Fills a view from the campaign and from its journal's events, which tell what the campaign does not
 * keep: the last start of the program, its clock, and who trains what since when. */

struct status_began { /* a trial's last attempt */
    double clock_s;   /* of the session, when it began */
    uint64_t tokens;  /* of it that the session has counted */
};

struct status_session {         /* the last start of the program */
    double clock_s;             /* by the journal */
    time_t utc;                 /* its beginning by its host's clock; 0: not known */
    uint64_t tokens;            /* trained in it */
    struct status_began *began; /* by trial id */
    size_t began_capacity;
};

struct status_fill { /* zeroed: no event yet */
    struct status_view view;
    struct status_session session;
};

/* To be told of each event after it was applied. 0 or LR_ENOMEM. */
int status_fill_event(struct status_fill *fill, const struct campaign *campaign,
                      const struct event *event, struct lr_error *err);
/* Fills the view, whose state is known; refit: there are other trials than at the last time. */
int status_fill_view(struct status_fill *fill, const struct campaign *campaign, bool refit,
                     struct lr_error *err);
void status_fill_forget(struct status_fill *fill); /* as if no event had been told */
void status_fill_release(struct status_fill *fill);

#endif
