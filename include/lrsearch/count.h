#ifndef LRSEARCH_COUNT_H
#define LRSEARCH_COUNT_H

#include <stddef.h>

/* "3.4M", "131k", "1.5B": counts as plans write them, in three digits; "?" if negative or not
 * finite. Returns `text`. */
const char *format_count(char *text, size_t capacity, double count);
#define COUNT_TEXT 24 /* bytes for `text` */

#endif
