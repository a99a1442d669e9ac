#ifndef LRSEARCH_SIMULATE_H
#define LRSEARCH_SIMULATE_H

#include "lrsearch/error.h"
#include "lrsearch/trial.h"

/* A training that is made up from spec->surface (loss_surface.h), to try a plan, or the program
 * itself, without training: its end into *result, which holds no numbers yet. It takes no time;
 * result->seconds is virtual. An attempt may crash, and the next one then works: *err says so
 * behind OUTCOME_FAILED. */
void simulate_run(const struct trial_spec *spec, uint32_t attempt, struct trial_result *result,
                  struct lr_error *err);

#endif
