/* UTF-8 by RFC 3629. Checked before libyaml and jansson see a text, so that the error names the
 * byte. */
#include "plan/utf8.h"

#include "lrsearch/printable.h"

size_t utf8_valid_prefix(const char *text, size_t size)
{
    size_t at = 0;
    while (at < size) {
        uint32_t code;
        size_t length = lr_utf8_next(text + at, size - at, &code);
        if (length == 0)
            break;
        at += length;
    }
    return at;
}
