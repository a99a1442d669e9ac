#ifndef LRSEARCH_TEMP_DATA_H
#define LRSEARCH_TEMP_DATA_H

#include "lrsearch/error.h"
#include "lrsearch/trial.h"

/* Temporary data, in folders of TMPDIR or /tmp. */

#define TEMP_FOLDER 984 /* TRIAL_PATH minus room for the file names in it */

/* Creates "TMPDIR/NAME-XXXXXX", accessible to this user only. LR_ECREATE. */
int temp_folder_make(char folder[TEMP_FOLDER], const char *name, struct lr_error *err);
void temp_folder_remove(const char *folder); /* with its contents */

/* Writes `count` random tokens below spec->vocab in the format of a campaign's data, for timing.
 * Sets `data_path` to the dataset's name and `folder` to its folder; call temp_folder_remove() only
 * after success. */
int random_tokens_make(const struct trial_spec *spec, uint64_t count, char data_path[TRIAL_PATH],
                       char folder[TEMP_FOLDER], struct lr_error *err);

#endif
