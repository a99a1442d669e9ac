/* UTF-8 by RFC 3629. Checked before libyaml and jansson see a text, so that the error names the
 * byte. */
#include "plan/utf8.h"

#include <stdbool.h>
#include <stdint.h>

/* Length of the sequence at `s`, 0 when it is none (overlong forms and surrogates are none). */
static size_t sequence(const unsigned char *s, size_t left)
{
    static const struct {
        unsigned char mask, lead;
        uint32_t least;
    } forms[] = {{0x80, 0x00, 0}, {0xE0, 0xC0, 0x80}, {0xF0, 0xE0, 0x800}, {0xF8, 0xF0, 0x10000}};
    for (size_t extra = 0; extra < 4; extra++) {
        if ((s[0] & forms[extra].mask) != forms[extra].lead)
            continue;
        if (left < extra + 1)
            return 0;
        uint32_t code = s[0] & (unsigned char)~forms[extra].mask;
        for (size_t i = 1; i <= extra; i++) {
            if ((s[i] & 0xC0) != 0x80)
                return 0;
            code = code << 6 | (s[i] & 0x3F);
        }
        bool surrogate = code >= 0xD800 && code <= 0xDFFF;
        return code < forms[extra].least || code > 0x10FFFF || surrogate ? 0 : extra + 1;
    }
    return 0;
}

size_t utf8_valid_prefix(const char *text, size_t size)
{
    size_t at = 0;
    while (at < size) {
        size_t length = sequence((const unsigned char *)text + at, size - at);
        if (length == 0)
            break;
        at += length;
    }
    return at;
}
