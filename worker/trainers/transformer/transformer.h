#ifndef LRSEARCH_TRANSFORMER_H
#define LRSEARCH_TRANSFORMER_H

#include "trainers/trainer.h"

/* trainer_run() for trainer.kind transformer: trains the compact model of worker/model with AdamW
 * on the tokens of spec and place->data_path. */
void transformer_run(const struct trial_spec *spec, struct train_files *files,
                     const struct train_hooks *hooks, struct trial_result *result);

#endif
