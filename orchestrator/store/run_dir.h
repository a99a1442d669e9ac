#ifndef LRSEARCH_RUN_DIR_H
#define LRSEARCH_RUN_DIR_H

#include <stdbool.h>
#include <stddef.h>
#include "campaign/event.h"
#include "campaign/trial_state.h"
#include "lrsearch/answer.h"
#include "lrsearch/error.h"

/* RUN_DIR and the files in it that are derived from the journal. Each is written under a temporary
 * name and renamed, so that a reader never sees half a file. */

/* Makes the directory (0700, with parents) and its curves/. LR_ECREATE with path and reason, also
 * if others may write to the directory or it belongs to another user. Points the link `latest`
 * beside it to it; a failure of that is only a warning. */
int run_dir_open(const char *path, struct lr_error *err);

int run_dir_make(const char *path, struct lr_error *err); /* the directory alone, with parents */
/* Makes the folder RUN_DIR/name in an existing RUN_DIR; refuses an existing one that is not a
 * folder of this user. */
int run_dir_make_inner(const char *path, struct lr_error *err);

/* Makes RUN_DIR/checkpoints, for the states of trials and the wsd prefixes that they share, and
 * gives its absolute path. run_dir_checkpoint(): a trial's file in it (trial-0012.state for a
 * command, which chooses its format); run_dir_remove_checkpoint() removes that file,
 * run_dir_remove_checkpoints() all of RUN_DIR's and the folder. */
int run_dir_checkpoints(const char *path, char dir[TRIAL_PATH], struct lr_error *err);
/* Makes RUN_DIR/output, for the end of each command's output: trial-0012.1.txt is of attempt 1. */
int run_dir_output(const char *path, char dir[TRIAL_PATH], struct lr_error *err);
void run_dir_output_file(char out[TRIAL_PATH], const char *dir, uint32_t trial_id,
                         uint32_t attempt);
void run_dir_checkpoint(char out[TRIAL_PATH], const char *dir, const struct trial *trial);
void run_dir_remove_checkpoint(const char *dir, const struct trial *trial);
void run_dir_remove_checkpoints(const char *path);

/* Replaces RUN_DIR/name; without `synced`, which costs an fsync, a crash of the machine can leave
 * it empty until the next start writes it again: for files of which there are thousands. */
int run_dir_put(const char *path, const char *name, const void *bytes, size_t size, bool synced,
                struct lr_error *err);
/* Atomically replaces RUN_DIR/name, synced. */
int run_dir_write(const char *path, const char *name, const void *bytes, size_t size,
                  struct lr_error *err);
/* Reads RUN_DIR/name as a NUL-terminated text; lr_free() it. 0 with *text = NULL if the file does
 * not exist. */
int run_dir_read(const char *path, const char *name, char **text, struct lr_error *err);

#endif
