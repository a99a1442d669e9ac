#ifndef LRSEARCH_PRINTABLE_H
#define LRSEARCH_PRINTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Makes text from outside (names of files and runs, plans, output of programs) safe for a terminal.
 * It may hold bytes that move the cursor, set the title or reverse the order of letters, so that
 * the terminal shows a different text. */

/* Length of the UTF-8 sequence at `text` (RFC 3629) and its code point; 0: not UTF-8. */
size_t lr_utf8_next(const char *text, size_t left, uint32_t *code);
/* Bytes up to the first that is not UTF-8; `size` when all are. */
size_t lr_utf8_prefix(const char *text, size_t size);

/* Whether the character at `text` (not "") may be shown: it is UTF-8, no control character (C0,
 * DEL, C1) and not invisible (bidirectional control, zero width, line separator, tag). *length: its
 * bytes, 1 for a byte that is not UTF-8. */
bool lr_printable_at(const char *text, size_t *length);

/* Whether `text` has a control character (C0, DEL, C1). */
bool lr_has_controls(const char *text);

/* Replaces each character that may not be shown, except those in `keep`, by '?'. In place: the text
 * never gets longer. Returns `text`. */
char *lr_printable(char *text, const char *keep);
/* The same on a copy, cut to fit `size`. Returns `out`. */
const char *lr_printable_copy(char *out, size_t size, const char *text);
/* `word` as a POSIX shell reads it back: as it is, or in single quotes. "" when `size` is too
 * small. Returns `out`. */
const char *lr_shell_word(char *out, size_t size, const char *word);
/* As fprintf(), for text with names from outside: filters it, keeps newlines. At most 8 KB. */
void lr_say(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
