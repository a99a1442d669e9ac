#ifndef LRSEARCH_COMMAND_LAUNCH_H
#define LRSEARCH_COMMAND_LAUNCH_H

#include <stdbool.h>
#include "trainers/command/command_file.h"
#include "trainers/command/command_words.h"
#include "lrsearch/placeholder.h"

/* trainer.launcher: words that start the command elsewhere, such as srun or ssh. */

#define COMMAND_SRUN_STATUS 250 /* exit status of srun for its own errors (SLURM_EXIT_ERROR) */

/* Whether the launcher is srun, so that the command is a step of a Slurm job. */
bool command_by_srun(const struct command_setup *setup);

/* Adds the launcher's words, with their placeholders filled in and {command} replaced by `argv`:
 * by its words where it is a word of its own, by one text in a shell's quotes inside a word;
 * without {command} `argv` follows. With srun the options for nodes, CPUs and GPUs come after
 * "srun". LR_EPLAN: as placeholder_expand(). */
int command_launch(struct command_words *words, const struct command_setup *setup,
                   char *const *argv, const struct placeholder_trial *trial, struct lr_error *err);

/* A program that sends SIGTERM to the step of the trial's attempt: srun itself kills its step when
 * it gets that signal. */
int command_step_stop(char ***out, const struct placeholder_trial *trial, struct lr_error *err);

/* Whether a line of srun's stderr says that Slurm ended the step, for example on a dead node. */
bool command_step_ended(const char *line);

#endif
