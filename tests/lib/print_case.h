#ifndef TESTS_PRINT_CASE_H
#define TESTS_PRINT_CASE_H

#include "cmocka_all.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "report/plain_text.h"

/* Asserts about texts for the terminal. */

static inline size_t characters(const char *line, size_t bytes)
{
    size_t count = 0;
    for (size_t i = 0; i < bytes; i++)
        count += ((unsigned char)line[i] & 0xc0) != 0x80;
    return count;
}

/* No line is longer than so many columns or ends in a space. */
static inline void assert_fits_in(const char *text, size_t columns)
{
    while (*text) {
        size_t bytes = strcspn(text, "\n");
        if (characters(text, bytes) > columns)
            fail_msg("longer than %zu columns: %.*s", columns, (int)bytes, text);
        if (bytes && text[bytes - 1] == ' ')
            fail_msg("ends in a space: '%.*s'", (int)bytes, text);
        text += bytes + (text[bytes] == '\n');
    }
}

static inline void assert_fits(const char *text)
{
    assert_fits_in(text, WRAP_COLUMNS);
}

/* Line breaks and spaces between words count as one space. */
static inline void assert_says(const char *text, const char *part)
{
    char *flat = strdup(text), *to = flat;
    assert_non_null(flat);
    for (const char *from = text; *from; from++)
        if (!strchr(" \n", *from) || (to > flat && to[-1] != ' '))
            *to++ = *from == '\n' ? ' ' : *from;
    *to = '\0';
    if (!strstr(flat, part))
        fail_msg("'%s' is missing in:\n%s", part, text);
    free(flat);
}

#endif
