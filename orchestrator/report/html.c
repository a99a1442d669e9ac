/* The text is one block, doubled when full. */
#include "report/html.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "lrsearch/printable.h"

void html_bytes(struct html *html, const void *bytes, size_t size)
{
    if (html->failed || size == 0)
        return;
    if (html->capacity - html->used < size) {
        size_t capacity = html->capacity > 2048 ? html->capacity : 2048;
        while (capacity - html->used < size)
            capacity *= 2;
        char *larger = lr_realloc(html->bytes, capacity);
        if (!larger) {
            html->failed = true;
            return;
        }
        html->bytes = larger;
        html->capacity = capacity;
    }
    memcpy(html->bytes + html->used, bytes, size);
    html->used += size;
}

void html_raw(struct html *html, const char *markup)
{
    html_bytes(html, markup, strlen(markup));
}

/* Spaces replace control characters, which a trial's message may contain and HTML forbids, and
 * characters that change the direction of the text. */
void html_text(struct html *html, const char *text)
{
    size_t length;
    for (; *text; text += length) {
        bool shown = lr_printable_at(text, &length);
        switch (*text) {
        case '&':
            html_raw(html, "&amp;");
            break;
        case '<':
            html_raw(html, "&lt;");
            break;
        case '>':
            html_raw(html, "&gt;");
            break;
        case '"':
            html_raw(html, "&quot;");
            break;
        case '\'':
            html_raw(html, "&#39;");
            break;
        default:
            html_bytes(html, shown ? text : " ", shown ? length : 1);
        }
    }
}

void html_format(struct html *html, const char *format, ...)
{
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    html_raw(html, text);
}

void html_base64(struct html *html, const void *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *in = bytes;
    for (size_t i = 0; i < size; i += 3) {
        unsigned three = 0;
        size_t left = size - i < 3 ? size - i : 3;
        char out[4] = {'=', '=', '=', '='};
        for (size_t k = 0; k < 3; k++)
            three = three << 8 | (k < left ? in[i + k] : 0u);
        for (size_t k = 0; k <= left; k++)
            out[k] = digits[three >> (18 - 6 * k) & 63];
        html_bytes(html, out, sizeof(out));
    }
}

void html_release(struct html *html)
{
    lr_free(html->bytes);
    *html = (struct html){0};
}
