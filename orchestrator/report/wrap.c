/* Paragraphs of 80 columns. */
#include "report/wrap.h"

#include <stdarg.h>
#include <string.h>
#include "lrsearch/printable.h"

#define UNBREAKABLE '\v'

static int width_of(const char *text, size_t length)
{
    int width = 0;
    for (size_t i = 0; i < length; i++)
        width += ((unsigned char)text[i] & 0xc0) != 0x80; /* not a continuation byte */
    return width;
}

void wrap_print(FILE *out, const char *first, const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    for (char *c = text; *c; c++)
        if (((unsigned char)*c < 32 && *c != UNBREAKABLE) || *c == 127)
            *c = ' ';
    lr_printable(text, (char[]){UNBREAKABLE, '\0'});

    int indent = width_of(first, strlen(first)), column = indent;
    fputs(first, out);
    const char *word = text + strspn(text, " ");
    while (*word) {
        size_t length = strcspn(word, " ");
        int width = width_of(word, length);
        if (column > indent && column + 1 + width > WRAP_COLUMNS) {
            fprintf(out, "\n%*s", indent, "");
            column = indent;
        } else if (column > indent) {
            fputc(' ', out);
            column++;
        }
        for (size_t i = 0; i < length; i++)
            fputc(word[i] == UNBREAKABLE ? ' ' : word[i], out);
        column += width;
        word += length;
        word += strspn(word, " ");
    }
    fputc('\n', out);
}
