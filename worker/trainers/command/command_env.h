#ifndef LRSEARCH_COMMAND_ENV_H
#define LRSEARCH_COMMAND_ENV_H

#include "trainers/command/command_file.h"
#include "lrsearch/placeholder.h"

/* Arguments, environment and folder of a command, with their placeholders filled in. */

#define COMMAND_WORD (2 * TRIAL_PATH) /* room for one of them */

/* The environment: ours without the variables of MPI, Slurm and lrsearch, OMP_NUM_THREADS,
 * CUDA_VISIBLE_DEVICES (if setup->gpus > 0), the plan's own, and the trial as LRSEARCH_LR and so
 * on. LR_EFAILURES: this worker has too few GPUs. LR_EPLAN: a placeholder has no value in this trial
 * (a division by zero). *out ends with NULL; free it with command_words_free(). */
int command_env_make(char ***out, const struct command_setup *setup,
                     const struct placeholder_trial *trial, const struct trial_place *place,
                     struct lr_error *err);
/* argv with its placeholders filled in; owned in the same way. */
int command_argv_make(char ***out, const struct command_setup *setup,
                      const struct placeholder_trial *trial, struct lr_error *err);
/* The folder in which it runs, likewise. */
int command_cwd_make(char out[COMMAND_WORD], const struct command_setup *setup,
                     const struct placeholder_trial *trial, struct lr_error *err);
void command_words_free(char **words);

/* Writes the trial to a new JSON file in $TMPDIR, for LRSEARCH_SPEC: every field of its spec except
 * internal ones, enumerations by name. Sets `path`; the caller removes the file. */
int command_spec_write(char path[TRIAL_PATH], const struct placeholder_trial *trial,
                       struct lr_error *err);

#endif
