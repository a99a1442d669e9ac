#ifndef LRSEARCH_PREPARE_TABLE_H
#define LRSEARCH_PREPARE_TABLE_H

#include "campaign/event.h"
#include "data/sweep.h"
#include "lrsearch/error.h"
#include "plan/plan.h"

/* For trainer.kind replay. */

/* Reads a cell's rows of trainer.table and checks them against the plan: LR_EDATA names what is
 * missing and what there is. Warns where search.lr exceeds the table. On 0, sweep_release()
 * *sweep. */
int prepare_table_read(struct sweep *sweep, const struct plan *plan, size_t cell,
                       struct lr_error *err);
/* The same, and writes the rows to a file in the cache, whose path and hash *data receives. */
int prepare_table(const struct plan *plan, size_t cell, const char *cache_dir,
                  struct event_data *data, struct lr_error *err);

#endif
