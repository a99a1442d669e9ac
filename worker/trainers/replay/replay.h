#ifndef LRSEARCH_REPLAY_H
#define LRSEARCH_REPLAY_H

#include "trainers/trainer.h"

/* trainer_run() for trainer.kind replay: a training that was done before. Its loss comes from the
 * table at place->data_path (data/sweep.h). Seed k takes the k-th of the table's seeds, and goes
 * round them. Done, diverged, or refused where the table ends; failed, with files->err, when it
 * cannot be read. */
void replay_run(const struct trial_spec *spec, struct train_files *files,
                const struct train_hooks *hooks, struct trial_result *result);

#endif
