#ifndef LRSEARCH_UTC_H
#define LRSEARCH_UTC_H

#include <time.h>

/* Times as files tell them: UTC in whole seconds, as in "2026-01-31T12:00:00Z". */

#define UTC_TEXT 32 /* bytes */

/* Returns `text`, empty when the time has no year that fits. */
const char *utc_format(char text[UTC_TEXT], time_t seconds);
/* Seconds since 1970; 0 when the text is anything else. */
time_t utc_seconds(const char *text);

#endif
