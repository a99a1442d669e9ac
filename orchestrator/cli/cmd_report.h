#ifndef LRSEARCH_MAKE_REPORT_H
#define LRSEARCH_MAKE_REPORT_H

#include "campaign/trial_state.h"
#include "lrsearch/answer.h"

/* Implements coordinator_setup.draw: writes the figures of RUN_DIR and its report.html. Failures
 * are logged, not returned. */
void make_report(const char *run_dir, const struct answer *answer,
                 const struct trial *const *trials, size_t count);

#endif
