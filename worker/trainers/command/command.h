#ifndef LRSEARCH_COMMAND_H
#define LRSEARCH_COMMAND_H

#include "trainers/trainer.h"

/* trainer_run() for trainer.kind command: runs the program that place->data_path describes
 * (command_file.h) and takes the loss that it reports. place->checkpoint is told to it as
 * LRSEARCH_CHECKPOINT; place->slot says which GPUs are its own. The end of what it printed goes to
 * place->output. */
void command_trial_run(const struct trial_spec *spec, struct train_files *files,
                       const struct train_hooks *hooks, struct trial_result *result);

#endif
