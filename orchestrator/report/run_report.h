#ifndef LRSEARCH_RUN_REPORT_H
#define LRSEARCH_RUN_REPORT_H

#include <stdbool.h>
#include "campaign/trial_state.h"
#include "lrsearch/answer.h"
#include "lrsearch/error.h"
#include "plan/plan.h"

/* Writes RUN_DIR/report.html; with `rounds` it shows what was known before each round, which takes a
 * fit for each. */
int run_report_write(const char *run_dir, const struct plan *plan, const struct answer *answer,
                     const struct trial *const *trials, size_t count, bool rounds,
                     struct lr_error *err);

/* coordinator_setup.draw: the figures and the report; what fails is logged, and is no error. */
void run_report_draw(const char *run_dir, const struct answer *answer,
                     const struct trial *const *trials, size_t count);

#endif
