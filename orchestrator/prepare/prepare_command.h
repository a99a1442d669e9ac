#ifndef LRSEARCH_PREPARE_COMMAND_H
#define LRSEARCH_PREPARE_COMMAND_H

#include "campaign/event.h"
#include "lrsearch/error.h"
#include "lrsearch/placeholder.h"
#include "plan/plan.h"

/* For trainer.kind command. */

/* Warns when trainer.cwd or the program is missing on this host; the workers' hosts may have it. */
void prepare_command_warn(const struct plan *plan);
/* Writes the setup to a file in the cache, whose path and hash *data receives; warns as above. */
int prepare_command(const struct plan *plan, const char *cache_dir, struct event_data *data,
                    struct lr_error *err);
/* What a trial's command is for a caller who runs it himself: argv and env, "NAME=VALUE", end with
 * NULL; env has what the plan and the trial give, without the host's variables and without GPUs. */
struct trial_command {
    char **argv, **env;
    char cwd[2 * TRIAL_PATH];
};
/* prepare_command_release() *out, also after an error. */
int prepare_command_expand(struct trial_command *out, const struct plan *plan,
                           const struct placeholder_trial *trial, struct lr_error *err);
void prepare_command_release(struct trial_command *out);
/* Prints what a trial would run, for `lrsearch check`. */
void prepare_command_print(const struct plan *plan, const struct trial_spec *spec);

#endif
