#ifndef LRSEARCH_REPLAY_H
#define LRSEARCH_REPLAY_H

#include "trainers/trainer.h"

/* trainer_run() for trainer.kind replay: takes the loss from a table of earlier trainings at
 * place->data_path (data/sweep.h). Seed k takes the k-th of the table's seeds, modulo their number.
 * Done, diverged, or refused outside the table; failed, with files->err, if the table cannot be
 * read. */
void replay_run(const struct trial_spec *spec, struct train_files *files,
                const struct train_hooks *hooks, struct trial_result *result);

#endif
