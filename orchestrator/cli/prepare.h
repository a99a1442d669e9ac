#ifndef LRSEARCH_PREPARE_H
#define LRSEARCH_PREPARE_H

#include "campaign/event.h"
#include "cli/live.h"
#include "lrsearch/error.h"
#include "plan/plan.h"

/* From the plan's data section to the data fields of the campaign's first event. */

struct prepare {
    const struct plan *plan;
    const char *cache_dir; /* of token files and tokenizers */
    struct live *live;
};

/* As coordinator_setup.prepare_data; context is a struct prepare. LR_EDATA also when a horizon is
 * longer than the text and data.repeat is false. */
int prepare_data(void *context, struct event_campaign *opening, struct lr_error *err);

/* "logs/NAME" -> "logs/cache": campaigns beside each other share it. lr_free() it. */
char *prepare_cache_dir(const char *run_dir);

#endif
