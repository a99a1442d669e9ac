#ifndef LRSEARCH_RUN_DIR_H
#define LRSEARCH_RUN_DIR_H

#include <stdbool.h>
#include <stddef.h>
#include "campaign/event.h"
#include "campaign/trial_state.h"
#include "lrsearch/answer.h"
#include "lrsearch/error.h"

/* RUN_DIR and the files in it that are derived from the journal. Every file but the journal is
 * written beside its place and renamed into it, so that a reader never sees half of one. */

/* Makes the directory (0700, parents too) and its curves/; LR_ECREATE names the path and the
 * reason. One that others may write to, or that belongs to somebody else, is refused. Points
 * `latest` beside it to it, where that is possible (a failure is only a warning). */
int run_dir_open(const char *path, struct lr_error *err);

int run_dir_make(const char *path, struct lr_error *err); /* the directory alone, parents too */
/* RUN_DIR/name, whose RUN_DIR is there: made, or refused where it is no directory of ours. */
int run_dir_make_inner(const char *path, struct lr_error *err);

/* RUN_DIR/checkpoints, for the states of trainings, their own and those that they share
 * (worker/trainers/transformer/wsd_prefix.h): made, and its whole path; a trial's file in it
 * (trial-0012.state where a command writes it in a format of its own); that file removed; all of
 * RUN_DIR's, with the folder. */
int run_dir_checkpoints(const char *path, char dir[TRIAL_PATH], struct lr_error *err);
/* RUN_DIR/output, for the ends of what commands print: trial-0012.1.txt is of attempt 1. */
int run_dir_output(const char *path, char dir[TRIAL_PATH], struct lr_error *err);
void run_dir_output_file(char out[TRIAL_PATH], const char *dir, uint32_t trial_id,
                         uint32_t attempt);
void run_dir_checkpoint(char out[TRIAL_PATH], const char *dir, const struct trial *trial);
void run_dir_remove_checkpoint(const char *dir, const struct trial *trial);
void run_dir_remove_checkpoints(const char *path);

/* Atomic replacement of RUN_DIR/name. */
int run_dir_write(const char *path, const char *name, const void *bytes, size_t size,
                  struct lr_error *err);
/* The whole of RUN_DIR/name as a NUL-terminated text, to be freed with lr_free(); *text = NULL and
 * 0 when there is no such file. */
int run_dir_read(const char *path, const char *name, char **text, struct lr_error *err);

#endif
