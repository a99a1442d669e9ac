#ifndef LRSEARCH_SIMULATE_H
#define LRSEARCH_SIMULATE_H

#include "trainers/trainer.h"

/* trainer_run() for trainer.kind simulate: a training that is made up from spec->simulate
 * (loss_surface.h), to try a plan, or the program itself, without training. It takes no time;
 * result->seconds is virtual. An attempt may crash, and the next one then works: files->err says so
 * behind OUTCOME_FAILED. */
void simulate_run(const struct trial_spec *spec, struct train_files *files,
                  const struct train_hooks *hooks, struct trial_result *result);

#endif
