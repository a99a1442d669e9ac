#ifndef LRSEARCH_COMMAND_H
#define LRSEARCH_COMMAND_H

#include "trainers/trainer.h"

/* trainer_run() for trainer.kind command: runs the program that the file place->data_path describes
 * (command_file.h) and takes the loss that it reports. The program gets place->checkpoint as
 * LRSEARCH_CHECKPOINT and the GPUs of place->slot. The last lines of its output go to
 * place->output. */
void command_trial_run(const struct trial_spec *spec, struct train_files *files,
                       const struct train_hooks *hooks, struct trial_result *result);

#endif
