#ifndef LRSEARCH_SIMULATE_H
#define LRSEARCH_SIMULATE_H

#include "trainers/trainer.h"

/* trainer_run() for trainer.kind simulate: computes the loss from the surface spec->simulate
 * (loss_surface.h), to try a plan or the program itself without training. It returns at once;
 * result->seconds is virtual. An attempt may crash (OUTCOME_FAILED with files->err); each attempt
 * draws anew. */
void simulate_run(const struct trial_spec *spec, struct train_files *files,
                  const struct train_hooks *hooks, struct trial_result *result);

#endif
