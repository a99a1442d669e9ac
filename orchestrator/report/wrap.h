#ifndef LRSEARCH_WRAP_H
#define LRSEARCH_WRAP_H

#include <stdio.h>

#define WRAP_COLUMNS 80

/* Prints a text broken between words so that no line is longer than WRAP_COLUMNS, if its words are
 * not. The first line begins with `first`, the others with as many spaces. Control characters (a
 * trial's message may hold any) are printed as spaces; '\v' is a space at which no line is broken.
 * UTF-8 counts by characters. */
void wrap_print(FILE *out, const char *first, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
