/* Filters text for a terminal. Invisible characters are Unicode's format characters (class Cf)
 * without a glyph, separators and fillers, also the joiners U+200C and U+200D that some scripts
 * use; each becomes one '?'. */
#define _POSIX_C_SOURCE 200809L /* strnlen */
#include "lrsearch/printable.h"

#include <stdarg.h>
#include <string.h>

size_t lr_utf8_next(const char *text, size_t left, uint32_t *code)
{
    static const struct {
        unsigned char mask, lead;
        uint32_t least;
    } forms[] = {{0x80, 0x00, 0}, {0xE0, 0xC0, 0x80}, {0xF0, 0xE0, 0x800}, {0xF8, 0xF0, 0x10000}};
    const unsigned char *s = (const unsigned char *)text;
    for (size_t extra = 0; extra < 4; extra++) {
        if ((s[0] & forms[extra].mask) != forms[extra].lead)
            continue;
        if (left < extra + 1)
            return 0;
        *code = s[0] & (unsigned char)~forms[extra].mask;
        for (size_t i = 1; i <= extra; i++) {
            if ((s[i] & 0xC0) != 0x80)
                return 0;
            *code = *code << 6 | (s[i] & 0x3F);
        }
        bool surrogate = *code >= 0xD800 && *code <= 0xDFFF;
        return *code < forms[extra].least || *code > 0x10FFFF || surrogate ? 0 : extra + 1;
    }
    return 0;
}

size_t lr_utf8_prefix(const char *text, size_t size)
{
    uint32_t code;
    size_t at = 0;
    for (size_t length = 1; length > 0 && at < size; at += length)
        length = lr_utf8_next(text + at, size - at, &code);
    return at;
}

static bool has_no_look(uint32_t code)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x00, 0x1F},       {0x7F, 0x9F},       /* controls */
        {0xAD, 0xAD},       {0x34F, 0x34F},     /* soft hyphen, grapheme joiner */
        {0x61C, 0x61C},     {0x115F, 0x1160},   /* Arabic letter mark, Hangul fillers */
        {0x180E, 0x180E},   {0x200B, 0x200F},   /* vowel separator; zero widths and marks */
        {0x2028, 0x202E},   {0x2060, 0x206F},   /* separators, embeddings; joiners, isolates */
        {0x3164, 0x3164},   {0xFEFF, 0xFEFF},   /* filler, byte order mark */
        {0xFFA0, 0xFFA0},   {0xFFF9, 0xFFFB},   /* filler, annotations */
        {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF}, /* musical controls, tags */
    };
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
        if (code >= ranges[i].first && code <= ranges[i].last)
            return true;
    return false;
}

bool lr_printable_at(const char *text, size_t *length)
{
    uint32_t code = 0;
    size_t left = strnlen(text, 4), bytes = lr_utf8_next(text, left, &code);
    *length = bytes ? bytes : 1;
    return bytes && !has_no_look(code);
}

bool lr_has_controls(const char *text)
{
    while (*text) {
        uint32_t code = 0;
        size_t length = lr_utf8_next(text, strnlen(text, 4), &code);
        if (length && (code < 0x20 || (code >= 0x7F && code <= 0x9F)))
            return true;
        text += length ? length : 1;
    }
    return false;
}

char *lr_printable(char *text, const char *keep)
{
    char *to = text;
    for (const char *from = text; *from;) {
        size_t length;
        if (lr_printable_at(from, &length) || strchr(keep, *from))
            for (size_t i = 0; i < length; i++)
                *to++ = from[i];
        else
            *to++ = '?';
        from += length;
    }
    *to = '\0';
    return text;
}

const char *lr_printable_copy(char *out, size_t size, const char *text)
{
    size_t length = strlen(text), used = length < size ? length : size - 1;
    memcpy(out, text, used);
    /* do not cut a UTF-8 sequence: its first bytes would become '?' */
    while (used < length && used > 0 && ((unsigned char)text[used] & 0xC0) == 0x80)
        used--;
    out[used] = '\0';
    return lr_printable(out, "");
}

const char *lr_shell_word(char *out, size_t size, const char *word)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "_./=:,@%+-";
    char *to = out, *end = out + size;
    if (*word && strspn(word, plain) == strlen(word)) {
        snprintf(out, size, "%s", strlen(word) < size ? word : "");
        return out;
    }
    out[0] = '\0';
    if (size < 3)
        return out;
    *to++ = '\'';
    for (; *word; word++) {
        const char *part = *word == '\'' ? "'\\''" : (char[]){*word, '\0'};
        size_t length = strlen(part);
        if ((size_t)(end - to) < length + 2) { /* no room for the last quote */
            out[0] = '\0';
            return out;
        }
        memcpy(to, part, length);
        to += length;
    }
    memcpy(to, "'", 2);
    return out;
}

void lr_say(FILE *out, const char *format, ...)
{
    char text[8192];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (out == stderr)
        fflush(stdout);
    fputs(lr_printable(text, "\n"), out);
}
