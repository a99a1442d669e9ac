#ifndef LRSEARCH_PREPARE_COMMAND_H
#define LRSEARCH_PREPARE_COMMAND_H

#include "cli/prepare.h"

/* For trainer.kind command. */

/* Whether its folder and program are there, on this host: LR_EDATA says what is not. */
int prepare_command_check(const struct plan *plan, struct lr_error *err);
/* For prepare_data(): trials name a file in the cache that says what the command is. */
int prepare_command(const struct prepare *prepare, struct event_data *data, struct lr_error *err);
/* What a trial would run, for `lrsearch check`. */
void prepare_command_print(const struct plan *plan, const struct trial_spec *spec);

#endif
