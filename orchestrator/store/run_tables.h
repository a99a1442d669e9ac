#ifndef LRSEARCH_RUN_TABLES_H
#define LRSEARCH_RUN_TABLES_H

#include "campaign/trial_state.h"
#include "lrsearch/answer.h"
#include "lrsearch/error.h"
#include "store/csv.h"

/* The CSV files of the run directory `path`, for spreadsheets and data frames. `trials` holds all
 * trials of the campaign, by id. LR_ENOMEM, and the errors of run_dir_write(). */

/* trials.csv: a header and one line per trial. */
void trials_csv_fill(struct csv *csv, const struct trial *const *trials, size_t count);
int trials_csv_write(const char *path, const struct trial *const *trials, size_t count,
                     struct lr_error *err);
/* cells.csv: a header and one line per loss basin; no file for a campaign without axes. Unknown
 * properties of a model are empty, unknown numbers nan. */
void cells_csv_fill(struct csv *csv, const struct answer *answer);
int cells_csv_write(const char *path, const struct answer *answer, struct lr_error *err);
/* curves/trial-0001.csv (tokens,train_loss) of each trial that is done or diverged, from the
 * journal in the directory. */
int curves_csv_write(const char *path, const struct trial *const *trials, size_t count,
                     struct lr_error *err);
/* faults.csv: rank, host and reason of each attempt that failed, was lost or stopped, from the
 * journal in the directory; no file if there are none. */
int faults_csv_write(const char *path, size_t trial_count, struct lr_error *err);

#endif
