#ifndef LRSEARCH_MAKE_REPORT_H
#define LRSEARCH_MAKE_REPORT_H

#include "campaign/trial_state.h"
#include "lrsearch/answer.h"

/* coordinator_setup.draw: the figures of RUN_DIR and its report.html. Nothing that fails here is an
 * error: it is logged. */
void make_report(const char *run_dir, const struct answer *answer,
                 const struct trial *const *trials, size_t count);

#endif
