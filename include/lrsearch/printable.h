#ifndef LRSEARCH_PRINTABLE_H
#define LRSEARCH_PRINTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Text from outside (names of files and runs, plans, what programs print) on its way to a terminal.
 * A name may hold bytes that move the cursor, set the title, or turn the order of the letters
 * round, so that a reader sees another text than the one that is there. */

/* Length of the UTF-8 sequence at `text` (RFC 3629) and its code point; 0: it is none. */
size_t lr_utf8_next(const char *text, size_t left, uint32_t *code);
/* Bytes up to the first that is not UTF-8; `size` when all are. */
size_t lr_utf8_prefix(const char *text, size_t size);

/* Whether the character at `text` (not "") may be shown: it is no control character (C0, DEL, C1),
 * has a look of its own (bidirectional controls, zero widths, line separators and tags have none),
 * and is UTF-8. *length: its bytes, 1 for a byte that is not UTF-8. */
bool lr_printable_at(const char *text, size_t *length);

/* Whether there is a control character (C0, DEL, C1) in it. */
bool lr_has_controls(const char *text);

/* Puts '?' in the place of each character that may not be shown, but for those in `keep`. In place:
 * a text never becomes longer. Returns `text`. */
char *lr_printable(char *text, const char *keep);
/* The same as a copy, cut where `size` ends. Returns `out`. */
const char *lr_printable_copy(char *out, size_t size, const char *text);
/* As fprintf(), for lines with names from outside in them: newlines stay. At most 8 KB. */
void lr_say(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
