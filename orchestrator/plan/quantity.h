#ifndef LRSEARCH_QUANTITY_H
#define LRSEARCH_QUANTITY_H

#include <stddef.h>
#include <stdint.h>

/* Numbers in plans: decimal, '_' between digits allowed, an exponent allowed; no hexadecimal, no
 * NaN, no infinity. Texts are C strings; *out is set on QUANTITY_OK only. */

enum quantity_status {
    QUANTITY_OK,
    QUANTITY_SYNTAX,   /* no number of this kind */
    QUANTITY_FRACTION, /* a count that is not whole */
    QUANTITY_BEYOND,   /* negative count, or too large to hold */
};

/* Suffixes k M B T are powers of 1000, Ki Mi Gi of 1024. Exact: no rounding on the way. */
enum quantity_status quantity_count(const char *text, uint64_t *out);
enum quantity_status quantity_number(const char *text, double *out);
/* A number followed by s, m, h or d; *out_s is in seconds. */
enum quantity_status quantity_duration(const char *text, double *out_s);

/* Back to text, in the shortest exact form: "128k", "65536", "1.5B" is "1500M". */
const char *quantity_count_text(uint64_t count, char *out, size_t capacity);
const char *quantity_duration_text(double seconds, char *out, size_t capacity);

#endif
