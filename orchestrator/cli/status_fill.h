#ifndef LRSEARCH_STATUS_FILL_H
#define LRSEARCH_STATUS_FILL_H

#include "lrsearch/error.h"
#include "report/status_view.h"

/* Looks at a campaign from outside: its files are read, and nothing is asked of whoever runs it. */

struct status_watch; /* what is known of it so far; the journal is read on from there */

int status_watch_create(struct status_watch **out, const char *run_dir, struct lr_error *err);
void status_watch_destroy(struct status_watch *watch);

/* Reads what is new and fills the view, which is the watch's until the next look. *changed: more
 * than time and losses under way. LR_EDATA: it is no run's directory, or nobody began a campaign in
 * it. */
int status_watch_look(struct status_watch *watch, const struct status_view **view, bool *changed,
                      struct lr_error *err);

/* The view as JSON, for programs (README.md describes it). 0 or LR_ENOMEM. */
int status_print_json(const struct status_view *view, struct lr_error *err);

#endif
