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

const char *format_fixed(char *text, size_t capacity, int digits, double value)
{
    bool zero = fabs(value) < 0.5 * pow(10, -digits); /* "-0.00" puzzles */
    snprintf(text, capacity, isfinite(value) ? "%.*f" : "-", digits, zero ? 0.0 : value);
    return text;
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

static const char *format_end(char text[48], char style, int digits, double end)
{
    if (style == 'l')
        return format_lr(text, 48, digits, end);
    if (style == 'f')
        return format_fixed(text, 48, digits, end);
    if (style == 'r')
        return format_ratio(text, 48, end);
    snprintf(text, 48, style == '+' ? "%+.*g" : "%.*g", digits, end);
    return text;
}

const char *format_range(char *text, size_t capacity, char style, int digits, const double ends[2])
{
    char low[48], high[48];
    snprintf(text, capacity, "-");
    if (interval_known(ends))
        snprintf(text, capacity, "%s .. %s", format_end(low, style, digits, ends[0]),
                 format_end(high, style, digits, ends[1]));
    return text;
}

static const char *format_bracket(char *text, size_t capacity, const char *words, char style,
                                  int digits, const double ends[2])
{
    char low[48], high[48];
    text[0] = '\0';
    if (interval_known(ends))
        snprintf(text, capacity, " (%s%s\v..\v%s)", words, format_end(low, style, digits, ends[0]),
                 format_end(high, style, digits, ends[1]));
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

/* ---- rows ---- */

void row_add(char row[ROW_MOST], int gap, int width, const char *text)
{
    size_t used = strlen(row);
    snprintf(row + used, ROW_MOST - used, "%*s%*s", gap, "", width, text);
}

void row_print(FILE *out, char row[ROW_MOST])
{
    size_t used = strlen(row);
    while (used > 0 && row[used - 1] == ' ')
        used--;
    fprintf(out, "%.*s\n", (int)used, row);
    row[0] = '\0';
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
