#ifndef LRSEARCH_REPORT_DATA_H
#define LRSEARCH_REPORT_DATA_H

#include <jansson.h>
#include "report/report.h"

/* The data of a report as one JSON value: docs/report-data.md describes every key. */

/* As text on one line, safe inside a <script> element: it is ASCII and has no '<'. history must be
 * set. lr_free() it. NULL: out of memory. */
char *report_data_json(const struct report_input *input);

/* The value, rounded to so many significant digits; null when it is not finite. */
json_t *json_of_rounded(double value, int digits);
json_t *json_of_seconds(double seconds); /* to a hundredth */
/* A text from outside without control and invisible characters, except those in `keep`. */
json_t *json_of_shown(const char *text, const char *keep);

#endif
