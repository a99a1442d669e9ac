#ifndef LRSEARCH_OPTUNA_TABLE_H
#define LRSEARCH_OPTUNA_TABLE_H

#include <stddef.h>
#include "lrsearch/error.h"
#include "store/csv.h"

/* An Optuna journal file (JournalStorage, JournalFileStorage) as a table: a row a trial, with the
 * columns study, number, value, then parameters and user attributes by their names; what a name
 * before it has taken is left out. A trial that was completed has its value; one that failed and
 * has the user attribute outcome = diverged an empty one; others are no rows. The first of several
 * objectives counts.
 *
 * *studies: how many there are. `path` is for errors: LR_EDATA names the line. csv_release() *out
 * in any case. */
int optuna_table(struct csv *out, size_t *studies, const char *path, const char *text, size_t size,
                 struct lr_error *err);

#endif
