#ifndef LRSEARCH_TEMP_DATA_H
#define LRSEARCH_TEMP_DATA_H

#include "lrsearch/error.h"
#include "lrsearch/trial.h"

/* Data for a look, in a folder of their own under TMPDIR. */

#define TEMP_FOLDER 984 /* TRIAL_PATH less the names in it */

/* "TMPDIR/NAME-XXXXXX", which only this user can enter. LR_ECREATE. */
int temp_folder_make(char folder[TEMP_FOLDER], const char *name, struct lr_error *err);
void temp_folder_remove(const char *folder); /* with all that is in it */

/* `count` random tokens below spec->vocab, read as those of a campaign are: for timing. The
 * dataset's name goes into `data_path`, the folder's into `folder`, for temp_folder_remove(),
 * which is due on 0 only. */
int random_tokens_make(const struct trial_spec *spec, uint64_t count, char data_path[TRIAL_PATH],
                       char folder[TEMP_FOLDER], struct lr_error *err);

#endif
