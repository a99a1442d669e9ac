#ifndef LRSEARCH_COMMAND_ENV_H
#define LRSEARCH_COMMAND_ENV_H

#include "trainers/command/command_file.h"
#include "trainers/command/command_words.h"
#include "lrsearch/placeholder.h"

/* Arguments, environment and folder of a command, with their placeholders filled in. */

#define COMMAND_WORD (2 * TRIAL_PATH) /* room for one of them */

#define COMMAND_GPUS 1024 /* bytes of a list of GPUs */

/* The worker's share of its own CUDA_VISIBLE_DEVICES, or of GPUs numbered from 0 if there is none;
 * "" if the plan has no gpus_per_trial, or Slurm gives the GPUs. LR_EFAILURES: it has too few. */
int command_gpus(char out[COMMAND_GPUS], const struct command_setup *setup, uint32_t slot,
                 struct lr_error *err);

/* The environment: ours without the variables of MPI, Slurm and lrsearch, OMP_NUM_THREADS,
 * CUDA_VISIBLE_DEVICES (if there are trial->gpus), MASTER_PORT and, without a launcher,
 * MASTER_ADDR, the plan's own, and the trial as LRSEARCH_LR and so on. With launcher srun it is
 * srun's: it keeps what names the job. *out ends with NULL; free it with command_words_free().
 * LR_EPLAN: a placeholder has no value in this trial (a division by zero). */
int command_env_make(char ***out, const struct command_setup *setup,
                     const struct placeholder_trial *trial, const struct trial_place *place,
                     struct lr_error *err);
/* argv with its placeholders filled in, behind the launcher; owned in the same way. */
int command_argv_make(char ***out, const struct command_setup *setup,
                      const struct placeholder_trial *trial, struct lr_error *err);
/* The folder in which it runs, likewise. */
int command_cwd_make(char out[COMMAND_WORD], const struct command_setup *setup,
                     const struct placeholder_trial *trial, struct lr_error *err);

/* Writes the trial to a new JSON file in $TMPDIR or, if `beside` is not NULL, in the folder of that
 * file, for LRSEARCH_SPEC: every field of its spec except
 * internal ones, enumerations by name. Sets `path`; the caller removes the file. */
int command_spec_write(char path[TRIAL_PATH], const struct placeholder_trial *trial,
                       const char *beside, struct lr_error *err);

#endif
