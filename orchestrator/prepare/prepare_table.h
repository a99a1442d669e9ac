#ifndef LRSEARCH_PREPARE_TABLE_H
#define LRSEARCH_PREPARE_TABLE_H

#include "campaign/event.h"
#include "data/sweep.h"
#include "lrsearch/error.h"
#include "plan/plan.h"

/* For trainer.kind replay. */

/* A cell's rows of trainer.table, and whether they have what the plan asks for: LR_EDATA names what
 * is missing and what there is. Warns where search.lr reaches beyond it. On 0, sweep_release()
 * it. */
int prepare_table_read(struct sweep *sweep, const struct plan *plan, size_t cell,
                       struct lr_error *err);
/* The same for prepare_data(): trials then name a copy in the cache. */
int prepare_table(const struct plan *plan, size_t cell, const char *cache_dir,
                  struct event_data *data, struct lr_error *err);

#endif
