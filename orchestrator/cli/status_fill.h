#ifndef LRSEARCH_STATUS_FILL_H
#define LRSEARCH_STATUS_FILL_H

#include "campaign/campaign.h"
#include "cli/status_session.h"
#include "lrsearch/error.h"
#include "report/status_view.h"

/* Fills the view, whose state is known; refit: there are other trials than at the last time. The
 * workers stay the session's, the points are the view's (lr_free()). */
int status_fill(struct status_view *view, const struct campaign *campaign,
                struct status_session *session, bool refit, struct lr_error *err);

#endif
