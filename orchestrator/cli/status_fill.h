#ifndef LRSEARCH_STATUS_FILL_H
#define LRSEARCH_STATUS_FILL_H

#include <time.h>
#include "campaign/campaign.h"
#include "campaign/campaign_budget.h"
#include "lrsearch/error.h"
#include "report/status.h"

/* Fills a view from the campaign and from its journal's events, which record what the campaign does
 * not keep: the last session, its clock, and the trial and start time of each worker. */

struct status_began { /* a trial's last attempt */
    double clock_s;   /* the session's, when the attempt began */
    uint64_t tokens;  /* counted in the session so far */
};

struct status_session {         /* the last start of the program */
    double clock_s;             /* sum of its CLOCK events */
    time_t utc;                 /* start by its host's clock; 0: not known */
    uint64_t tokens;            /* trained in it */
    struct status_began *began; /* by trial id */
    size_t began_capacity;
};

struct status_fill { /* zeroed: no event yet */
    struct status_view view;
    struct status_session session;
    bool with_curves;           /* fit the curves of a report, too */
    struct loss_curves *curves; /* of the view's answer; NULL: none */
};

/* Call it for each event after the event was applied. 0 or LR_ENOMEM. */
int status_fill_event(struct status_fill *fill, const struct campaign *campaign,
                      const struct event *event, struct lr_error *err);
/* Fills the view; view.state must be set, and there must be a campaign. refit: trials have changed
 * since the last time. */
int status_fill_view(struct status_fill *fill, const struct campaign *campaign, bool refit,
                     struct lr_error *err);
/* What is spent of each limited budget of the plan; returns their number. */
size_t status_fill_budgets(struct status_budget budgets[STATUS_BUDGETS],
                           const struct campaign *campaign, const struct campaign_spent *spent);
void status_fill_forget(struct status_fill *fill); /* back to no event */
void status_fill_release(struct status_fill *fill);

#endif
