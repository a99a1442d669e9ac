#ifndef LRSEARCH_NIGHTS_H
#define LRSEARCH_NIGHTS_H

#include "plan/plan.h"
#include "lrsearch/answer.h"
#include "lrsearch/error.h"

/* A finished run as a row of the history beside it (history.h). What stands there follows from the
 * run's plan, journal and baseline, so that nights_rebuild() gives the same row (of a run whose
 * baseline or tolerance was changed in a later start, that of the first). */

/* Writes the row of a run that has just finished. A failure is said in the log as well: the run
 * itself is safe, and a rebuild makes up for it. */
int night_record(const char *run_dir, const struct plan *plan, const struct answer *answer);

/* Makes DIR/history.db anew from the runs in DIR, and says in the log how far it is. A run that
 * cannot be read is left out with a warning. LR_EDATA: DIR is no folder; others as history.h. */
int nights_rebuild(const char *dir, struct lr_error *err);

#endif
