#ifndef LRSEARCH_VALUE_H
#define LRSEARCH_VALUE_H

#include <stddef.h>
#include <stdint.h>

/* Numbers as people write them in plans. Decimal, '_' between digits allowed, an exponent allowed;
 * no hexadecimal, no NaN, no infinity. Texts are C strings; *out is set on VALUE_OK only. */

enum value_status {
    VALUE_OK,
    VALUE_SYNTAX,   /* no number of this kind */
    VALUE_FRACTION, /* a count that is not whole */
    VALUE_BEYOND,   /* negative count, or too large to hold */
};

/* Suffixes k M B T are powers of 1000, Ki Mi Gi of 1024. Exact: no rounding on the way. */
enum value_status value_count(const char *text, uint64_t *out);
enum value_status value_number(const char *text, double *out);
/* A number with s, m, h or d behind it, in seconds. */
enum value_status value_duration(const char *text, double *out_s);

/* Back to text, as short as it is exact: "128k", "65536", "1.5B" is "1500M". */
const char *value_count_text(uint64_t count, char *out, size_t capacity);
const char *value_duration_text(double seconds, char *out, size_t capacity);

#endif
