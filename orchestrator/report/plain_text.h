#ifndef LRSEARCH_PLAIN_TEXT_H
#define LRSEARCH_PLAIN_TEXT_H

#include <stdbool.h>
#include <stdio.h>
#include "lrsearch/count.h" /* format_count() */

/* Numbers and paragraphs for a terminal. The format functions return `text`. */

const char *format_seconds(char *text, size_t capacity, double seconds); /* "1m20s" */

/* `digits` significant digits: "1.1e-3"; "-" when not finite. */
const char *format_lr(char *text, size_t capacity, int digits, double lr);
/* "0.062", "8.1", "125"; "-" when not finite. */
const char *format_ratio(char *text, size_t capacity, double ratio);
/* "1.1e-3 .. 2.3e-3"; "-" when an end is not known. style: 'l' as format_lr(), 'f' as
 * format_fixed(), 'r' as format_ratio(), 'g' as printf, '+' as 'g' with a sign. */
const char *format_range(char *text, size_t capacity, char style, int digits, const double ends[2]);
/* " (90 % interval 0.31 .. 0.77)", with '\v' where wrap_print() must not break; "" when an end is
 * not known. */
const char *format_interval90(char *text, size_t capacity, char style, int digits,
                              const double ends[2]);
/* The same without the words: " (0.31 .. 0.77)". */
const char *format_ends(char *text, size_t capacity, char style, int digits, const double ends[2]);
/* "60 % of `of` is an assumption, the rest your runs", with '\v' as above, for the share of the
 * prior; "" when it has no share, or is not known. */
const char *format_assumption(char *text, size_t capacity, double share, const char *of);
#define INTERVAL90_TEXT 128                /* room for it */
bool interval_known(const double ends[2]); /* both are finite */

/* `digits` decimals: "-0.31"; "0.00", never "-0.00"; "-" when not finite. */
const char *format_fixed(char *text, size_t capacity, int digits, double value);

/* The same, as arguments of printf and the like: each in a buffer of the enclosing block. */
#define TEXT_OF(format, ...) format((char[INTERVAL90_TEXT]){""}, INTERVAL90_TEXT, __VA_ARGS__)
#define COUNT(count) TEXT_OF(format_count, (double)(count))
#define DURATION(seconds) TEXT_OF(format_seconds, seconds)
#define LR(digits, lr) TEXT_OF(format_lr, digits, lr)
#define RATIO(ratio) TEXT_OF(format_ratio, ratio)
#define FIXED(digits, value) TEXT_OF(format_fixed, digits, value)
#define INTERVAL90(style, digits, ends) TEXT_OF(format_interval90, style, digits, ends)
#define ENDS(style, digits, ends) TEXT_OF(format_ends, style, digits, ends)

/* A row of a table: row_add() appends a text behind `gap` spaces, to the left if width < 0;
 * row_print() prints it without spaces at its end, and empties it. */
#define ROW_MOST 256
void row_add(char row[ROW_MOST], int gap, int width, const char *text);
void row_print(FILE *out, char row[ROW_MOST]);

#define WRAP_COLUMNS 80

/* Prints a text of up to 2047 bytes, broken between words so that no line exceeds WRAP_COLUMNS,
 * except by a longer word. The first line begins with `first`, the others with as many spaces.
 * Control characters (a trial's message may contain any) become spaces; '\v' is a non-breaking
 * space. UTF-8 counts by characters. */
void wrap_print(FILE *out, const char *first, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same in so many columns; behind two spaces as wrap_item(). */
void wrap_within(FILE *out, size_t columns, const char *first, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* A line of a section: the same behind two spaces, further lines behind four. */
void wrap_item(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
