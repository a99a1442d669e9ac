#ifndef LRSEARCH_REPORT_TABLES_H
#define LRSEARCH_REPORT_TABLES_H

#include <jansson.h>
#include "report/report.h"

/* The large parts of a report's data. *ok = false: out of memory. */

/* Each is an object, or an array, of columns of equal length. */
json_t *report_trials_json(const struct report_input *input, bool *ok);
json_t *report_curves_json(const struct run_history *history, bool *ok);
json_t *report_attempts_json(const struct run_history *history, bool *ok);
json_t *report_hosts_json(const struct run_history *history, bool *ok); /* {"1": "node01"} */
/* The end of what failed commands printed, the latest first. */
json_t *report_outputs_json(const struct report_input *input, bool *ok);

#endif
