#ifndef LRSEARCH_STATUS_WATCH_H
#define LRSEARCH_STATUS_WATCH_H

#include "lrsearch/error.h"
#include "report/status_view.h"

/* Looks at a campaign from outside: its files are read, and nothing is asked of whoever runs it. */

struct status_watch; /* what is known of it so far */

int status_watch_create(struct status_watch **out, const char *run_dir, struct lr_error *err);
void status_watch_destroy(struct status_watch *watch);

/* Reads what is new and fills the view, which is the watch's until the next look. *changed: more
 * than time and losses under way. LR_EDATA: it is no run's directory, or nobody began a campaign in
 * it. */
int status_watch_look(struct status_watch *watch, const struct status_view **view, bool *changed,
                      struct lr_error *err);

#endif
