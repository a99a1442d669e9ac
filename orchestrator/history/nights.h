#ifndef LRSEARCH_NIGHTS_H
#define LRSEARCH_NIGHTS_H

#include "plan/plan.h"
#include "lrsearch/answer.h"
#include "lrsearch/error.h"

/* A finished run as a row of the history beside it (history.db). The row follows from the run's
 * plan, journal and baseline, so nights_rebuild() writes the same row. Exception: if a later start
 * changed baseline or tolerance, a rebuild uses those of the first start. */

/* Writes the row of a run that has just finished. Failures are logged as well; the run itself is
 * safe, and a rebuild adds the row. */
int night_record(const char *run_dir, const struct plan *plan, const struct answer *answer);

/* Rebuilds DIR/history.db from the runs in DIR and logs its progress. Unreadable runs are skipped
 * with a warning. LR_EDATA: DIR is no folder; otherwise the errors of history_open(). */
int nights_rebuild(const char *dir, struct lr_error *err);

#endif
