#ifndef LRSEARCH_REPLAY_H
#define LRSEARCH_REPLAY_H

#include "lrsearch/error.h"
#include "lrsearch/trial.h"

/* A training that was done before: its loss from the table at spec->data_path (data/sweep.h), into
 * *result, which holds no numbers yet. Seed k takes the k-th of the table's seeds, and goes round
 * them. Done, diverged, or refused where the table ends; failed, with *err, when it cannot be read.
 */
void replay_run(const struct trial_spec *spec, struct trial_result *result, struct lr_error *err);

#endif
