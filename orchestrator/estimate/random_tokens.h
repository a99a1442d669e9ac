#ifndef LRSEARCH_RANDOM_TOKENS_H
#define LRSEARCH_RANDOM_TOKENS_H

#include "lrsearch/error.h"
#include "lrsearch/trial.h"

/* Random tokens in a folder of their own under TMPDIR, read as those of a campaign are: for timing.
 */

#define RANDOM_TOKENS_FOLDER 984 /* TRIAL_PATH less the names in it */

/* `count` tokens below spec->vocab; the dataset's name goes into `data_path`, the folder's into
 * `folder`, for random_tokens_remove(), which is due on 0 only. */
int random_tokens_make(const struct trial_spec *spec, uint64_t count, char data_path[TRIAL_PATH],
                       char folder[RANDOM_TOKENS_FOLDER], struct lr_error *err);
void random_tokens_remove(const char *folder);

#endif
