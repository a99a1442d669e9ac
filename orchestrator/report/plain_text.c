#include "report/plain_text.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>
#include "lrsearch/printable.h"

#define UNBREAKABLE '\v'

/* ---- numbers ---- */

const char *format_seconds(char *text, size_t capacity, double seconds)
{
    if (!(seconds >= 0) || !(seconds < 1e12))
        snprintf(text, capacity, "?");
    else if (seconds < 9.95)
        snprintf(text, capacity, "%.1fs", seconds);
    else if (seconds < 59.5)
        snprintf(text, capacity, "%.0fs", seconds);
    else {
        long long whole = llround(seconds), minutes = whole / 60, hours = minutes / 60;
        if (hours >= 24)
            snprintf(text, capacity, "%lldd%02lldh", hours / 24, hours % 24);
        else if (hours > 0)
            snprintf(text, capacity, "%lldh%02lldm", hours, minutes % 60);
        else
            snprintf(text, capacity, "%lldm%02llds", minutes, whole % 60);
    }
    return text;
}

const char *format_lr(char *text, size_t capacity, int digits, double lr)
{
    if (!isfinite(lr)) {
        snprintf(text, capacity, "-");
        return text;
    }
    char plain[40];
    int exponent = 0;
    snprintf(plain, sizeof(plain), "%.*e", digits - 1, lr);
    char *e = plain;
    while (*e && *e != 'e')
        e++;
    sscanf(e, "e%d", &exponent);
    *e = '\0';
    snprintf(text, capacity, "%se%d", plain, exponent);
    return text;
}

bool interval_known(const double ends[2])
{
    return isfinite(ends[0]) && isfinite(ends[1]);
}

const char *format_lr_interval(char *text, size_t capacity, int digits, const double ends[2])
{
    char low[64], high[64];
    if (interval_known(ends))
        snprintf(text, capacity, "%s .. %s", format_lr(low, sizeof(low), digits, ends[0]),
                 format_lr(high, sizeof(high), digits, ends[1]));
    else
        snprintf(text, capacity, "-");
    return text;
}

const char *format_fixed(char *text, size_t capacity, int digits, double value)
{
    bool zero = fabs(value) < 0.5 * pow(10, -digits); /* "-0.00" puzzles */
    snprintf(text, capacity, isfinite(value) ? "%.*f" : "-", digits, zero ? 0.0 : value);
    return text;
}

static const char *format_bracket(char *text, size_t capacity, const char *words, char style,
                                  int digits, const double ends[2])
{
    char end[2][48];
    for (int i = 0; i < 2; i++)
        if (style == 'l')
            format_lr(end[i], sizeof(end[i]), digits, ends[i]);
        else if (style == 'f')
            format_fixed(end[i], sizeof(end[i]), digits, ends[i]);
        else
            snprintf(end[i], sizeof(end[i]), style == '+' ? "%+.*g" : "%.*g", digits, ends[i]);
    text[0] = '\0';
    if (interval_known(ends))
        snprintf(text, capacity, " (%s%s\v..\v%s)", words, end[0], end[1]);
    return text;
}

const char *format_interval90(char *text, size_t capacity, char style, int digits,
                              const double ends[2])
{
    return format_bracket(text, capacity, "90\v% interval ", style, digits, ends);
}

const char *format_ends(char *text, size_t capacity, char style, int digits, const double ends[2])
{
    return format_bracket(text, capacity, "", style, digits, ends);
}

const char *format_ratio(char *text, size_t capacity, double ratio)
{
    if (!isfinite(ratio))
        snprintf(text, capacity, "-");
    else if (fabs(ratio) >= 99.5 && fabs(ratio) < 9999.5)
        snprintf(text, capacity, "%.0f", ratio);
    else
        snprintf(text, capacity, "%.2g", ratio);
    return text;
}

const char *format_ratio_interval(char *text, size_t capacity, const double ends[2])
{
    char low[32], high[32];
    snprintf(text, capacity, "-");
    if (interval_known(ends))
        snprintf(text, capacity, "%s .. %s", format_ratio(low, sizeof(low), ends[0]),
                 format_ratio(high, sizeof(high), ends[1]));
    return text;
}

const char *format_assumption(char *text, size_t capacity, double share, const char *of)
{
    text[0] = '\0';
    if (share >= 0.9995)
        snprintf(text, capacity, "%s is an assumption alone: your runs say nothing about it", of);
    else if (share >= 0.005)
        snprintf(text, capacity, "%.0f\v%% of %s is an assumption, the rest your runs", 100 * share,
                 of);
    return text;
}

/* ---- paragraphs ---- */

static int width_of(const char *text, size_t length)
{
    int width = 0;
    for (size_t i = 0; i < length; i++)
        width += ((unsigned char)text[i] & 0xc0) != 0x80; /* not a continuation byte */
    return width;
}

/* `hang`: columns before the second and further lines. */
static void __attribute__((format(printf, 5, 0)))
wrap(FILE *out, size_t columns, const char *first, int hang, const char *format, va_list args)
{
    char text[2048];
    vsnprintf(text, sizeof(text), format, args);
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
        if (column > indent && column + 1 + width > (int)columns) {
            fprintf(out, "\n%*s", hang, "");
            column = indent = hang;
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

void wrap_print(FILE *out, const char *first, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    wrap(out, WRAP_COLUMNS, first, width_of(first, strlen(first)), format, args);
    va_end(args);
}

void wrap_within(FILE *out, size_t columns, const char *first, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int width = width_of(first, strlen(first));
    wrap(out, columns, first, width == 2 ? 4 : width, format, args);
    va_end(args);
}

void wrap_item(FILE *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    wrap(out, WRAP_COLUMNS, "  ", 4, format, args);
    va_end(args);
}
