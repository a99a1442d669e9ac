#ifndef LRSEARCH_COMMAND_ENV_H
#define LRSEARCH_COMMAND_ENV_H

#include "trainers/command/command_file.h"
#include "lrsearch/placeholder.h"

/* The words that a command gets: arguments and environment. */

/* The environment: ours without what belongs to MPI, Slurm and lrsearch, OMP_NUM_THREADS,
 * CUDA_VISIBLE_DEVICES (with setup->gpus), the plan's own, and the trial as LRSEARCH_LR and so on.
 * LR_EFAILURES: this worker has too few GPUs. *out ends with NULL; command_words_free() it. */
int command_env_make(char ***out, const struct command_setup *setup,
                     const struct placeholder_trial *trial, const struct trial_place *place,
                     struct lr_error *err);
/* argv with its placeholders filled in, the same way. */
int command_argv_make(char ***out, const struct command_setup *setup,
                      const struct placeholder_trial *trial, struct lr_error *err);
void command_words_free(char **words);

/* Writes the trial as a JSON file for LRSEARCH_SPEC: every field of its spec that is about the
 * training, enumerations by name. `path` is made here, in $TMPDIR; the caller removes it. */
int command_spec_write(char path[TRIAL_PATH], const struct placeholder_trial *trial,
                       struct lr_error *err);

#endif
