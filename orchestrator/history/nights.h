#ifndef LRSEARCH_NIGHTS_H
#define LRSEARCH_NIGHTS_H

#include "history/run_compare.h"
#include "history/history.h"

/* A finished run as a row of the history beside it. What stands there follows from the run's plan,
 * journal and baseline, so that lrsearch history --rebuild gives the same row (of a run whose
 * baseline or tolerance was changed in a later start, that of the first). */

void night_row(struct history_run *row, const char *run, const struct run_end *end,
               const struct answer *answer);

/* Writes the row of a run that has just finished, and says why when it cannot: the run itself is
 * safe, and --rebuild makes up for it. */
int night_record(const char *run_dir, const struct plan *plan, const struct answer *answer);

#endif
