#ifndef LRSEARCH_PREPARE_COMMAND_H
#define LRSEARCH_PREPARE_COMMAND_H

#include "campaign/event.h"
#include "lrsearch/error.h"
#include "plan/plan.h"

/* For trainer.kind command. */

/* Warns when its folder or program is not on this host; the workers' may have it. */
void prepare_command_warn(const struct plan *plan);
/* For prepare_data(): trials name a file in the cache that says what the command is. */
int prepare_command(const struct plan *plan, const char *cache_dir, struct event_data *data,
                    struct lr_error *err);
/* What a trial would run, for `lrsearch check`. */
void prepare_command_print(const struct plan *plan, const struct trial_spec *spec);

#endif
