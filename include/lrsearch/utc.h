#ifndef LRSEARCH_UTC_H
#define LRSEARCH_UTC_H

#include <stdint.h>
#include <time.h>

/* Times in files: UTC in whole seconds, as in "2026-01-31T12:00:00Z". */

#define UTC_TEXT 32 /* bytes */

/* Returns `text`; "" if the time cannot be written in this form. */
const char *utc_format(char text[UTC_TEXT], time_t seconds);
/* Seconds since 1970; 0 for any other text. */
time_t utc_seconds(const char *text);
/* Milliseconds since 1970, now. */
uint64_t utc_now_ms(void);

#endif
