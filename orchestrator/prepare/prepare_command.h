#ifndef LRSEARCH_PREPARE_COMMAND_H
#define LRSEARCH_PREPARE_COMMAND_H

#include "campaign/event.h"
#include "lrsearch/error.h"
#include "plan/plan.h"

/* For trainer.kind command. */

/* Warns when trainer.cwd or the program is missing on this host; the workers' hosts may have it. */
void prepare_command_warn(const struct plan *plan);
/* Writes the setup to a file in the cache, whose path and hash *data receives; warns as above. */
int prepare_command(const struct plan *plan, const char *cache_dir, struct event_data *data,
                    struct lr_error *err);
/* Prints what a trial would run, for `lrsearch check`. */
void prepare_command_print(const struct plan *plan, const struct trial_spec *spec);

#endif
