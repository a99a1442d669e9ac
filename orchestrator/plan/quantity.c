/* Scalars of a plan. One scanner reads "digits . digits e exponent" for all kinds, so that they
 * accept the same spellings. Counts are integers from text to value: as a double, 1.1B would be
 * exact by luck only, and token counts decide how many steps are trained. */
#include "plan/quantity.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS_MAX 64
#define EXPONENT_MAX 9999 /* far beyond any double; keeps the arithmetic in an int */

struct decimal { /* sign * 0digits * 10^exponent */
    bool negative;
    char digits[DIGITS_MAX + 1];
    size_t count;
    int exponent;
    const char *rest; /* what follows the number */
};

static bool is_digit(char c)
{
    return isdigit((unsigned char)c) != 0;
}

/* Reads digits and the '_' between them; false when there are too many. */
static bool take_digits(struct decimal *d, const char **text, bool fraction, bool *any)
{
    const char *s = *text;
    for (;; s++) {
        if (*s == '_' && s > *text && is_digit(s[-1]) && is_digit(s[1]))
            continue;
        if (!is_digit(*s))
            break;
        *any = true;
        if (*s != '0' || d->count > 0) { /* no leading zeros */
            if (d->count == DIGITS_MAX)
                return false;
            d->digits[d->count++] = *s;
        }
        if (fraction)
            d->exponent--;
    }
    *text = s;
    return d->exponent > -EXPONENT_MAX;
}

static bool scan(struct decimal *d, const char *text)
{
    bool any = false;
    memset(d, 0, sizeof(*d));
    d->negative = *text == '-';
    if (*text == '-' || *text == '+')
        text++;
    if (!take_digits(d, &text, false, &any))
        return false;
    if (*text == '.') {
        text++;
        if (!take_digits(d, &text, true, &any))
            return false;
    }
    if (!any)
        return false;
    if (*text == 'e' || *text == 'E') {
        const char *s = text + 1;
        bool minus = *s == '-';
        int exponent = 0;
        if (*s == '-' || *s == '+')
            s++;
        if (!is_digit(*s))
            return false;
        for (; is_digit(*s); s++)
            if (exponent < EXPONENT_MAX)
                exponent = exponent * 10 + (*s - '0');
        d->exponent += minus ? -exponent : exponent;
        text = s;
    }
    d->rest = text;
    return true;
}

static const struct suffix {
    const char *name;
    uint64_t factor;
} suffixes[] = {
    {"", 1},
    {"k", 1000},
    {"M", 1000000},
    {"B", 1000000000},
    {"T", 1000000000000},
    {"Ki", UINT64_C(1) << 10},
    {"Mi", UINT64_C(1) << 20},
    {"Gi", UINT64_C(1) << 30},
};

static bool times(uint64_t *value, uint64_t factor)
{
    if (*value > UINT64_MAX / factor)
        return false;
    *value *= factor;
    return true;
}

enum quantity_status quantity_count(const char *text, uint64_t *out)
{
    struct decimal d;
    uint64_t factor = 0, value = 0;
    if (!scan(&d, text))
        return QUANTITY_SYNTAX;
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
        if (strcmp(d.rest, suffixes[i].name) == 0)
            factor = suffixes[i].factor;
    if (!factor)
        return QUANTITY_SYNTAX;
    while (d.count > 0 && d.digits[d.count - 1] == '0') { /* 1.50 is 15 * 10^-1 */
        d.count--;
        d.exponent++;
    }
    if (d.count == 0) {
        *out = 0;
        return QUANTITY_OK;
    }
    if (d.negative)
        return QUANTITY_BEYOND;
    for (size_t i = 0; i < d.count; i++) {
        uint64_t digit = (uint64_t)(d.digits[i] - '0');
        if (!times(&value, 10) || value > UINT64_MAX - digit)
            return QUANTITY_BEYOND;
        value += digit;
    }
    /* Cancels a negative exponent against the suffix before multiplying: only a result that is too
     * large overflows. */
    for (; d.exponent < 0 && factor % 10 == 0; d.exponent++)
        factor /= 10;
    for (; d.exponent < 0 && factor % 2 == 0 && value % 5 == 0; d.exponent++) {
        factor /= 2;
        value /= 5;
    }
    if (d.exponent < 0)
        return QUANTITY_FRACTION;
    for (; d.exponent > 0; d.exponent--)
        if (!times(&value, 10))
            return QUANTITY_BEYOND;
    if (!times(&value, factor))
        return QUANTITY_BEYOND;
    *out = value;
    return QUANTITY_OK;
}

static enum quantity_status to_double(const struct decimal *d, double *out)
{
    char text[DIGITS_MAX + 32];
    snprintf(text, sizeof(text), "%s%se%d", d->negative ? "-" : "", d->count ? d->digits : "0",
             d->exponent);
    double value = strtod(text, NULL);
    if (!isfinite(value))
        return QUANTITY_BEYOND;
    *out = value + 0.0; /* -0 becomes 0: one spelling in the resolved plan */
    return QUANTITY_OK;
}

enum quantity_status quantity_number(const char *text, double *out)
{
    struct decimal d;
    if (!scan(&d, text) || *d.rest)
        return QUANTITY_SYNTAX;
    return to_double(&d, out);
}

enum quantity_status quantity_duration(const char *text, double *out_s)
{
    struct decimal d;
    if (!scan(&d, text) || strlen(d.rest) != 1)
        return QUANTITY_SYNTAX;
    double unit_s = *d.rest == 's'   ? 1
                    : *d.rest == 'm' ? 60
                    : *d.rest == 'h' ? 3600
                    : *d.rest == 'd' ? 86400
                                     : 0;
    if (!(unit_s > 0))
        return QUANTITY_SYNTAX;
    double value = 0;
    enum quantity_status status = to_double(&d, &value);
    if (status != QUANTITY_OK)
        return status;
    if (!isfinite(value * unit_s))
        return QUANTITY_BEYOND;
    *out_s = value * unit_s;
    return QUANTITY_OK;
}

const char *quantity_count_text(uint64_t count, char *out, size_t capacity)
{
    const char *names[] = {"", "k", "M", "B", "T"};
    size_t i = 0;
    while (i < 4 && count >= 1000 && count % 1000 == 0) {
        count /= 1000;
        i++;
    }
    snprintf(out, capacity, "%" PRIu64 "%s", count, names[i]);
    return out;
}

const char *quantity_duration_text(double seconds, char *out, size_t capacity)
{
    static const struct {
        double seconds;
        char name;
    } units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}};
    for (size_t i = 0; i < 3; i++) {
        double n = seconds / units[i].seconds;
        if (n >= 1 && floor(n) >= n) {
            snprintf(out, capacity, "%.0f%c", n, units[i].name);
            return out;
        }
    }
    snprintf(out, capacity, "%gs", seconds);
    return out;
}
